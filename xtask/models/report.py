"""The table, as text and as `docs/models.md`."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import coremltools as ct
import torch

from .convert import Converted
from .judge import BOUNDS, Verdict
from .timing import Times
from .zoo import Case


@dataclass
class Row:
    """What came of one variant of a model."""

    case: Case
    variant: str
    converted: Converted | None = None
    verdict: Verdict | None = None
    times: Times | None = None
    failure: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.case.name} {self.variant.replace('_', ' ')}"

    def line(self) -> str:
        """For the terminal."""
        if self.failure is not None:
            return f"{self.name:<28} FAILED: {self.failure}"
        assert self.verdict is not None
        cells = [f"{self.name:<28} cosine {self.verdict.cosine:.7f}  max abs {self.verdict.max_abs:<9.3g}"]
        if self.verdict.places:
            cells.append(f"top-1 {self.verdict.same} of {self.verdict.places}")
        if self.times is not None:
            cells.append(f"{self.times.milliseconds:.2f} ms, {self.times.of_pytorch:.2f} x PyTorch")
            if self.times.of_onnxruntime is not None:
                cells.append(f"{self.times.of_onnxruntime:.2f} x onnxruntime")
        return "  ".join(cells)

    def cells(self) -> list[str]:
        """For the document."""
        opset = self.converted.meta["target"] if self.converted else self.case.target.name
        size = f"{self.converted.meta['bytes'] / 1e6:.1f}" if self.converted else ""
        begin = [self.case.name, self.variant.replace("_", " "), opset, size]
        if self.verdict is None:
            first = (self.failure or "").splitlines()[0].replace("|", "\\|")
            return [*begin, f"**fails**: {first}", "", "", "", "", ""]
        v, t = self.verdict, self.times
        state = "" if self.failure is None else "**fails** "
        top1 = f"{v.same} of {v.places}" if v.places else ""
        times = ["", "", ""]
        if t is not None:
            times = [f"{t.milliseconds:.2f}", f"{t.of_pytorch:.2f}", ""]
            if t.of_onnxruntime is not None:
                times[2] = f"{t.of_onnxruntime:.2f}"
        return [*begin, f"{state}{v.cosine:.7f}", f"{v.max_abs:.2g}", top1, *times]


HEAD = """\
# Models from PyTorch

PyTorch models, converted on Linux by coremltools, run by `anemone` and compared with PyTorch. Written by
`cargo xtask models --write`, or `--write --bench` for times; do not edit.

* Weights are random with a fixed seed, but for those of all-MiniLM-L6-v2. Batch norms have the statistics of the inputs.
* PyTorch computes in fp32. `fp32` is the model in fp32, run with `--profile f32`; `fp16` the model in fp16, run with
  `--profile fp16`. What follows names a method of coremltools for weights: `int8` linear, `lut4` a palette of 16 values, `int4`
  linear in blocks of 32. There PyTorch computes with what the method has left of the weights, so that the comparison is of
  anemone and not of the method.
* A model fails below a cosine of {fp32.cosine} in fp32 or {fp16.cosine} in fp16, if a number is off by more than {fp32.worst} or
  {fp16.worst} of the largest magnitude, or if the place of a maximum differs (`top-1`). Of several calls, functions and outputs the
  worst numbers are shown.
{times}
{machine}

"""
TIMES = """\
* `ms` is the median time of one call; beside it are its parts of PyTorch's and onnxruntime's times, in fp32 with the same number
  of threads, measured in turns in the same minutes: below 1 anemone is faster. onnxruntime does not run models with states.
"""
COLUMNS = ["model", "variant", "target", "MB", "cosine", "max abs", "top-1", "ms", "of PyTorch", "of onnxruntime"]


def document(rows: list[Row], threads: int, anemone: str) -> str:
    """The whole of `docs/models.md`."""
    timed = any(row.times is not None for row in rows)
    machine = f"{anemone}, coremltools {ct.__version__}, PyTorch {torch.__version__.split('+')[0]}"
    machine += f"; {_processor()}, {threads} thread{'s' * (threads > 1)}." if timed else "."
    lines = [HEAD.format(fp32=BOUNDS["fp32"], fp16=BOUNDS["fp16"], times=TIMES if timed else "", machine=machine)]
    columns = COLUMNS if timed else COLUMNS[:-3]
    lines.append("| " + " | ".join(columns) + " |\n|" + "---|" * 3 + "---:|" * (len(columns) - 3) + "\n")
    lines += ["| " + " | ".join(row.cells()[: len(columns)]) + " |\n" for row in rows]
    lines.append("\n| model | what it is |\n|---|---|\n")
    cases = {row.case.name: row.case for row in rows}
    lines += [f"| {case.name} | {case.about} |\n" for case in cases.values()]
    return "".join(lines)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
