"""Runs packages with the command line, as its users do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import numpy as np

from . import judge
from .convert import Converted

PROFILES = {"fp32": "f32", "fp16": "fp16"}
# No model here takes a tenth of this.
SECONDS = 600


class Failure(Exception):
    """A model does not run, or not rightly."""


def check(anemone: str, converted: Converted) -> judge.Verdict:
    """Runs every function and step of a package, and compares with PyTorch. Raises `Failure` if one does not run."""
    verdict = judge.Verdict(1.0, 0.0, 0.0, 0, 0)
    for name, function in converted.meta["functions"].items():
        scratch = os.path.join(converted.directory, "ran", name)
        shutil.rmtree(scratch, ignore_errors=True)
        for number, step in enumerate(function["steps"]):
            given, ran = os.path.join(converted.directory, name, str(number)), os.path.join(scratch, str(number))
            arguments = _arguments(converted, name, given, step)
            if function["states"]:
                arguments += ["--state-out", os.path.join(ran, "states")]
                if number > 0:
                    arguments += ["--state-in", os.path.join(scratch, str(number - 1), "states")]
            call(anemone, ["run", converted.package, *arguments, "--output", ran])
            for output, file in step["outputs"].items():
                expected, found = np.load(os.path.join(given, file)), np.load(os.path.join(ran, f"{output}.npy"))
                try:
                    verdict += judge.compare(expected, found, function["top1"])
                except ValueError as e:
                    raise Failure(f"{name}, call {number}: `{output}`: {e}") from e
    return verdict


def bench(anemone: str, converted: Converted, threads: int, seconds: float) -> float:
    """The median time of a run of the first function, with the inputs of its first step, in seconds."""
    name, function = next(iter(converted.meta["functions"].items()))
    arguments = _arguments(converted, name, os.path.join(converted.directory, name, "0"), function["steps"][0])
    more = ["--threads", str(threads), "--seconds", str(seconds), "--json"]
    report = json.loads(call(anemone, ["bench", converted.package, *arguments, *more]))
    return report["seconds"]["p50"]


def _arguments(converted: Converted, function: str, given: str, step: dict) -> list[str]:
    inputs = [f"--input={name}={os.path.join(given, file)}" for name, file in step["inputs"].items()]
    shapes = []
    for name in converted.meta["functions"][function]["flexible"]:
        shape = np.load(os.path.join(given, step["inputs"][name])).shape
        shapes.append(f"--shape={name}={','.join(map(str, shape))}")
    return [*inputs, *shapes, "--function", function, "--profile", PROFILES[converted.precision]]


def call(anemone: str, arguments: list[str]) -> str:
    """Standard output of the command line. Raises `Failure` with what it says if it fails."""
    command = [anemone, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as e:
        raise Failure(f"no result within {SECONDS} s") from e
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"exit code {done.returncode}")
    return done.stdout
