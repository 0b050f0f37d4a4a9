"""Every check of one emitted program, in order: text, names, weight file, references, types, constants."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields

import numpy as np

from . import blobs, inference, known, layout, package, scope, syntax, transcode
from .inference import Objection
from .manifest import Constant, Emitted, Original, WeightFile
from .problem import Problem
from .syntax import Argument, Blob, Function, Many, Name, Operation, Program, Tensor, Typed, operations


@dataclass
class Counts:
    """How much has been checked."""

    operations: int = 0
    types: int = 0
    constants: int = 0
    blobs: int = 0
    references: int = 0
    packages: int = 0
    # What coremltools can only load when it is put otherwise; see `transcode.function`.
    adapted: int = 0

    def add(self, other: Counts) -> None:
        """Adds another count to this one."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def program(emitted: Emitted, objections: list[Objection]) -> Counts:
    """Checks a program; raises `Problem` at the first thing that is wrong with it.

    What coremltools says of its functions is added to `objections`.
    """
    path = os.path.join(emitted.directory, "model.mil")
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    parsed = syntax.parse(text)
    if parsed.version != emitted.dialect:
        raise Problem(f"program({parsed.version}) was written, {emitted.dialect} was asked for", 1)
    layout.check(parsed, text)
    scope.check(parsed)
    counts = Counts(operations=sum(len(operations(f.body)) for f in parsed.functions))
    entries, counts.references = _weights(parsed, emitted.directory)
    counts.blobs = len(entries)
    for function in parsed.functions:
        rest: Function | None = function
        while rest is not None:
            try:
                types, adapted = inference.check(rest, emitted.directory)
                counts.types += types
                counts.adapted += adapted
                break
            except Objection as e:
                objections.append(e)
                rest = known.relieved(e)
    functions = {f.name: f for f in parsed.functions}
    if emitted.package is not None:
        package.check(emitted.package, parsed, emitted.directory)
        counts.packages += 1
    for constant in emitted.constants:
        _constant(functions, constant, entries)
        counts.constants += 1
    return counts


def weight_file(source: WeightFile) -> Counts:
    """Checks a weight file that has no program."""
    entries = list(blobs.read(source.path).items())
    if len(entries) != len(source.blobs):
        raise Problem(f"the file has {len(entries)} blobs, {len(source.blobs)} were written")
    for (at, entry), (dtype, elements, data) in zip(entries, source.blobs):
        if (entry.dtype, entry.elements) != (dtype, elements):
            message = f"{entry.elements} elements of {entry.dtype}, {elements} of {dtype} were written"
            raise Problem(f"the blob at {at} has {message}")
        if entry.data != data:
            raise Problem(f"the blob at {at} holds {_difference(entry.data, data)}")
    return Counts(blobs=len(entries))


def original(source: Original) -> Counts:
    """Looks for every tensor of a safetensors file, rounded to fp16 by numpy, among what the text and the blobs hold."""
    held: set[bytes] = set()
    for directory in source.directories:
        with open(os.path.join(directory, "model.mil"), encoding="utf-8") as file:
            parsed = syntax.parse(file.read())
        entries, _ = _weights(parsed, directory)
        held.update(entry.data for entry in entries.values())
        for typed in _typed(parsed):
            if typed.type.dtype == "fp16" and not isinstance(typed.value, Blob):
                held.add(transcode.stored(typed.type.dtype, transcode.array(typed)))
    tensors = _safetensors(source.path)
    if unknown := [name for name in source.without if name not in tensors]:
        raise Problem(f"there is no tensor {unknown[0]}")
    wanted = {name: data for name, data in tensors.items() if name not in source.without}
    for name, data in wanted.items():
        if data not in held:
            raise Problem(f"no constant of the programs is tensor {name}, rounded to fp16")
    return Counts(constants=len(wanted))


def _safetensors(path: str) -> dict[str, bytes]:
    """The `f32` tensors of a file, as little-endian halves."""
    with open(path, "rb") as file:
        content = file.read()
    end = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:end]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, stop = entry["data_offsets"]
            tensors[name] = np.frombuffer(content[end + start : end + stop], "<f4").astype("<f2").tobytes()
    return tensors


def _weights(parsed: Program, directory: str) -> tuple[dict[int, blobs.Entry], int]:
    """The blobs of a program's weight file, and how many references to them there are."""
    references = [t for t in _typed(parsed) if isinstance(t.value, Blob)]
    path = os.path.join(directory, "weights", "weight.bin")
    if not os.path.exists(path):
        if references:
            raise Problem("there is no weight file", references[0].line)
        return {}, 0
    entries = blobs.read(path)
    for reference in references:
        blobs.check_reference(reference, entries)
    used = {r.value.offset for r in references}
    if unused := [at for at in entries if at not in used]:
        raise Problem(f"nothing refers to the blob at {unused[0]}")
    if not entries:
        raise Problem("the weight file has no blob")
    return entries, len(references)


def _typed(parsed: Program) -> list[Typed]:
    """Every tensor value that the operations of a program are given."""
    found: list[Typed] = []

    def visit(argument: Argument) -> None:
        if isinstance(argument, Many):
            for item in argument.items:
                visit(item)
        elif isinstance(argument, Typed) and isinstance(argument.type, Tensor):
            found.append(argument)

    for function in parsed.functions:
        for operation in operations(function.body):
            for _, argument in (*operation.arguments, *(operation.attributes or ())):
                visit(argument)
    return found


def _constant(functions: dict[str, Function], constant: Constant, entries: dict[int, blobs.Entry]) -> None:
    """Compares a constant with what the text says, or refers to."""
    if constant.function not in functions:
        raise Problem(f"there is no function `{constant.function}`")
    function = functions[constant.function]
    typed = _find(function, constant)
    wanted = Tensor(constant.dtype, constant.dims)
    if typed.type != wanted:
        raise Problem(f"{constant} is {typed.type}, {wanted} was meant", typed.line)
    if isinstance(typed.value, Blob):
        found = entries[typed.value.offset].data
    elif constant.dtype == "string":
        found = tuple(transcode.array(typed).reshape(-1).tolist())
    else:
        found = transcode.stored(constant.dtype, transcode.array(typed))
    if found == constant.data:
        return
    if isinstance(found, bytes) and _equal_but_for_nan(found, constant, isinstance(typed.value, Blob)):
        return
    raise Problem(f"{constant} holds {_difference(found, constant.data)}", typed.line)


def _equal_but_for_nan(found: bytes, constant: Constant, blob: bool) -> bool:
    """Text has one `nan` for all of them."""
    if blob or constant.dtype not in ("fp16", "fp32") or len(found) != len(constant.data):
        return False
    dtype = transcode.NUMPY[constant.dtype]
    a, b = np.frombuffer(found, dtype), np.frombuffer(constant.data, dtype)
    bits = np.uint16 if constant.dtype == "fp16" else np.uint32
    return bool(np.all((a.view(bits) == b.view(bits)) | (np.isnan(a) & np.isnan(b))))


def _difference(found: bytes | tuple, wanted: bytes | tuple) -> str:
    if len(found) != len(wanted):
        return f"{len(found)} bytes, {len(wanted)} were meant"
    at = next(i for i, (a, b) in enumerate(zip(found, wanted)) if a != b)
    return f"{found[at]!r} at {at}, {wanted[at]!r} was meant"


def _find(function: Function, constant: Constant) -> Typed:
    """The value of a constant in the text: its own `const`, or an argument."""
    everything = operations(function.body)
    consts = {o.results[0].name: o for o in everything if o.mnemonic == "const" and o.results}
    if constant.name is not None:
        return _val(consts, constant.name, constant, function.line)
    users: list[Operation] = [o for o in everything if o.results and o.results[0].name == constant.user]
    if not users:
        raise Problem(f"{constant} is missing", function.line)
    argument = dict(users[0].arguments).get(constant.parameter)
    if constant.position is not None and isinstance(argument, Many) and constant.position < len(argument.items):
        argument = argument.items[constant.position]
    if isinstance(argument, Name):
        return _val(consts, argument.name, constant, users[0].line)
    if not isinstance(argument, Typed):
        raise Problem(f"{constant} is missing", users[0].line)
    return argument


def _val(consts: dict[str, Operation], name: str, constant: Constant, line: int) -> Typed:
    val = consts[name].attribute("val") if name in consts else None
    if val is None:
        raise Problem(f"{constant} is missing, or no constant", line)
    return val
