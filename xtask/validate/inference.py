"""Every type of a function, inferred once more by coremltools, against the types that the text declares."""

from __future__ import annotations

import os

from coremltools.converters.mil.frontend.milproto import load
from coremltools.converters.mil.mil import Program as CoremlProgram
from coremltools.converters.mil.mil import types
from coremltools.converters.mil.mil.types.symbolic import any_symbolic

from . import transcode
from .problem import Problem
from .syntax import Function, ListOf, Operation, StateOf, Tensor, Type, operations


class Objection(Problem):
    """coremltools refuses an operation, or infers another type. It may be wrong: see `known.py`."""

    def __init__(self, message: str, line: int, function: Function, operation: Operation | None) -> None:
        super().__init__(message, line)
        self.function = function
        self.operation = operation


class _Recorder(load.TranscriptionContext):
    """The loader's table of values, which also remembers each value's type when it was made."""

    def __init__(self, weights: str) -> None:
        super().__init__(weights)
        self.inferred: dict[str, list[type]] = {}

    def register_var_with_name(self, name: str, var: object) -> None:
        self.inferred.setdefault(name, []).append(var.sym_type)
        super().register_var_with_name(name, var)


def check(function: Function, directory: str) -> tuple[int, int]:
    """Loads the function as coremltools does for a model, and compares types; returns how many were compared, and how much
    was put otherwise, see `transcode.function`.

    The weight file is the one under `directory`. Raises `Objection` if coremltools does not take the function, or for a
    type that is not the declared one.
    """
    message, adapted = transcode.function(function)
    _, version = transcode.OPSETS[function.opset]
    recorder = _Recorder(os.path.join(directory, "weights"))
    everything = operations(function.body)
    try:
        loaded = load._load_function(recorder, message, version)
        program = CoremlProgram()
        program.add_function(function.name, loaded)
        program.validate()
    except Exception as e:  # Whatever coremltools raises, and it raises all kinds, is a refusal.
        made = [o for o in everything if all(r.name in recorder.inferred for r in o.results)]
        # It compares types as well, without saying which.
        _compare(function, made, recorder.inferred)
        refused = next((o for o in everything if o not in made), None)
        what = f"`{refused.mnemonic}`" if refused else f"function `{function.name}`"
        said = f"coremltools refuses {what}: {type(e).__name__}: {' '.join(str(e).split())}"
        raise Objection(said, refused.line if refused else function.line, function, refused) from e
    return _compare(function, everything, recorder.inferred), adapted


def _compare(function: Function, made: list[Operation], inferred: dict[str, list[type]]) -> int:
    """Compares the types of all results; returns how many there are."""
    results = [(o, r) for o in made for r in o.results]
    for operation, result in results:
        # Values of several blocks may share a name.
        found = inferred.get(result.name, [])
        if not any(_same(result.type, one) for one in found):
            names = ", ".join(map(_spell, found)) or "nothing"
            message = f"`{result.name}` of `{operation.mnemonic}` is declared {result.type}, coremltools infers {names}"
            raise Objection(message, result.line, function, operation)
    return len(results)


def _same(declared: Type, inferred: type) -> bool:
    if isinstance(declared, StateOf):
        return types.is_state(inferred) and _same(declared.wrapped, inferred.wrapped_type())
    if isinstance(declared, ListOf):
        return types.is_list(inferred) and _same(declared.element, inferred.T[0])
    assert isinstance(declared, Tensor), "no operation gives a tuple or a dictionary"
    if types.is_state(inferred) or types.is_list(inferred):
        return False
    dtype, dims = _parts(inferred)
    return dtype == declared.dtype and len(dims) == len(declared.dims) and all(
        want == have or not isinstance(want, int) for want, have in zip(declared.dims, dims)
    )  # fmt: skip


def _parts(inferred: type) -> tuple[str, list[int | str]]:
    """Element type and dimensions; a scalar has none."""
    if not types.is_tensor(inferred):
        return _dtype(inferred), []
    dims = ["?" if any_symbolic([d]) else int(d) for d in inferred.get_shape()]
    return _dtype(inferred.get_primitive()), dims


def _dtype(primitive: type) -> str:
    name = types.builtin_to_string(primitive)
    return "string" if name == "str" else name


def _spell(inferred: type) -> str:
    if types.is_state(inferred):
        return f"state of {_spell(inferred.wrapped_type())}"
    if types.is_list(inferred):
        return f"list of {_spell(inferred.T[0])}"
    dtype, dims = _parts(inferred)
    return str(Tensor(dtype, tuple(dims)))
