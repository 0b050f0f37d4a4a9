"""The canonical layout of MIL text, as Apple's compiler writes it: for a syntax tree there is one text, to the byte."""

from __future__ import annotations

from .problem import Problem
from .syntax import (
    LONG, Argument, Blob, Block, Bool, DictOf, Function, ListOf, Many, Name, Number, Operation, Pairs, Param, Program, Row,
    StateOf, String, Tensor, TupleOf, Type, Typed, Value, canonical_number,
)


def check(program: Program, text: str) -> None:
    """Raises `Problem` at the first line in which `text` is not what it should be for its syntax tree."""
    wanted, found = render(program).split("\n"), text.split("\n")
    for line, (want, have) in enumerate(zip(wanted, found), 1):
        if want != have:
            at = next((i for i, (a, b) in enumerate(zip(want, have)) if a != b), min(len(want), len(have)))
            message = f"not the canonical layout from column {at + 1}: {_near(have, at)!r}, {_near(want, at)!r} is wanted"
            raise Problem(message, line)
    if len(wanted) != len(found):
        raise Problem(f"the file has {len(found)} lines, its canonical layout {len(wanted)}", min(len(wanted), len(found)))


def _near(line: str, at: int) -> str:
    return line[max(at - 15, 0) : at + 30]


def render(program: Program) -> str:
    """The canonical text of a program. Ends in `}` without a line break."""
    return _Renderer(program.version == LONG).program(program)


class _Renderer:
    def __init__(self, long: bool) -> None:
        self.long = long

    def type(self, type: Type) -> str:
        if isinstance(type, Tensor):
            if not type.dims and not self.long:
                return type.dtype
            return f"tensor<{type.dtype}, [{', '.join(map(str, type.dims))}]>"
        if isinstance(type, ListOf):
            return f"list<{self.type(type.element)}, {type.length}>"
        if isinstance(type, TupleOf):
            return f"tuple<{', '.join(map(self.type, type.elements))}>"
        if isinstance(type, DictOf):
            return f"dict<{self.type(type.key)}, {self.type(type.value)}>"
        assert isinstance(type, StateOf)
        return f"state<{self.type(type.wrapped)}>"

    def value(self, type: Type, value: Value) -> str:
        if isinstance(value, Number):
            return canonical_number(type.dtype, value.text) if isinstance(type, Tensor) else value.text
        if isinstance(value, String):
            return self.string(value.value)
        if isinstance(value, Bool):
            return str(value.value).lower()
        if isinstance(value, Row):
            inner = type.element if isinstance(type, ListOf) else type
            return f"[{', '.join(self.value(inner, v) for v in value.items)}]"
        if isinstance(value, Pairs):
            key, inner = (type.key, type.value) if isinstance(type, DictOf) else (type, type)
            pairs = (f"{{{self.value(key, k)}, {self.value(inner, v)}}}" for k, v in value.items)
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, Blob):
            string, integer = self.type(Tensor("string", ())), self.type(Tensor("uint64", ()))
            return f"BLOBFILE(path = {string}({self.string(value.path)}), offset = {integer}({value.offset}))"
        types = type.elements if isinstance(type, TupleOf) else (type,) * len(value.items)
        return f"({', '.join(self.value(t, v) for t, v in zip(types, value.items))})"

    @staticmethod
    def string(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'

    def typed(self, typed: Typed) -> str:
        return f"{self.type(typed.type)}({self.value(typed.type, typed.value)})"

    def attributes(self, attributes: tuple[tuple[str, Typed], ...] | None) -> str:
        if attributes is None:
            return ""
        return f"[{', '.join(f'{name} = {self.typed(value)}' for name, value in sorted(attributes, key=_first))}]"

    def argument(self, argument: Argument) -> str:
        if isinstance(argument, Many):
            return f"({', '.join(map(self.argument, argument.items))})"
        return argument.name if isinstance(argument, Name) else self.typed(argument)

    def params(self, params: tuple[Param, ...]) -> str:
        return ", ".join(f"{self.type(p.type)} {p.name}" for p in params)

    def operation(self, operation: Operation, indent: int) -> str:
        results = f"{self.params(operation.results)} = " if operation.results else ""
        arguments = sorted(operation.arguments, key=_first)
        arguments = ", ".join(f"{name} = {self.argument(value)}" for name, value in arguments)
        head = f"{results}{operation.mnemonic}({arguments}){self.attributes(operation.attributes)}"
        blocks = (self.block(block, indent + 4) for block in operation.blocks)
        return f"{' ' * indent}{head}{''.join(blocks)};\n"

    def block(self, block: Block, indent: int) -> str:
        body = "".join(self.operation(o, indent + 4) for o in block.operations)
        space = " " * indent
        return f"\n{space}({self.params(block.params)}) {{\n{body}{space}}} -> ({', '.join(block.outputs)})"

    def function(self, function: Function) -> str:
        attributes = f" {self.attributes(function.attributes)}" if function.attributes is not None else ""
        head = f"    func {function.name}<{function.opset}>({self.params(function.body.params)}){attributes}"
        body = "".join(self.operation(o, 12) for o in function.body.operations)
        return f"{head} {{\n{body}        }} -> ({', '.join(function.body.outputs)});\n"

    def program(self, program: Program) -> str:
        functions = "".join(map(self.function, sorted(program.functions, key=lambda f: f.name)))
        # Apple's compiler always writes attributes; without any, there is no line for them.
        attributes = f"{self.attributes(program.attributes)}\n" if program.attributes is not None else ""
        return f"program({program.version})\n{attributes}{{\n{functions}}}"


def _first(pair: tuple[str, object]) -> str:
    return pair[0]
