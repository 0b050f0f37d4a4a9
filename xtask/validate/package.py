"""A package against the text of the same program: its parts, its messages, its weights, what it tells of itself."""

from __future__ import annotations

import os

import coremltools
from coremltools.libmodelpackage import ModelPackage
from coremltools.proto import FeatureTypes_pb2, MIL_pb2, Model_pb2
from google.protobuf import unknown_fields
from google.protobuf.message import DecodeError, Message

from . import syntax, transcode
from .problem import Problem
from .syntax import Function, Param, Program, StateOf, Tensor, Type

_ARRAYS = FeatureTypes_pb2.ArrayFeatureType
# The types that inputs and outputs may have, and the version of the format that came with each.
_FEATURES = {"fp32": (_ARRAYS.FLOAT32, 6), "int32": (_ARRAYS.INT32, 6), "fp16": (_ARRAYS.FLOAT16, 7), "int8": (_ARRAYS.INT8, 10)}


def check(path: str, parsed: Program, directory: str) -> None:
    """Checks a package; raises `Problem` at the first thing that is not as in the text under `directory`."""
    try:
        package = ModelPackage(path)
        root = package.getRootModel().path()
    except Exception as e:  # Apple's reader raises all kinds.
        raise Problem(f"Apple's reader of packages: {' '.join(str(e).split())}") from e
    model = Model_pb2.Model()
    try:
        with open(root, "rb") as file:
            model.ParseFromString(file.read())
    except (OSError, DecodeError) as e:
        raise Problem(f"its model: {e}") from e
    _known(model, "Model")
    if model.WhichOneof("Type") != "mlProgram":
        raise Problem(f"its model is of type {model.WhichOneof('Type')}")
    if model.specificationVersion != (wanted := _specification(parsed)):
        raise Problem(f"its specification version is {model.specificationVersion}, {wanted} is the first that has all of it")
    _program(model.mlProgram, parsed)
    _same_file(os.path.join(os.path.dirname(root), "weights", "weight.bin"), os.path.join(directory, "weights", "weight.bin"))
    _description(model.description, parsed)
    try:
        coremltools.models.MLModel(path, skip_model_load=True)
    except Exception as e:  # Whatever coremltools raises is a refusal.
        raise Problem(f"coremltools refuses the package: {type(e).__name__}: {' '.join(str(e).split())}") from e


def _known(message: Message, where: str) -> None:
    """Refuses fields that Apple's schema has not."""
    if unknown := list(unknown_fields.UnknownFieldSet(message)):
        raise Problem(f"{where} has fields that nobody knows: {[f.field_number for f in unknown]}")
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        if field.message_type.GetOptions().map_entry:
            for key, one in value.items():
                if isinstance(one, Message):
                    _known(one, f"{where}.{field.name}[{key}]")
        elif field.is_repeated:
            for one in value:
                _known(one, f"{where}.{field.name}")
        else:
            _known(value, f"{where}.{field.name}")


def _features(function: Function) -> list[tuple[str, Type]]:
    """Inputs, states and outputs with their types."""
    types = {param.name: param.type for param in function.body.params}
    types.update((r.name, r.type) for o in function.body.operations for r in o.results)
    return [(p.name, p.type) for p in function.body.params] + [(name, types[name]) for name in function.body.outputs]


def _specification(parsed: Program) -> int:
    """The first version of the format that has everything in a program."""
    versions = [transcode.OPSETS[f.opset][1] for f in parsed.functions]
    tensors = [t for f in parsed.functions for _, t in _features(f) if isinstance(t, Tensor)]
    versions += [_FEATURES[t.dtype][1] for t in tensors if t.dtype in _FEATURES]
    newer = parsed.version != syntax.LONG or len(parsed.functions) > 1
    states = any(isinstance(t, StateOf) for f in parsed.functions for _, t in _features(f))
    return max(versions + [9] if newer or states else versions)


def _program(found: MIL_pb2.Program, parsed: Program) -> None:
    if found.version != 1:
        raise Problem(f"its program is of version {found.version}")
    if set(found.functions) != {f.name for f in parsed.functions}:
        raise Problem(f"it has the functions {sorted(found.functions)}")
    for function in parsed.functions:
        wanted, have = transcode.exact(function), found.functions[function.name]
        # As bytes, since no NaN equals another.
        if wanted.SerializeToString(deterministic=True) != have.SerializeToString(deterministic=True):
            raise Problem(f"function `{function.name}` is another one: {_difference(have, wanted)}", function.line)


def _difference(have: MIL_pb2.Function, wanted: MIL_pb2.Function) -> str:
    """The first line in which two functions differ."""
    lines = [str(f).splitlines() for f in (have, wanted)]
    at = next((i for i, (a, b) in enumerate(zip(*lines)) if a != b), min(map(len, lines)))
    found, meant = (" ".join(line[at : at + 1]).strip() or "nothing" for line in lines)
    return f"{found!r} in line {at + 1} of its text, {meant!r} was meant"


def _same_file(found: str, wanted: str) -> None:
    if os.path.exists(found) != os.path.exists(wanted):
        raise Problem("it has weights" if os.path.exists(found) else "its weights are missing")
    if os.path.exists(found):
        with open(found, "rb") as a, open(wanted, "rb") as b:
            if a.read() != b.read():
                raise Problem("its weights are not those of the text")


def _description(found: Model_pb2.ModelDescription, parsed: Program) -> None:
    functions = {f.name: f for f in found.functions}
    if not functions and len(parsed.functions) == 1:
        functions = {parsed.functions[0].name: found}
    if set(functions) != {f.name for f in parsed.functions}:
        raise Problem(f"its description is of the functions {sorted(functions)}")
    if found.functions and found.defaultFunctionName not in functions:
        raise Problem(f"its default function is {found.defaultFunctionName!r}")
    for function in parsed.functions:
        described = functions[function.name]
        states = [p for p in function.body.params if isinstance(p.type, StateOf)]
        inputs = [p for p in function.body.params if not isinstance(p.type, StateOf)]
        outputs = dict(_features(function)[len(function.body.params) :])
        _described(described.input, inputs)
        _described(described.state, states)
        _described(described.output, [Param(type, name, function.line) for name, type in outputs.items()])


def _described(found: list, wanted: list[Param]) -> None:
    if [f.name for f in found] != [p.name for p in wanted]:
        raise Problem(f"its description has {[f.name for f in found]}, {[p.name for p in wanted]} was meant")
    for feature, param in zip(found, wanted):
        type = param.type.wrapped if isinstance(param.type, StateOf) else param.type
        array = feature.type.stateType.arrayType if isinstance(param.type, StateOf) else feature.type.multiArrayType
        if array.dataType != _FEATURES[type.dtype][0]:
            raise Problem(f"its description says another element type of `{param.name}`", param.line)
        if "?" not in type.dims and tuple(array.shape) != type.dims:
            raise Problem(f"its description says {tuple(array.shape)} of `{param.name}`", param.line)
