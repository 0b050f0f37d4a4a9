"""Names: every value is defined once, before it is used, under a name that Apple's tools take."""

from __future__ import annotations

import re

from .problem import Problem
from .syntax import Argument, Block, Function, Many, Name, Param, Program

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_@]*")
# Words of the language. coremltools renames values that bear them, and Apple's parser reads them otherwise.
_RESERVED = frozenset(
    "any bool program func tensor list dict tuple state true false inf nan const BLOBFILE string bf16 fp16 fp32 fp64 "
    "int4 int8 int16 int32 int64 uint1 uint2 uint3 uint4 uint6 uint8 uint16 uint32 uint64".split()
)


def check(program: Program) -> None:
    """Raises `Problem` at the first name that is not right."""
    names = [f.name for f in program.functions]
    if not names:
        raise Problem("the program has no function")
    for function in program.functions:
        _identifier(function.name, function.line)
        if names.count(function.name) > 1:
            raise Problem(f"function `{function.name}` is defined twice", function.line)
        _function(function)


def _function(function: Function) -> None:
    known: dict[str, int] = {}
    _block(function.body, known, function.line)
    if not function.body.outputs:
        raise Problem(f"function `{function.name}` has no output", function.line)


def _define(param: Param, known: dict[str, int]) -> None:
    _identifier(param.name, param.line)
    if param.name in known:
        raise Problem(f"`{param.name}` is defined twice, first in line {known[param.name]}", param.line)
    known[param.name] = param.line


def _identifier(name: str, line: int) -> None:
    if not _IDENTIFIER.fullmatch(name):
        raise Problem(f"`{name}` is no name", line)
    if name in _RESERVED:
        raise Problem(f"`{name}` is a word of the language", line)


def _block(block: Block, known: dict[str, int], line: int) -> None:
    for param in block.params:
        _define(param, known)
    for operation in block.operations:
        for _, argument in operation.arguments:
            _use(argument, known)
        for inner in operation.blocks:
            # What a block defines is not seen outside.
            _block(inner, dict(known), operation.line)
        for result in operation.results:
            _define(result, known)
    for output in block.outputs:
        if output not in known:
            raise Problem(f"the output `{output}` is not defined", line)


def _use(argument: Argument, known: dict[str, int]) -> None:
    if isinstance(argument, Many):
        for item in argument.items:
            _use(item, known)
    elif isinstance(argument, Name) and argument.name not in known:
        raise Problem(f"`{argument.name}` is not defined before it is used", argument.line)
