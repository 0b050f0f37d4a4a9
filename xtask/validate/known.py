"""What is right and coremltools does not take, each with the reason. It is counted and printed.

An entry is for one operation under one condition, as narrow as the mistake in coremltools is. An entry that no program meets
any more is a failure, so that the list does not outlive its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from . import transcode
from .inference import Objection
from .syntax import Argument, Blob, Function, Name, Operation, Tensor, Typed, operations

class Call:
    """An operation in its function."""

    def __init__(self, operation: Operation, function: Function) -> None:
        self.operation = operation
        self.arguments: dict[str, Argument] = dict(operation.arguments)
        everything = operations(function.body)
        self.types = {r.name: r.type for o in everything for r in o.results}
        self.types.update({p.name: p.type for p in function.body.params})
        self.consts = {r.name: o.attribute("val") for o in everything if o.mnemonic == "const" for r in o.results}

    def dims(self, name: str) -> tuple[int | str, ...] | None:
        """The dimensions of an argument; none if it is not given."""
        argument = self.arguments.get(name)
        type = self.types.get(argument.name) if isinstance(argument, Name) else getattr(argument, "type", None)
        return type.dims if isinstance(type, Tensor) else None

    def values(self, name: str) -> np.ndarray | None:
        """The elements of an argument that is a constant."""
        argument = self.arguments.get(name)
        typed = self.consts.get(argument.name) if isinstance(argument, Name) else argument
        return transcode.array(typed) if isinstance(typed, Typed) and not isinstance(typed.value, Blob) else None

    def is_constant(self, name: str) -> bool:
        """Whether the argument is given and a constant."""
        argument = self.arguments.get(name)
        return isinstance(argument, Typed) or (isinstance(argument, Name) and argument.name in self.consts)


@dataclass(frozen=True)
class Known:
    """A mistake of coremltools."""

    mnemonic: str
    meets: Callable[[Call], bool]
    reason: str
    # An argument without which coremltools takes the call and infers the same type, so that the rest can be checked.
    without: str | None = None


def find(objection: Objection) -> Known | None:
    """The entry that explains what coremltools says."""
    if objection.operation is None:
        return None
    call = Call(objection.operation, objection.function)
    return next((k for k in KNOWN if k.mnemonic == objection.operation.mnemonic and k.meets(call)), None)


def relieved(objection: Objection) -> Function | None:
    """The function without the argument that coremltools stumbles over; none if that is no known mistake, or no help."""
    entry, function = find(objection), objection.function
    if entry is None or entry.without is None:
        return None
    kept = tuple(a for a in objection.operation.arguments if a[0] != entry.without)
    lighter = replace(objection.operation, arguments=kept)
    changed = tuple(lighter if o is objection.operation else o for o in function.body.operations)
    # An operation in a block of another is not among these.
    return replace(function, body=replace(function.body, operations=changed)) if lighter in changed else None


def _broadcast(*shapes: tuple[int | str, ...] | None) -> tuple[int | str, ...]:
    known = [s for s in shapes if s is not None]
    rank = max(map(len, known), default=0)
    padded = [(1,) * (rank - len(s)) + s for s in known]
    return tuple(next((d for d in column if d != 1), 1) for column in zip(*padded))


def _shape_needs_cond(call: Call) -> bool:
    (result,) = call.operation.results
    all_three = _broadcast(call.dims("cond"), call.dims("a"), call.dims("b"))
    return isinstance(result.type, Tensor) and result.type.dims == all_three != _broadcast(call.dims("a"), call.dims("b"))


def _rest_from_the_end(call: Call) -> bool:
    begin, size = call.values("begin"), call.values("size")
    return begin is not None and size is not None and bool(np.any((begin < 0) & (size == -1)))


def _before_the_first(call: Call) -> bool:
    x, end, stride = call.dims("x"), call.values("end"), call.values("stride")
    return None not in (x, end, stride) and bool(np.any((stride < 0) & (end < -np.array(x))))


def _other_equation(call: Call) -> bool:
    values = call.values("equation")
    equation = "" if values is None else str(values.reshape(-1)[0])
    letters: dict[str, str] = {}
    for letter in equation:
        if letter not in ",->":
            letters.setdefault(letter, chr(ord("a") + len(letters)))
    return "".join(letters.get(c, c) for c in equation) not in ("abcd,adce->abce", "abc,cbd->abd")


def _is(values: np.ndarray | None, number: int) -> bool:
    return values is not None and values.size == 1 and int(values.reshape(-1)[0]) == number


KNOWN = (
    Known(
        "select",
        _shape_needs_cond,
        "its type inference forgets `cond`; by its documentation the result has the shape of all three broadcast",
    ),
    Known(
        "crop_resize",
        lambda call: (call.dims("roi") or (0,) * 5)[2] == 5 and (call.dims("x") or (1,))[0] != 1,
        "a region of five numbers says which image it is of, so each gives one; it infers one for each image besides",
    ),
    Known(
        "prelu",
        lambda call: len(call.dims("x") or ()) != 4,
        "a limit of its own: with rank 3 and 5 it takes one slope for all channels",
    ),
    Known(
        "layer_norm",
        lambda call: call.dims("axes") is None,
        "`axes` are optional, and the default for them is a Python range, which it cannot make a constant of",
    ),
    Known(
        "matmul",
        lambda call: len(call.dims("y") or ()) == 1,
        "it reads the second last dimension of `y` before it has looked whether there is one",
    ),
    Known(
        "matmul",
        lambda call: len(call.dims("x") or ()) == 1 and len(call.dims("y") or ()) > 2,
        "of a product with a vector from the left it drops the first dimension, a dimension of the stack, not the vector's own",
    ),
    Known(
        "conv_transpose",
        lambda call: "bias" in call.arguments and not call.is_constant("bias"),
        "since iOS 17 `bias` may be computed at run time, and its type inference reads the value that is not there",
        without="bias",
    ),
    Known(
        "layer_norm",
        lambda call: "beta" in call.arguments and "gamma" not in call.arguments,
        "where there is `beta`, it compares the shape of `gamma`",
        without="beta",
    ),
    Known(
        "slice_by_size",
        _rest_from_the_end,
        "it subtracts a negative `begin` from the dimension for size -1; when it computes a value it counts from the end",
    ),
    Known(
        "slice_by_index",
        _before_the_first,
        "its type inference takes an `end` before the first element for the first; when it computes a value it slices as NumPy",
    ),
    Known(
        "einsum",
        _other_equation,
        "it takes two equations, `nchw,nwhu->nchu` and `chw,whr->chr` in any letters, and a space is a letter",
    ),
    Known(
        "topk",
        lambda call: _is(call.values("k"), -1),
        "its type inference makes a dimension of -1 of a `k` that means all since iOS 17",
    ),
)
