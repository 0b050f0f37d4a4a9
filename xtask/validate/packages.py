"""Mistakes planted into a right package, which is made here of a text and its weights, so that nothing of anemone is needed."""

from __future__ import annotations

import json
import os
import shutil
from typing import Callable

from coremltools.proto import FeatureTypes_pb2, Model_pb2

from . import package, transcode
from .problem import Problem
from .syntax import Program

_ITEM = "com.apple.CoreML/model.mlmodel"
_HALF = FeatureTypes_pb2.ArrayFeatureType.FLOAT16
_SINGLE = FeatureTypes_pb2.ArrayFeatureType.FLOAT32


def mistakes(directory: str, parsed: Program, weights: bytes) -> list[tuple[str, str, Callable[[], object]]]:
    """The mistakes, each with what is to be said of it; raises `Problem` if the right package is refused."""
    path = os.path.join(directory, "model.mlpackage")
    data = os.path.join(path, "Data", "com.apple.CoreML")
    text = os.path.join(directory, "text")
    os.makedirs(os.path.join(text, "weights"))
    with open(os.path.join(text, "weights", "weight.bin"), "wb") as file:
        file.write(weights)
    right = _model(parsed)

    def attempt(change: Callable[[Model_pb2.Model], None] | None = None, after: Callable[[], None] | None = None) -> None:
        model = Model_pb2.Model()
        model.CopyFrom(right)
        if change is not None:
            change(model)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(os.path.join(data, "weights"))
        _write(os.path.join(data, "model.mlmodel"), model.SerializeToString())
        _write(os.path.join(data, "weights", "weight.bin"), weights)
        entry = {"author": "self test", "description": "", "name": "model.mlmodel", "path": _ITEM}
        manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": {"model": entry}, "rootModelIdentifier": "model"}
        _write(os.path.join(path, "Manifest.json"), json.dumps(manifest).encode())
        if after is not None:
            after()
        package.check(path, parsed, text)

    def manifest(old: str, new: str) -> Callable[[], None]:
        def change() -> None:
            with open(os.path.join(path, "Manifest.json"), encoding="utf-8") as file:
                content = file.read()
            assert old in content
            _write(os.path.join(path, "Manifest.json"), content.replace(old, new).encode())

        return change

    def model(change: Callable[[Model_pb2.Model], None]) -> Callable[[], None]:
        return lambda: attempt(change)

    def files(after: Callable[[], None]) -> Callable[[], None]:
        return lambda: attempt(None, after)

    try:
        attempt()
    except Problem as e:
        raise Problem(f"self test: the right package is refused: {e.message}") from e
    name = next(iter(right.mlProgram.functions))
    opset = right.mlProgram.functions[name].opset

    def operations(m: Model_pb2.Model) -> list:
        return m.mlProgram.functions[name].block_specializations[opset].operations

    def described(m: Model_pb2.Model) -> Model_pb2.FunctionDescription:
        return m.description.functions[0]

    return [
        ("a manifest of another version", "Apple's reader", files(manifest('"1.0.0"', '"9.0.0"'))),
        ("a manifest without its model", "Apple's reader", files(manifest(_ITEM, "none"))),
        ("a package without its model", "Apple's reader|its model", files(lambda: os.remove(os.path.join(data, "model.mlmodel")))),
        ("a model that is none", "its model", files(lambda: _write(os.path.join(data, "model.mlmodel"), b"\xff" * 9))),
        ("a model of another type", "of type neuralNetwork", model(lambda m: m.neuralNetwork.SetInParent())),
        ("a field that nobody knows", "nobody knows", model(lambda m: m.mlProgram.MergeFromString(b"\xc2\x3e\x01a"))),
        ("an old specification", "its specification version is 8", model(lambda m: setattr(m, "specificationVersion", 8))),
        ("another version of the program", "of version 2", model(lambda m: setattr(m.mlProgram, "version", 2))),
        ("another function", "has the functions", model(lambda m: m.mlProgram.functions["other"].SetInParent())),
        ("another operation", "is another one", model(lambda m: setattr(operations(m)[6], "type", "relu"))),
        ("an operation missing", "is another one", model(lambda m: operations(m).pop())),
        ("another name", "is another one", model(lambda m: setattr(operations(m)[0].outputs[0], "name", "other"))),
        ("another argument", "is another one", model(lambda m: operations(m)[-1].inputs.pop("x"))),
        ("another input", "is another one", model(lambda m: setattr(m.mlProgram.functions[name].inputs[0], "name", "z"))),
        ("other weights", "are not those", files(lambda: _write(os.path.join(data, "weights", "weight.bin"), weights[:-1]))),
        ("no weights", "are missing", files(lambda: os.remove(os.path.join(data, "weights", "weight.bin")))),
        ("another default function", "its default", model(lambda m: setattr(m.description, "defaultFunctionName", "other"))),
        ("a function that is not described", "is of the functions", model(lambda m: setattr(described(m), "name", "other"))),
        ("an input that is not described", "its description has", model(lambda m: described(m).input.pop())),
        ("an output that is not described", "its description has", model(lambda m: described(m).output.pop())),
        ("another type described", "another element type",
         model(lambda m: setattr(described(m).input[0].type.multiArrayType, "dataType", _SINGLE))),
        ("another shape described", "its description says", model(lambda m: described(m).output[0].type.multiArrayType.shape.pop())),
    ]  # fmt: skip


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _model(parsed: Program) -> Model_pb2.Model:
    """The model of the self test's text, whose inputs and outputs are halves."""
    model = Model_pb2.Model(specificationVersion=9)
    model.mlProgram.version = 1
    (function,) = parsed.functions
    model.mlProgram.functions[function.name].CopyFrom(transcode.exact(function))
    model.description.defaultFunctionName = function.name
    described = model.description.functions.add(name=function.name)
    types = {r.name: r.type for o in function.body.operations for r in o.results}
    inputs = [(described.input, p.name, p.type) for p in function.body.params]
    for features, name, type in inputs + [(described.output, name, types[name]) for name in function.body.outputs]:
        array = features.add(name=name).type.multiArrayType
        array.dataType = _HALF
        array.shape.extend(type.dims)
    return model
