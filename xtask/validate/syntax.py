"""MIL text: its syntax tree, a parser for the whole grammar, and the canonical layout.

Written from the files of Apple's compiler, apart from anemone's own parser and printer: neither may repeat the other's
mistakes. It is strict where anemone's parser is lenient, because it reads what anemone's printer wrote: one dialect
throughout, and numbers in the one canonical spelling.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Callable, Union

from .problem import Problem

DTYPES = frozenset(
    "bool string fp16 fp32 fp64 bf16 fp8e4m3fn fp8e5m2 int4 int8 int16 int32 int64 "
    "uint1 uint2 uint3 uint4 uint6 uint8 uint16 uint32 uint64".split()
)

# The long dialect spells a scalar `tensor<int32, []>`, the short one `int32`.
LONG, SHORT = "1.0", "1.3"

_TOKEN = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*)+)
    |(?P<string>"(?:\\.|[^"\\\n])*")
    |(?P<number>-?(?:0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|(?:inf|nan)\b))
    |(?P<word>[A-Za-z_][A-Za-z0-9_@]*)
    |(?P<mark>->|[(){}\[\]<>,;=?*])""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Tensor:
    """A tensor; rank 0 is a scalar. A dimension that is not known is `?`, any number of them `*?`."""

    dtype: str
    dims: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.dims))}]"


@dataclass(frozen=True)
class ListOf:
    """A list of a length, `?` if not known."""

    element: Type
    length: int | str


@dataclass(frozen=True)
class TupleOf:
    """A tuple."""

    elements: tuple[Type, ...]


@dataclass(frozen=True)
class DictOf:
    """A dictionary."""

    key: Type
    value: Type


@dataclass(frozen=True)
class StateOf:
    """A value that lives from run to run."""

    wrapped: Type


Type = Union[Tensor, ListOf, TupleOf, DictOf, StateOf]


@dataclass(frozen=True)
class Number:
    """A number as it is spelled: what it means depends on the type before it."""

    text: str


@dataclass(frozen=True)
class String:
    """A string, escapes resolved."""

    value: str


@dataclass(frozen=True)
class Bool:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True)
class Row:
    """`[…]`: a row of a tensor, or a list."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Group:
    """`(…)`: a tuple of values."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Pairs:
    """`{{key, value}, …}`"""

    items: tuple[tuple[Value, Value], ...]


@dataclass(frozen=True)
class Blob:
    """A reference into a weight file, by the offset of a blob's metadata."""

    path: str
    offset: int


Value = Union[Number, String, Bool, Row, Group, Pairs, Blob]


@dataclass(frozen=True)
class Typed:
    """A value with its type: `T(v)`."""

    type: Type
    value: Value
    line: int


@dataclass(frozen=True)
class Name:
    """A reference to a value of the function."""

    name: str
    line: int


@dataclass(frozen=True)
class Many:
    """A tuple of arguments."""

    items: tuple[Argument, ...]


Argument = Union[Typed, Name, Many]


@dataclass(frozen=True)
class Param:
    """A parameter of a function or a block, or a result of an operation."""

    type: Type
    name: str
    line: int


@dataclass(frozen=True)
class Block:
    """Operations in braces, with the names they give back."""

    params: tuple[Param, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """A call of an operation."""

    mnemonic: str
    results: tuple[Param, ...]
    arguments: tuple[tuple[str, Argument], ...]
    attributes: tuple[tuple[str, Typed], ...] | None
    blocks: tuple[Block, ...]
    line: int

    def attribute(self, name: str) -> Typed | None:
        """The attribute with this name."""
        return dict(self.attributes or ()).get(name)


@dataclass(frozen=True)
class Function:
    """A function. Its parameters are those of `body`."""

    name: str
    opset: str
    attributes: tuple[tuple[str, Typed], ...] | None
    body: Block
    line: int


@dataclass(frozen=True)
class Program:
    """A file."""

    version: str
    attributes: tuple[tuple[str, Typed], ...] | None
    functions: tuple[Function, ...] = field(default=())


def operations(block: Block) -> list[Operation]:
    """Every operation, those of nested blocks after the operation that they belong to."""
    return [o for op in block.operations for o in (op, *(i for b in op.blocks for i in operations(b)))]


def parse(text: str) -> Program:
    """The syntax tree of a file. Raises `Problem` at the first thing that is not right."""
    return _Parser(text).program()


def canonical_number(dtype: str, text: str) -> str:
    """How Apple's compiler spells the number `text` as a `dtype`: decimal integers, C99 hexadecimal floats."""
    if dtype not in ("fp16", "fp32", "fp64", "bf16"):
        return str(int(text))
    value = number(text)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    mantissa, exponent = value.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"


def number(text: str) -> float:
    """The number that a spelling means."""
    special = text.lstrip("-") in ("inf", "nan")
    return float.fromhex(text) if special or "x" in text.lower() else float(text)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        self.position = 0
        self.version = ""
        at, line = 0, 1
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise Problem(f"{text[at]!r} is no part of MIL", line)
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup or "", match.group(), line))
            line += match.group().count("\n")
            at = match.end()
        self.tokens.append(("end", "end of file", line))

    # Tokens.

    @property
    def line(self) -> int:
        return self.tokens[self.position][2]

    def fail(self, wanted: str) -> Problem:
        return Problem(f"{wanted} is wanted, not {self.tokens[self.position][1]!r}", self.line)

    def sees(self, text: str, ahead: int = 0) -> bool:
        kind, found, _ = self.tokens[min(self.position + ahead, len(self.tokens) - 1)]
        return found == text and kind in ("mark", "word")

    def takes(self, text: str) -> bool:
        seen = self.sees(text)
        self.position += seen
        return seen

    def expect(self, text: str) -> None:
        if not self.takes(text):
            raise self.fail(repr(text))

    def take(self, kind: str, wanted: str) -> str:
        found, text, _ = self.tokens[self.position]
        if found != kind:
            raise self.fail(wanted)
        self.position += 1
        return text

    def word(self) -> str:
        return self.take("word", "a name")

    def separated(self, item: Callable[[], object], close: str) -> tuple:
        """Items with commas between them, up to and with `close`."""
        items = []
        if not self.sees(close):
            items.append(item())
            while self.takes(","):
                items.append(item())
        self.expect(close)
        return tuple(items)

    # Types.

    def dimension(self) -> int | str:
        if self.takes("*"):
            self.expect("?")
            return "*?"
        if self.takes("?"):
            return "?"
        text = self.take("number", "a dimension")
        if not text.isdecimal():
            raise Problem(f"a dimension is wanted, not {text!r}", self.line)
        return int(text)

    def type(self) -> Type:
        line, word = self.line, self.word()
        if word in DTYPES:
            if self.version == LONG:
                raise Problem(f"`{word}` is the spelling of program(1.3); here it is `tensor<{word}, []>`", line)
            return Tensor(word, ())
        if word not in ("tensor", "list", "tuple", "dict", "state"):
            raise Problem(f"`{word}` is no type", line)
        self.expect("<")
        if word == "tensor":
            dtype = self.word()
            if dtype not in DTYPES:
                raise Problem(f"`{dtype}` is no element type", line)
            self.expect(",")
            self.expect("[")
            dims = self.separated(self.dimension, "]")
            if not dims and self.version == SHORT:
                raise Problem(f"`tensor<{dtype}, []>` is the spelling of program(1.0); here it is `{dtype}`", line)
            found: Type = Tensor(dtype, dims)
        elif word == "tuple":
            return TupleOf(self.separated(self.type, ">"))
        elif word == "state":
            found = StateOf(self.type())
        else:
            first = self.type()
            self.expect(",")
            found = ListOf(first, self.dimension()) if word == "list" else DictOf(first, self.type())
        self.expect(">")
        return found

    # Values.

    def value(self) -> Value:
        kind, text, _ = self.tokens[self.position]
        if kind == "number":
            self.position += 1
            return Number(text)
        if kind == "string":
            return String(self.string())
        if self.takes("true"):
            return Bool(True)
        if self.takes("false"):
            return Bool(False)
        if self.takes("["):
            return Row(self.separated(self.value, "]"))
        if self.takes("("):
            return Group(self.separated(self.value, ")"))
        if self.takes("{"):
            return Pairs(self.separated(self.pair, "}"))
        if self.takes("BLOBFILE"):
            return self.blob()
        raise self.fail("a value")

    def string(self) -> str:
        line, text = self.line, self.take("string", "a string")
        if unknown := [e for e in re.findall(r"\\(.)", text) if e not in _ESCAPES]:
            raise Problem(f"`\\{unknown[0]}` is no escape", line)
        return re.sub(r"\\(.)", lambda m: _ESCAPES[m[1]], text[1:-1])

    def pair(self) -> tuple[Value, Value]:
        self.expect("{")
        key = self.value()
        self.expect(",")
        value = self.value()
        self.expect("}")
        return key, value

    def blob(self) -> Blob:
        line = self.line
        self.expect("(")
        fields = self.named(self.typed, ")")
        path, offset = dict(fields).get("path"), dict(fields).get("offset")
        if [name for name, _ in fields] != ["path", "offset"]:
            raise Problem("BLOBFILE takes `path` and `offset`, in this order", line)
        if path.type != Tensor("string", ()) or not isinstance(path.value, String):
            raise Problem("the path of a BLOBFILE is a string", line)
        if offset.type != Tensor("uint64", ()) or not isinstance(offset.value, Number):
            raise Problem("the offset of a BLOBFILE is an uint64", line)
        return Blob(path.value.value, int(offset.value.text))

    def typed(self) -> Typed:
        line, type = self.line, self.type()
        self.expect("(")
        value = self.value()
        self.expect(")")
        return Typed(type, value, line)

    def named(self, item: Callable[[], object], close: str) -> tuple:
        """`name = item` with commas between them, each name once."""
        seen: set[str] = set()

        def one() -> tuple[str, object]:
            line, name = self.line, self.word()
            if name in seen:
                raise Problem(f"`{name}` is given twice", line)
            seen.add(name)
            self.expect("=")
            return name, item()

        return self.separated(one, close)

    def attributes(self) -> tuple[tuple[str, Typed], ...] | None:
        return self.named(self.typed, "]") if self.takes("[") else None

    # Operations.

    def argument(self) -> Argument:
        if self.takes("("):
            return Many(self.separated(self.argument, ")"))
        line, kind = self.line, self.tokens[self.position][0]
        if kind == "word" and not self.sees("(", 1) and not self.sees("<", 1):
            return Name(self.word(), line)
        return self.typed()

    def param(self) -> Param:
        line, type = self.line, self.type()
        return Param(type, self.word(), line)

    def body(self, params: tuple[Param, ...]) -> Block:
        self.expect("{")
        operations = []
        while not self.takes("}"):
            operations.append(self.operation())
        self.expect("->")
        self.expect("(")
        return Block(params, tuple(operations), self.separated(self.word, ")"))

    def operation(self) -> Operation:
        line, results = self.line, []
        # An operation without results, such as write_state, begins with its mnemonic.
        if not self.sees("(", 1):
            results.append(self.param())
            while self.takes(","):
                results.append(self.param())
            self.expect("=")
        mnemonic = self.word()
        self.expect("(")
        arguments, attributes, blocks = self.named(self.argument, ")"), self.attributes(), []
        while self.takes("("):
            blocks.append(self.body(self.separated(self.param, ")")))
        self.expect(";")
        return Operation(mnemonic, tuple(results), arguments, attributes, tuple(blocks), line)

    def function(self) -> Function:
        line = self.line
        self.expect("func")
        name = self.word()
        self.expect("<")
        opset = self.word()
        self.expect(">")
        self.expect("(")
        params, attributes = self.separated(self.param, ")"), self.attributes()
        body = self.body(params)
        self.expect(";")
        return Function(name, opset, attributes, body, line)

    def program(self) -> Program:
        self.expect("program")
        self.expect("(")
        self.version = self.take("number", "a version")
        if self.version not in (LONG, SHORT):
            raise Problem(f"program({self.version}) is not known, only 1.0 and 1.3", self.line)
        self.expect(")")
        attributes, functions = self.attributes(), []
        self.expect("{")
        while not self.takes("}"):
            functions.append(self.function())
        self.take("end", "the end of the file")
        return Program(self.version, attributes, tuple(functions))
