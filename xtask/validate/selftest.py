"""Shows that the checks can fail: each of many small mistakes, planted into a right program, must be found for what it is.

The program here is written by hand and its weights by Apple's writer, so that nothing of anemone is needed.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import re
import struct
import tempfile
from dataclasses import dataclass
from typing import Callable

import numpy as np

from . import blobs, check, known, layout, packages, syntax
from .inference import Objection
from .manifest import Constant, Emitted, Original, WeightFile
from .problem import Problem

_SHORT = """\
program(1.3)
[buildInfo = dict<string, string>({{"tool", "self test"}})]
{
    func main<ios16>(tensor<fp16, [1, 4, 1, 64]> x) {
            string pad_type = const()[name = string("pad_type"), val = string("valid")];
            tensor<int32, [4]> pad = const()[name = string("pad"), val = tensor<int32, [4]>([0, 0, 0, 0])];
            tensor<int32, [2]> ones = const()[name = string("ones"), val = tensor<int32, [2]>([1, 1])];
            int32 groups = const()[name = string("groups"), val = int32(1)];
            tensor<fp16, [6, 4, 1, 1]> w = const()[name = string("w"), val = tensor<fp16, [6, 4, 1, 1]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64)))];
            tensor<fp16, [6, 4, 1, 1]> v = const()[name = string("v"), val = tensor<fp16, [6, 4, 1, 1]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(192)))];
            tensor<fp16, [6]> bias = const()[name = string("bias"), val = tensor<fp16, [6]>([0x1p+0, -0x1.8p-3, 0x0p+0, 0x1p-24, inf, nan])];
            tensor<fp16, [1, 6, 1, 64]> c = conv(bias = bias, dilations = ones, groups = groups, pad = pad, pad_type = pad_type, strides = ones, weight = w, x = x)[name = string("c")];
            tensor<fp16, [1, 6, 1, 64]> d = conv(dilations = ones, groups = groups, pad = pad, pad_type = pad_type, strides = ones, weight = v, x = x)[name = string("d")];
            tensor<fp16, [6, 4, 1, 1]> e = abs(x = tensor<fp16, [6, 4, 1, 1]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64))))[name = string("e")];
            tensor<fp16, [1, 6, 1, 64]> s = mul(x = c, y = fp16(0x1p-1))[name = string("s")];
            int32 axis = const()[name = string("axis"), val = int32(1)];
            bool interleave = const()[name = string("interleave"), val = bool(false)];
            tensor<fp16, [1, 12, 1, 64]> all = concat(axis = axis, interleave = interleave, values = (s, d))[name = string("all")];
            int32 parts = const()[name = string("parts"), val = int32(2)];
            tensor<fp16, [1, 6, 1, 64]> p, tensor<fp16, [1, 6, 1, 64]> q = split(axis = axis, num_splits = parts, x = all)[name = string("split")];
            string mode = const()[name = string("mode"), val = string("EXACT")];
            tensor<fp16, [1, 6, 1, 64]> g = gelu(mode = mode, x = p)[name = string("g")];
        } -> (g, q);
}"""  # noqa: E501

_W = np.arange(24, dtype=np.float16)
_V = np.arange(24, 48, dtype=np.float16)
_BIAS = np.array([1, -0.1875, 0, 2**-24, np.inf, np.nan], np.float16)


@dataclass(frozen=True)
class _Sample:
    text: str
    weights: bytes | None
    constants: tuple[Constant, ...]
    dialect: str


@dataclass(frozen=True)
class _Mistake:
    name: str
    # A regular expression for what is to be said of it.
    wanted: str
    plant: Callable[[_Sample], _Sample]


def run() -> int:
    """Runs the self test and returns the number of mistakes planted; raises `Problem` with those that were not found."""
    with tempfile.TemporaryDirectory() as directory:
        samples = _samples(directory)
        for sample in samples:
            try:
                _check(directory, sample)
            except Problem as e:
                raise Problem(f"self test: the right program, {sample.dialect}, is refused: {e.at('model.mil')}") from e
        planted = [(m, samples[0]) for m in (*_TEXT, *_WEIGHTS, *_MEANT)] + [(m, samples[1]) for m in _LONG]
        attempts = [(m.name, m.wanted, functools.partial(_plant, directory, m, sample)) for m, sample in planted]
        attempts += _original_mistakes(directory) + _weight_file_mistakes(directory) + _unknown_mistakes(directory)
        attempts += packages.mistakes(directory, syntax.parse(samples[0].text), samples[0].weights)
        if missed := [f"self test: {m}" for m in itertools.starmap(_missed, attempts) if m]:
            raise Problem("\n".join(missed))
        return len(attempts)


def _plant(directory: str, mistake: _Mistake, sample: _Sample) -> check.Counts:
    changed = mistake.plant(sample)
    assert changed != sample, f"{mistake.name}: nothing is changed"
    return _check(directory, changed)


def _missed(name: str, wanted: str, attempt: Callable[[], object]) -> str | None:
    """How a mistake was missed."""
    try:
        attempt()
    except Problem as e:
        return None if re.search(wanted, e.message) else f"{name}: {wanted!r} was to be said, not {e.message!r}"
    return f"{name} was not found"


def _samples(directory: str) -> list[_Sample]:
    """The right program in both dialects."""
    path = os.path.join(directory, "weight.bin")
    assert blobs.write_by_apple(path, [("fp16", _W.view(np.uint16)), ("fp16", _V.view(np.uint16))]) == [64, 192]
    with open(path, "rb") as file:
        weights = file.read()
    constants = (
        Constant("main", "w", None, None, None, "fp16", (6, 4, 1, 1), _W.tobytes()),
        Constant("main", "v", None, None, None, "fp16", (6, 4, 1, 1), _V.tobytes()),
        Constant("main", "bias", None, None, None, "fp16", (6,), _BIAS.tobytes()),
        Constant("main", "interleave", None, None, None, "bool", (), b"\0"),
        Constant("main", None, "s", "y", None, "fp16", (), np.float16(0.5).tobytes()),
        Constant("main", None, "d", "weight", None, "fp16", (6, 4, 1, 1), _V.tobytes()),
        Constant("main", None, "g", "mode", None, "string", (), ("EXACT",)),
    )
    long = layout.render(dataclasses.replace(syntax.parse(_SHORT), version=syntax.LONG))
    short = _Sample(_SHORT, weights, constants, syntax.SHORT)
    return [short, dataclasses.replace(short, text=long, dialect=syntax.LONG)]


def _check(directory: str, sample: _Sample) -> check.Counts:
    os.makedirs(os.path.join(directory, "weights"), exist_ok=True)
    with open(os.path.join(directory, "model.mil"), "w", encoding="utf-8", newline="") as file:
        file.write(sample.text)
    path = os.path.join(directory, "weights", "weight.bin")
    if sample.weights is None:
        os.remove(path)
    else:
        with open(path, "wb") as file:
            file.write(sample.weights)
    found: list[Problem] = []
    counts = check.Counts()
    try:
        counts = check.program(Emitted("self test", sample.dialect, directory, None, sample.constants), found)
    except Problem as e:
        found.append(e)
    for problem in found:
        raise problem
    return counts


def _text(name: str, old: str, new: str, wanted: str) -> _Mistake:
    """A mistake in the text: `old`, which occurs once, is replaced."""

    def plant(sample: _Sample) -> _Sample:
        assert sample.text.count(old) == 1, f"{name}: {old!r} occurs {sample.text.count(old)} times"
        return dataclasses.replace(sample, text=sample.text.replace(old, new))

    return _Mistake(name, wanted, plant)


def _bytes(name: str, at: int, new: bytes, wanted: str) -> _Mistake:
    """A mistake in the weight file."""

    def plant(sample: _Sample) -> _Sample:
        return dataclasses.replace(sample, weights=sample.weights[:at] + new + sample.weights[at + len(new) :])

    return _Mistake(name, wanted, plant)


def _weights(name: str, change: Callable[[bytes], bytes | None], wanted: str) -> _Mistake:
    return _Mistake(name, wanted, lambda sample: dataclasses.replace(sample, weights=change(sample.weights)))


def _meant(title: str, at: int, wanted: str, **change: object) -> _Mistake:
    """Something else was meant than what was written."""

    def plant(sample: _Sample) -> _Sample:
        constants = list(sample.constants)
        constants[at] = dataclasses.replace(constants[at], **change)
        return dataclasses.replace(sample, constants=tuple(constants))

    return _Mistake(title, wanted, plant)


_C = "tensor<fp16, [1, 6, 1, 64]> c"
_V_AT = "offset = uint64(192)"
_TEXT = [
    _text("a wrong dimension", _C, "tensor<fp16, [1, 6, 1, 65]> c", r"\[1, 6, 1, 65\], coremltools infers .*64\]"),
    _text("a wrong rank", _C, "tensor<fp16, [1, 6, 64]> c", "coremltools infers"),
    _text("a wrong element type", _C, "tensor<fp32, [1, 6, 1, 64]> c", "coremltools infers fp16"),
    _text("a wrong type of a second result", "64]> q =", "63]> q =", "`q` of `split` is declared .*63"),
    _text("a wrong type of a constant", "int32 groups", "tensor<int32, [1]> groups", r"declared int32\[1\]"),
    _text("a wrong type of an argument", "fp16(0x1p-1)", "fp32(0x1p-1)", "coremltools refuses `mul`"),
    _text("a missing argument", "weight = w, ", "", "coremltools refuses `conv`: .*weight"),
    _text("an unknown argument", "mode = mode, x = p", "mode = mode, xx = p", "coremltools refuses `gelu`"),
    _text("an argument that is given twice", "values = (s, d)", "values = (s, d), values = (s, d)", "is given twice"),
    _text("an unknown operation", "gelu(", "gelo(", "coremltools refuses `gelo`"),
    _text("an operation that is too new", "gelu(mode = mode, x = p)", "quantize(input = p)", "coremltools refuses `quantize`"),
    _text("a wrong mode", 'string("EXACT")', 'string("exact")', "coremltools refuses `gelu`"),
    _text("a result too few", "tensor<fp16, [1, 6, 1, 64]> p, tensor", "tensor", "`p` is not defined"),
    _text("dimensions that do not fit", 'string("axis"), val = int32(1)', 'string("axis"), val = int32(4)', "refuses `concat`"),
    _text("a value that is not defined", "x = p)", "x = r)", "`r` is not defined"),
    _text("a value before its definition", "(x = c, y", "(x = all, y", "`all` is not defined"),
    _text("a name twice", "> d =", "> c =", "`c` is defined twice"),
    _text("an output that is not defined", "-> (g, q)", "-> (g, r)", "output `r` is not defined"),
    _text("no output", "-> (g, q)", "-> ()", "has no output"),
    _text("a word of the language as a name", "int32 parts", "int32 list", "`list` is a word|`list` is no"),
    _text("an unknown operation set", "<ios16>", "<ios99>", "`ios99` is not known"),
    _text("another version", "program(1.3)", "program(1.2)", "1.2"),
    _text("the spelling of the other dialect", "int32 groups", "tensor<int32, []> groups", r"spelling of program\(1.0\)"),
    _text("arguments out of order", "mode = mode, x = p", "x = p, mode = mode", "canonical layout"),
    _text("a space too many", "-> (g, q)", "->  (g, q)", "canonical layout"),
    _text("a line break at the end", "(g, q);\n}", "(g, q);\n}\n", "canonical layout"),
    _text("a number in another spelling", "0x1p-1)", "0x1.0p-1)", "canonical layout"),
    _text("a decimal number", "0x1p-1)", "0.5)", "canonical layout"),
    _text("a number that is no fp16", "-0x1.8p-3", "-0x1.8001p-3", "is no fp16"),
    _text("a number too large for fp16", "-0x1.8p-3", "0x1p+16", "is no fp16"),
    _text("a number too large for int32", "parts = const()[name = string(\"parts\"), val = int32(2)",
          "parts = const()[name = string(\"parts\"), val = int32(2147483648)", "does not fit int32"),
    _text("a string for a number", "val = int32(2)", 'val = int32("2")', "is no number"),
    _text("a number for a bool", "bool(false)", "bool(0)", "is no bool"),
    _text("a row too short", "0x1p-24, inf, nan]", "inf, nan]", "row of 6"),
    _text("rows nested too deep", "([1, 1])", "([[1, 1]])", "row of 2|deeper"),
    _text("another value of a constant", "0x1p-24, inf", "0x1p-23, inf", "`bias` holds .* was meant"),
    _text("a number for a NaN", "inf, nan]", "inf, inf]", "`bias` holds .* was meant"),
    _text("another value of an argument", "fp16(0x1p-1)", "fp16(0x1p-2)", "`y` of the operation that gives `s` holds"),
    _text("another string", 'string("EXACT")', 'string("TANH_APPROXIMATION")', "'EXACT' was meant"),
    _text("another constant as argument", "mode = mode", "mode = pad_type", "coremltools refuses `gelu`"),
    _text("another blob as argument", "weight = v", "weight = w", "`weight` of the operation that gives `d` holds"),
    _text("an offset that is not that of a blob", _V_AT, "offset = uint64(128)", "offset 128 is not that of a blob"),
    _text("an offset beyond the file", _V_AT, "offset = uint64(4096)", "offset 4096 is not that of a blob"),
    _text("another blob's offset", _V_AT, "offset = uint64(64)", "nothing refers to the blob at 192"),
    _text("another weight file", 'weight.bin"), offset = uint64(192)', 'w.bin"), offset = uint64(192)', "weight file is"),
    _text("a blob of another type", "tensor<fp16, [6, 4, 1, 1]>(BLOBFILE(path = string(\"@model_path/weights/weight.bin\"), "
          + _V_AT, "tensor<int16, [6, 4, 1, 1]>(BLOBFILE(path = string(\"@model_path/weights/weight.bin\"), " + _V_AT,
          "holds fp16, the text says int16"),
    _text("a blob of another size", "tensor<fp16, [6, 4, 1, 1]>(BLOBFILE(path = string(\"@model_path/weights/weight.bin\"), "
          + _V_AT, "tensor<fp16, [6, 5, 1, 1]>(BLOBFILE(path = string(\"@model_path/weights/weight.bin\"), " + _V_AT,
          "has 24 elements, .* has 30"),
    _text("a missing bracket", "-> (g, q);\n}", "-> (g, q);\n", "is wanted"),
    _text("a missing semicolon", "-> (g, q);", "-> (g, q)", "';' is wanted"),
    _text("something foreign", "int32 parts", "int32 $parts", "is no part of MIL"),
    _text("an escape that is none", '"self test"', '"self\\qtest"', "is no escape"),
]  # fmt: skip

_LONG = [
    _text("the spelling of the other dialect", "tensor<int32, []> groups", "int32 groups", r"spelling of program\(1.3\)"),
    _text("the other dialect", "program(1.0)", "program(1.3)", r"spelling of program\(1.0\)|was asked for"),
    _Mistake("a dialect that was not asked for", "1.3 was asked for", lambda s: dataclasses.replace(s, dialect="1.3")),
]  # fmt: skip

# The metadata of the two blobs are at 64 and 192, their data, of 48 bytes, at 128 and 256.
_WEIGHTS = [
    _bytes("another version", 4, b"\3", "version is 3"),
    _bytes("a blob too many", 0, b"\3", "beyond the file"),
    _bytes("a blob too few", 0, b"\1", "last blob ends at 176"),
    _bytes("something in the header", 63, b"\1", "header's reserved"),
    _bytes("a corrupted sentinel", 64, b"\xee", "sentinel"),
    _bytes("a corrupted second sentinel", 195, b"\0", "blob 1 at 192: the sentinel"),
    _bytes("an unknown type", 68, b"\x63", "99 is no type"),
    _bytes("another type", 68, b"\6", "holds int16, the text says fp16"),
    _bytes("another size", 72, struct.pack("<Q", 46), "not zero|elements"),
    _bytes("half an element", 200, struct.pack("<Q", 47), "whole number"),
    _bytes("a size beyond the file", 200, struct.pack("<Q", 1 << 40), "beyond the file"),
    _bytes("a size that overflows", 200, struct.pack("<Q", (1 << 64) - 1), "beyond the file"),
    _bytes("data somewhere else", 80, struct.pack("<Q", 256), "data begin at 256"),
    _bytes("bits of padding", 88, b"\1", "bits of padding"),
    _bytes("something reserved", 120, b"\1", "reserved words"),
    _bytes("something between blobs", 180, b"\1", "from 176 to 192, are not zero"),
    _bytes("another element", 128, b"\1", "`w` holds .* was meant"),
    _bytes("another last element", 303, b"\1", "`v` holds .* was meant"),
    _weights("no weight file", lambda w: None, "no weight file"),
    _weights("an empty weight file", lambda w: b"", "header alone"),
    _weights("a cut weight file", lambda w: w[:-1], "beyond the file"),
    _weights("a longer weight file", lambda w: w + b"\0", "last blob ends at"),
    _weights("a blob off its place", lambda w: w[:192] + bytes(64) + w[192:], "blob 1 at 192: the sentinel"),
    _weights("blobs exchanged", lambda w: w[:128] + w[256:] + w[176:256] + w[128:176], "`w` holds .* was meant"),
    _weights("a blob that nothing needs", lambda w: b"\3" + w[1:] + bytes(16) + _again(w[64:176], 384), "nothing refers"),
]

_MEANT = [
    _meant("another element type meant", 0, "was meant", dtype="fp32"),
    _meant("other dimensions meant", 0, "was meant", dims=(4, 6, 1, 1)),
    _meant("a constant missing", 0, "is missing", name="u"),
    _meant("an argument missing", 4, "is missing", parameter="z"),
    _meant("an operation missing", 4, "is missing", user="t"),
    _meant("a function missing", 0, "no function `other`", function="other"),
    _meant("another bool meant", 3, "was meant", data=b"\1"),
]


def _again(blob: bytes, start: int) -> bytes:
    """A blob with its data at another place."""
    return blob[:16] + struct.pack("<Q", start) + blob[24:]


_SELECT = """\
program(1.3)
{
    func main<ios16>(tensor<bool, [2, 3]> cond, tensor<fp16, [3]> x) {
            tensor<fp16, [2, 3]> y = select(a = x, b = x, cond = cond)[name = string("y")];
        } -> (y);
}"""


def _unknown_mistakes(directory: str) -> list[tuple[str, str, Callable[[], object]]]:
    """A mistake of coremltools explains what it explains, and no other types of the same operation."""

    folder = os.path.join(directory, "select")
    os.mkdir(folder)

    def explained(dims: str) -> bool:
        objections: list[Objection] = []
        with open(os.path.join(folder, "model.mil"), "w", encoding="utf-8") as file:
            file.write(_SELECT.replace("[2, 3]> y", f"[{dims}]> y"))
        check.program(Emitted("self test", syntax.SHORT, folder, None, ()), objections)
        unknown = [o for o in objections if known.find(o) is None]
        for objection in unknown:
            raise objection
        return bool(objections)

    if not explained("2, 3"):
        raise Problem("self test: coremltools infers the right type of `select`: known.py is to be told")
    return [("a wrong type beside a known mistake", "declared fp16.2, 4., coremltools infers", lambda: explained("2, 4"))]


def _original_mistakes(directory: str) -> list[tuple[str, str, Callable[[], object]]]:
    """Safetensors files that are not what the program holds."""
    _check(directory, _samples(directory)[0])

    def attempt(tensors: dict[str, np.ndarray], without: tuple[str, ...] = ()) -> check.Counts:
        path = os.path.join(directory, "original.safetensors")
        data = [np.ascontiguousarray(t, np.float32).tobytes() for t in tensors.values()]
        ends = np.cumsum([len(d) for d in data]).tolist()
        header = {
            name: {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [end - len(d), end]}
            for name, d, end in zip(tensors, data, ends)
        }
        text = json.dumps(header).encode()
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text + b"".join(data))
        return check.original(Original("self test", path, without, (directory,)))

    # 1 + 2^-12 is no half; numpy rounds it to 1.
    right = {"w": _W.astype(np.float32) * np.float32(1 + 2**-12), "bias": _BIAS, "other": np.ones(3)}
    if attempt(right, ("other",)).constants != 2:
        raise Problem("self test: the right tensors are not counted")
    return [
        ("a tensor that the program lacks", "no constant of the programs is tensor other", lambda: attempt(right)),
        ("a tensor with another number", "tensor w", lambda: attempt({"w": right["w"] + np.eye(1, 24)[0]})),
        ("an exception without a tensor", "there is no tensor u", lambda: attempt(right, ("u",))),
    ]


def _weight_file_mistakes(directory: str) -> list[tuple[str, str, Callable[[], object]]]:
    """A weight file with parts of bytes, which are not what was meant."""
    path = os.path.join(directory, "parts.bin")
    blobs.write_by_apple(path, [("uint3", np.array([1, 2, 3], np.uint8)), ("fp32", np.array([1, 2], np.float32))])
    with open(path, "rb") as file:
        content = file.read()
    three, single = ("uint3", 3, b"\xd1\x00"), ("fp32", 2, struct.pack("<ff", 1, 2))

    def attempt(*meant: tuple[str, int, bytes], at: int = 0, new: bytes = b"") -> check.Counts:
        with open(path, "wb") as file:
            file.write(content[:at] + new + content[at + len(new) :])
        return check.weight_file(WeightFile("self test", path, meant))

    if attempt(three, single).blobs != 2:
        raise Problem("self test: the right blobs are not counted")
    return [
        ("a blob missing", "1 were written", lambda: attempt(three)),
        ("other bits", "was meant", lambda: attempt(("uint3", 3, b"\xd2\x00"), single)),
        ("other elements", "4 of uint3 were written", lambda: attempt(("uint3", 4, b"\xd1\x00"), single)),
        ("another type of element", "uint6 were written", lambda: attempt(("uint6", 3, b"\xd1\x00"), single)),
        ("too many bits of padding", "bits of padding", lambda: attempt(three, single, at=88, new=b"\x09")),
        ("elements that are not whole", "whole number", lambda: attempt(three, single, at=88, new=b"\x06")),
        ("something in the bits of padding", "Apple's writer", lambda: attempt(three, single, at=129, new=b"\x80")),
    ]
