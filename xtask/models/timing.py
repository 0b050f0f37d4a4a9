"""Times anemone beside PyTorch and onnxruntime, in turns in the same minute, with as many threads."""

from __future__ import annotations

import copy
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from typing import Callable

import numpy as np
import onnxruntime
import torch

from . import execute
from .convert import Converted, tensor
from .zoo import Made

ROUNDS = 3
SECONDS = 1.0


@dataclass(frozen=True)
class Times:
    """Of one variant: milliseconds, and its parts of the others' times. A ratio is the median over rounds of those within one."""

    milliseconds: float
    of_pytorch: float
    of_onnxruntime: float | None


def measure(anemone: str, converted: list[Converted], made: Made, threads: int) -> dict[str, Times]:
    """Times every variant of a model. PyTorch and onnxruntime compute in fp32, with the weights as they were."""
    engines: dict[str, Callable[[], float]] = {"PyTorch": _pytorch(made, threads)}
    with tempfile.TemporaryDirectory() as scratch:
        if not made.states:
            engines["onnxruntime"] = _onnxruntime(made, os.path.join(scratch, "model.onnx"), threads)
        for c in converted:
            engines[c.variant] = lambda c=c: execute.bench(anemone, c, threads, SECONDS)
        times: dict[str, list[float]] = {name: [] for name in engines}
        order = list(engines)
        for turn in range(ROUNDS):
            # In turning order: what ran before leaves caches and clocks as it likes.
            for name in order[turn % len(order) :] + order[: turn % len(order)]:
                times[name].append(engines[name]())

    def ratio(variant: str, other: str) -> float | None:
        if other not in times:
            return None
        return statistics.median(a / b for a, b in zip(times[variant], times[other]))

    return {
        c.variant: Times(
            1e3 * statistics.median(times[c.variant]), ratio(c.variant, "PyTorch"), ratio(c.variant, "onnxruntime")
        )
        for c in converted
    }


def _arguments(made: Made) -> tuple[torch.Tensor, ...]:
    return tuple(tensor(made, name, array) for name, array in made.steps[0].items())


def _median(run: Callable[[], object]) -> float:
    run()
    times, start = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < SECONDS:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _pytorch(made: Made, threads: int) -> Callable[[], float]:
    module, arguments = copy.deepcopy(made.module), _arguments(made)

    def run() -> float:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return _median(lambda: module(*arguments))

    return run


def _onnxruntime(made: Made, path: str, threads: int) -> Callable[[], float]:
    names = list(made.steps[0])
    arguments = _arguments(made)
    with torch.no_grad():
        torch.onnx.export(
            made.module, arguments, path, input_names=names, output_names=made.outputs, opset_version=17, dynamo=False
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    wanted = {i.name for i in session.get_inputs()}
    feeds: dict[str, np.ndarray] = {n: a.numpy() for n, a in zip(names, arguments) if n in wanted}
    return lambda: _median(lambda: session.run(None, feeds))
