"""Weight files: layout, what Apple's reader makes of them, what Apple's writer makes of that, and references to them.

All numbers in a weight file are little-endian. It begins with 64 bytes: the number of blobs, the version, 2, and zeros. Each
blob is 64 bytes of metadata on a multiple of 64, its data, and zeros up to the next metadata.
"""

from __future__ import annotations

import math
import os
import struct
import tempfile
from dataclasses import dataclass

import numpy as np
from coremltools.libmilstoragepython import _BlobStorageReader, _BlobStorageWriter

from .problem import Problem
from .syntax import Blob, Tensor, Typed

SENTINEL = 0xDEADBEEF
ALIGNMENT = 64
PATH = "@model_path/weights/weight.bin"


@dataclass(frozen=True)
class Kind:
    """An element type of blobs."""

    code: int
    bits: int
    # In the names of the methods of Apple's Python classes, which have none for some types.
    method: str | None


KINDS = {
    "fp16": Kind(1, 16, "fp16"), "fp32": Kind(2, 32, "float"), "uint8": Kind(3, 8, "uint8"), "int8": Kind(4, 8, "int8"),
    "bf16": Kind(5, 16, None), "int16": Kind(6, 16, "int16"), "uint16": Kind(7, 16, "uint16"), "int4": Kind(8, 4, "int4"),
    "uint1": Kind(9, 1, "uint1"), "uint2": Kind(10, 2, "uint2"), "uint4": Kind(11, 4, "uint4"),
    "uint3": Kind(12, 3, "uint3"), "uint6": Kind(13, 6, "uint6"), "int32": Kind(14, 32, "int32"),
    "uint32": Kind(15, 32, "uint32"), "fp8e4m3fn": Kind(16, 8, None), "fp8e5m2": Kind(17, 8, None),
}  # fmt: skip
_NAMES = {kind.code: name for name, kind in KINDS.items()}


@dataclass(frozen=True)
class Entry:
    """A blob of a file."""

    dtype: str
    elements: int
    data: bytes


def read(path: str) -> dict[int, Entry]:
    """The blobs of a file by the offsets of their metadata, after every check of the file by itself."""
    with open(path, "rb") as file:
        content = file.read()
    entries = _walk(content)
    for at, entry in entries.items():
        if KINDS[entry.dtype].method:
            _read_by_apple(path, at, entry)
    # Types that Apple's Python writer does not offer cannot be written again; layout and reading have been checked.
    if entries and all(KINDS[e.dtype].method for e in entries.values()):
        _compare_with_apple(path, content, entries)
    return entries


def check_reference(typed: Typed, entries: dict[int, Entry]) -> None:
    """Raises `Problem` if a BLOBFILE of the text is not a blob of its type and size."""
    blob, type = typed.value, typed.type
    assert isinstance(blob, Blob)
    if not isinstance(type, Tensor) or not all(isinstance(d, int) for d in type.dims):
        raise Problem("a BLOBFILE is a tensor of known shape", typed.line)
    if blob.path != PATH:
        raise Problem(f"the weight file is {blob.path!r}, {PATH!r} is wanted", typed.line)
    if blob.offset not in entries:
        raise Problem(f"offset {blob.offset} is not that of a blob; blobs are at {_some(entries)}", typed.line)
    entry, elements = entries[blob.offset], math.prod(type.dims)
    if entry.dtype != type.dtype:
        raise Problem(f"the blob at {blob.offset} holds {entry.dtype}, the text says {type.dtype}", typed.line)
    if entry.elements != elements:
        message = f"the blob at {blob.offset} has {entry.elements} elements, {list(type.dims)} has {elements}"
        raise Problem(message, typed.line)


def _some(entries: dict[int, Entry]) -> str:
    shown = ", ".join(map(str, list(entries)[:5]))
    return f"{shown}, …" if len(entries) > 5 else shown or "no place"


def _walk(content: bytes) -> dict[int, Entry]:
    """The blobs as the layout says, all of it checked."""
    if len(content) < ALIGNMENT:
        raise Problem(f"the file has {len(content)} bytes, its header alone has {ALIGNMENT}")
    count, version = struct.unpack_from("<II", content)
    if version != 2:
        raise Problem(f"the version is {version}, 2 is wanted")
    if any(content[8:ALIGNMENT]):
        raise Problem("the header's reserved bytes are not zero")
    entries, at = {}, ALIGNMENT
    for index in range(count):
        entry, end = _entry(content, at, f"blob {index} at {at}")
        entries[at] = entry
        at = -(-end // ALIGNMENT) * ALIGNMENT
        if any(content[end:at]):
            raise Problem(f"the bytes after blob {index}, from {end} to {at}, are not zero")
    end = end if count else ALIGNMENT
    if len(content) != end:
        raise Problem(f"the file has {len(content)} bytes, its last blob ends at {end}")
    return entries


def _entry(content: bytes, at: int, what: str) -> tuple[Entry, int]:
    """A blob, and where its data end."""
    if at + ALIGNMENT > len(content):
        raise Problem(f"{what}: the metadata end beyond the file, at {len(content)}")
    sentinel, code, size, start, padding, *reserved = struct.unpack_from("<IIQQQQQQQ", content, at)
    if sentinel != SENTINEL:
        raise Problem(f"{what}: the sentinel is {sentinel:#x}, {SENTINEL:#x} is wanted")
    if code not in _NAMES:
        raise Problem(f"{what}: {code} is no type")
    if start != at + ALIGNMENT:
        raise Problem(f"{what}: the data begin at {start}, {at + ALIGNMENT} is wanted")
    if start + size > len(content):
        raise Problem(f"{what}: the data end at {start + size}, beyond the file, at {len(content)}")
    if any(reserved):
        raise Problem(f"{what}: the reserved words are not zero")
    dtype = _NAMES[code]
    bits = KINDS[dtype].bits
    used = size * 8 - padding
    if (padding and bits >= 8) or padding >= 8 or used < 0 or used % bits:
        raise Problem(f"{what}: {size} bytes with {padding} bits of padding do not hold a whole number of {dtype}")
    return Entry(dtype, used // bits, content[start : start + size]), start + size


def _read_by_apple(path: str, at: int, entry: Entry) -> None:
    try:
        found = _by_apple(path, at, entry)
    except Exception as e:
        raise Problem(f"Apple's reader refuses the blob at {at}: {e}") from e
    if found.size != entry.elements:
        raise Problem(f"Apple's reader finds {found.size} elements at {at}, the metadata say {entry.elements}")
    if KINDS[entry.dtype].bits >= 8 and found.tobytes() != entry.data:
        raise Problem(f"Apple's reader finds other data at {at} than the file has there")


def _by_apple(path: str, at: int, entry: Entry) -> np.ndarray:
    """The elements; halves as their bits."""
    return getattr(_BlobStorageReader(path), f"read_{KINDS[entry.dtype].method}_data")(at)


def write_by_apple(path: str, blobs: list[tuple[str, np.ndarray]]) -> list[int]:
    """Writes a weight file with Apple's writer; returns where each blob's metadata are. Halves are given as their bits."""
    writer = _BlobStorageWriter(path)
    return [getattr(writer, f"write_{KINDS[dtype].method}_data")(np.ascontiguousarray(data)) for dtype, data in blobs]


def _compare_with_apple(path: str, content: bytes, entries: dict[int, Entry]) -> None:
    """The same blobs, written by Apple's writer, must be the same file."""
    with tempfile.TemporaryDirectory() as directory:
        again = os.path.join(directory, "weight.bin")
        write_by_apple(again, [(e.dtype, _by_apple(path, at, e)) for at, e in entries.items()])
        with open(again, "rb") as file:
            wanted = file.read()
    if wanted != content:
        at = next((i for i, (a, b) in enumerate(zip(wanted, content)) if a != b), min(len(wanted), len(content)))
        raise Problem(f"Apple's writer writes another file: first at byte {at}; {len(wanted)} bytes, not {len(content)}")
