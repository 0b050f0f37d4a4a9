"""MIL text to the protobuf that Apple's compiler made it from, which is what coremltools reads."""

from __future__ import annotations

import re

import numpy as np
from coremltools.proto import MIL_pb2

from .problem import Problem
from .syntax import (
    Argument, Blob, Block, Bool, DictOf, Function, ListOf, Many, Name, Number, Operation, Param, Row, StateOf, String, Tensor, Type,
    Typed, Value, number,
)

# The first Core ML that has an operation set, and the version of the model format that came with it.
OPSETS = {"ios15": ("CoreML5", 6), "ios16": ("CoreML6", 7), "ios17": ("CoreML7", 8), "ios18": ("CoreML8", 9)}

NUMPY = {
    "bool": np.bool_, "fp16": np.float16, "fp32": np.float32, "fp64": np.float64,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip

# Types below a byte, and their bits. Arrays hold a byte for each element.
BITS = {"uint1": 1, "uint2": 2, "uint3": 3, "int4": 4, "uint4": 4, "uint6": 6}

_ENUM = {
    "fp16": "FLOAT16", "fp32": "FLOAT32", "fp64": "FLOAT64", "bf16": "BFLOAT16",
    "fp8e4m3fn": "FLOAT8E4M3FN", "fp8e5m2": "FLOAT8E5M2",
}  # fmt: skip


def exact(source: Function) -> MIL_pb2.Function:
    """The protobuf of a function as the text has it, which coremltools cannot always load."""
    target = MIL_pb2.Function(opset=OPSETS[source.opset][0])
    for param in source.body.params:
        _type(param.type, target.inputs.add(name=param.name).type)
    _block(source.body, target.block_specializations[target.opset], adapt=False)
    return target


def function(source: Function) -> tuple[MIL_pb2.Function, int]:
    """The protobuf of a function, and how much of it is not as in the text, for coremltools could not load that.

    Raises `Problem` for values that are not of their type. Two things are put otherwise, and change no other type:
    an input without dimensions becomes a vector of one element that is squeezed, and a BLOBFILE that is an argument becomes
    the value of a constant. Their names have a `#`, which no name of a text has.
    """
    if source.opset not in OPSETS:
        raise Problem(f"operation set `{source.opset}` is not known, only {', '.join(OPSETS)}", source.line)
    target = MIL_pb2.Function(opset=OPSETS[source.opset][0])
    block = target.block_specializations[target.opset]
    for param in source.body.params:
        if isinstance(param.type, Tensor) and not param.type.dims:
            _scalar_input(param, target.inputs, block)
        else:
            _type(param.type, target.inputs.add(name=param.name).type)
    _block(source.body, block, adapt=True)
    names = [o.name for operation in block.operations for o in operation.outputs] + [i.name for i in target.inputs]
    return target, sum("#" in name for name in names)


def _scalar_input(param: Param, inputs: list, block: MIL_pb2.Block) -> None:
    vector = inputs.add(name=f"{param.name}#vector")
    _type(Tensor(param.type.dtype, (1,)), vector.type)
    squeeze = block.operations.add(type="squeeze")
    squeeze.inputs["x"].arguments.add().name = vector.name
    _type(param.type, squeeze.outputs.add(name=param.name).type)


def array(typed: Typed) -> np.ndarray:
    """The data of a tensor that is written in the text."""
    assert isinstance(typed.type, Tensor)
    dtype, dims = typed.type.dtype, typed.type.dims
    leaves = _leaves(typed.value, dims, typed.line)
    if dtype == "string":
        return np.array([_string(v, typed.line) for v in leaves], dtype=object).reshape(dims)
    if dtype == "bool":
        if wrong := [v for v in leaves if not isinstance(v, Bool)]:
            raise Problem(f"{wrong[0]} is no bool", typed.line)
        return np.array([v.value for v in leaves], dtype=np.bool_).reshape(dims)
    if dtype in BITS:
        held = np.int8 if dtype == "int4" else np.uint8
        return np.array([_number(v, dtype, typed.line) for v in leaves], dtype=held).reshape(dims)
    if dtype not in NUMPY:
        raise Problem(f"values of {dtype} belong in a weight file", typed.line)
    return np.array([_number(v, dtype, typed.line) for v in leaves], dtype=NUMPY[dtype]).reshape(dims)


def stored(dtype: str, elements: np.ndarray) -> bytes:
    """The bytes of an array; elements below a byte are a stream of bits, the first in the least significant ones."""
    if dtype not in BITS:
        return elements.tobytes()
    bits = np.unpackbits(elements.reshape(-1, 1).view(np.uint8), axis=1, bitorder="little")[:, : BITS[dtype]]
    return np.packbits(bits.reshape(-1), bitorder="little").tobytes()


def _leaves(value: Value, dims: tuple, line: int) -> list[Value]:
    """The elements of a nest of rows that must have the shape `dims`."""
    if not dims:
        if isinstance(value, Row):
            raise Problem("the rows are nested deeper than the type says", line)
        return [value]
    if 0 in dims:
        if value != Row(()):
            raise Problem("a tensor without elements is written []", line)
        return []
    if not isinstance(value, Row):
        raise Problem(f"{len(dims)} more levels of rows are wanted", line)
    if len(value.items) != dims[0]:
        raise Problem(f"a row of {dims[0]} is wanted, this one has {len(value.items)}", line)
    return [leaf for item in value.items for leaf in _leaves(item, dims[1:], line)]


def _string(value: Value, line: int) -> str:
    if not isinstance(value, String):
        raise Problem(f"{value} is no string", line)
    return value.value


def _number(value: Value, dtype: str, line: int) -> float | int:
    """A number that the type holds exactly: a printer of values has nothing to round."""
    if not isinstance(value, Number):
        raise Problem(f"{value} is no number", line)
    if dtype in ("fp16", "fp32", "fp64"):
        wide = number(value.text)
        with np.errstate(over="ignore"):
            narrow = float(NUMPY[dtype](wide))
        if narrow != wide and wide == wide:
            raise Problem(f"{value.text} is no {dtype}, the nearest is {narrow.hex()}", line)
        return wide
    if not re.fullmatch(r"-?\d+", value.text):
        raise Problem(f"{value.text} is no integer", line)
    if dtype in BITS:
        low, high = (-8, 7) if dtype == "int4" else (0, 2 ** BITS[dtype] - 1)
    else:
        limits = np.iinfo(NUMPY[dtype])
        low, high = limits.min, limits.max
    if not low <= int(value.text) <= high:
        raise Problem(f"{value.text} does not fit {dtype}", line)
    return int(value.text)


def _type(source: Type, target: MIL_pb2.ValueType) -> None:
    if isinstance(source, Tensor):
        tensor = target.tensorType
        tensor.dataType = MIL_pb2.DataType.Value(_ENUM.get(source.dtype, source.dtype.upper()))
        tensor.rank = len(source.dims)
        for dim in source.dims:
            _dimension(dim, tensor.dimensions.add())
    elif isinstance(source, ListOf):
        _type(source.element, target.listType.type)
        _dimension(source.length, target.listType.length)
    elif isinstance(source, DictOf):
        _type(source.key, target.dictionaryType.keyType)
        _type(source.value, target.dictionaryType.valueType)
    elif isinstance(source, StateOf):
        _type(source.wrapped, target.stateType.wrappedType)
    else:
        for element in source.elements:
            _type(element, target.tupleType.types.add())


def _dimension(source: int | str, target: MIL_pb2.Dimension) -> None:
    if isinstance(source, int):
        target.constant.size = source
    else:
        target.unknown.variadic = source == "*?"


def _value(source: Typed, target: MIL_pb2.Value) -> None:
    _type(source.type, target.type)
    value, type = source.value, source.type
    if isinstance(value, Blob):
        target.blobFileValue.fileName, target.blobFileValue.offset = value.path, value.offset
    elif isinstance(type, Tensor):
        _tensor(type.dtype, array(source), target.immediateValue.tensor)
    elif isinstance(type, ListOf) and isinstance(value, Row):
        for item in value.items:
            _value(Typed(type.element, item, source.line), target.immediateValue.list.values.add())
    else:
        raise Problem("only tensors and lists occur as values of operations", source.line)


def _tensor(dtype: str, data: np.ndarray, target: MIL_pb2.TensorValue) -> None:
    """Which field holds the elements depends on their type."""
    flat = data.reshape(-1)
    fields = {
        "string": "strings", "bool": "bools", "fp32": "floats", "fp64": "doubles", "int64": "longInts", "uint64": "longInts",
        "int16": "ints", "uint16": "ints", "int32": "ints",
    }  # fmt: skip
    if dtype in fields:
        values = getattr(target, fields[dtype])
        values.SetInParent()
        values.values.extend(flat.tolist())
    else:
        target.bytes.values = stored(dtype, flat)


def _argument(source: Argument, target: MIL_pb2.Argument, block: MIL_pb2.Block, adapt: bool) -> None:
    if isinstance(source, Many):
        for item in source.items:
            _argument(item, target, block, adapt)
    elif isinstance(source, Name):
        target.arguments.add().name = source.name
    elif adapt and isinstance(source.value, Blob):
        name = f"blob#{len(block.operations)}"
        const = block.operations.add(type="const")
        _type(source.type, const.outputs.add(name=name).type)
        _value(source, const.attributes["val"])
        target.arguments.add().name = name
    else:
        _value(source, target.arguments.add().value)


def _operation(source: Operation, block: MIL_pb2.Block, adapt: bool) -> None:
    """Adds an operation to a block."""
    target = MIL_pb2.Operation(type=source.mnemonic)
    for result in source.results:
        _type(result.type, target.outputs.add(name=result.name).type)
    for name, argument in source.arguments:
        _argument(argument, target.inputs[name], block, adapt)
    for name, value in source.attributes or ():
        _value(value, target.attributes[name])
    for nested in source.blocks:
        inner = target.blocks.add()
        for param in nested.params:
            _type(param.type, inner.inputs.add(name=param.name).type)
        _block(nested, inner, adapt)
    block.operations.append(target)


def _block(source: Block, target: MIL_pb2.Block, adapt: bool) -> None:
    for operation in source.operations:
        _operation(operation, target, adapt)
    target.outputs.extend(source.outputs)
