"""What `cargo xtask validate` has written, and what it meant to write: the counterpart of `xtask/src/validate/manifest.rs`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Constant:
    """A constant as the program holds it in memory.

    It is found in the text under `name`; or, if it has none, as an argument of the operation whose first result is `user`,
    for the parameter `parameter`, at `position` if that takes a tuple.
    """

    function: str
    name: str | None
    user: str | None
    parameter: str | None
    position: int | None
    dtype: str
    dims: tuple[int, ...]
    # The elements: little-endian bytes, bools a byte each; or strings.
    data: bytes | tuple[str, ...]

    def __str__(self) -> str:
        if self.name is not None:
            return f"`{self.name}`"
        at = "" if self.position is None else f", element {self.position}"
        return f"`{self.parameter}`{at} of the operation that gives `{self.user}`"


@dataclass(frozen=True)
class Emitted:
    """A program on disk: `model.mil`, and `weights/weight.bin` if it needs one."""

    # Where it comes from, for people: `filetests/conv.mil:12`.
    source: str
    dialect: str
    directory: str
    # The same as a package; Core ML does not take the inputs and outputs of some.
    package: str | None
    constants: tuple[Constant, ...]


@dataclass(frozen=True)
class Original:
    """A safetensors file whose tensors, rounded to fp16, are what the programs of an example hold."""

    source: str
    path: str
    # Tensors that are not in the programs.
    without: tuple[str, ...]
    directories: tuple[str, ...]


@dataclass(frozen=True)
class WeightFile:
    """A weight file without a program: blobs in order, as element type, number of elements, and packed bytes."""

    source: str
    path: str
    blobs: tuple[tuple[str, int, bytes], ...]


@dataclass(frozen=True)
class Manifest:
    """Everything there is to check."""

    programs: tuple[Emitted, ...]
    originals: tuple[Original, ...]
    weight_files: tuple[WeightFile, ...]


def load(path: str) -> Manifest:
    """Reads a manifest. Its paths are relative to its directory."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    root = os.path.dirname(os.path.abspath(path))
    with open(os.path.join(root, content["data"]), "rb") as file:
        data = file.read()

    def part(span: dict) -> bytes:
        return data[span["offset"] : span["offset"] + span["bytes"]]

    def constant(entry: dict) -> Constant:
        held = tuple(entry["strings"]) if entry["strings"] is not None else part(entry["span"])
        place = (entry[key] for key in ("function", "name", "user", "parameter", "position"))
        return Constant(*place, entry["dtype"], tuple(entry["dims"]), held)

    def place(below: str | None) -> str | None:
        return None if below is None else os.path.join(root, below)

    # Both dialects of a program hold the same constants.
    constants = [tuple(map(constant, entries)) for entries in content["constants"]]
    programs = (
        Emitted(e["source"], e["dialect"], os.path.join(root, e["directory"]), place(e["package"]), constants[e["constants"]])
        for e in content["programs"]
    )
    originals = (
        Original(e["source"], e["path"], tuple(e["without"]), tuple(os.path.join(root, d) for d in e["directories"]))
        for e in content["originals"]
    )
    weight_files = (
        WeightFile(
            e["source"],
            os.path.join(root, e["path"]),
            tuple((b["dtype"], b["elements"], part(b["span"])) for b in e["blobs"]),
        )
        for e in content["weight_files"]
    )
    return Manifest(tuple(programs), tuple(originals), tuple(weight_files))
