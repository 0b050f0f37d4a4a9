"""PyTorch modules to packages, with what they are fed and what PyTorch makes of it. Kept under target/models."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass

import coremltools as ct
import numpy as np
import torch
from PIL import Image as Picture
from torch import nn

from . import compress, judge
from .zoo import SEED, Case, Made

HERE = os.path.dirname(os.path.abspath(__file__))
NUMPY = {"fp16": np.float16, "fp32": np.float32}


@dataclass(frozen=True)
class Converted:
    """A package on disk, with files of inputs and of PyTorch's outputs."""

    case: Case
    variant: str
    directory: str
    # What `meta.json` says: functions, their steps, and more.
    meta: dict

    @property
    def package(self) -> str:
        """The path of the package."""
        return os.path.join(self.directory, "model.mlpackage")

    @property
    def precision(self) -> str:
        """Of what the model computes: fp32 or fp16."""
        return self.variant.split("_")[0]


def variants(case: Case) -> list[str]:
    """What a case is converted to: precisions, and compressed fp16."""
    return ["fp32", "fp16", *(f"fp16_{method}" for method in case.compressed)]


def key() -> str:
    """Changes when anything does that a package depends on."""
    digest = hashlib.sha256()
    sources = ["zoo.py", "convert.py", "compress.py", "requirements.txt"]
    sources += [f"nets/{name}" for name in sorted(os.listdir(os.path.join(HERE, "nets"))) if name.endswith(".py")]
    for source in sources:
        with open(os.path.join(HERE, source), "rb") as file:
            digest.update(source.encode() + b"\0" + file.read())
    return digest.hexdigest()


def kept(root: str, case: Case, variant: str) -> Converted | None:
    """What an earlier run has converted, if nothing has changed since."""
    directory = os.path.join(root, case.name, variant)
    with contextlib.suppress(OSError, ValueError):
        with open(os.path.join(directory, "meta.json"), encoding="utf-8") as file:
            meta = json.load(file)
        if meta["key"] == key():
            return Converted(case, variant, directory, meta)
    return None


def convert(root: str, case: Case) -> list[Converted]:
    """Every variant of the case: kept ones, or made now."""
    found = [kept(root, case, variant) for variant in variants(case)]
    if all(found):
        return [c for c in found if c is not None]
    torch.manual_seed(SEED)
    functions = case.make()
    return [_convert(root, case, functions, variant) for variant in variants(case)]


def _convert(root: str, case: Case, functions: dict[str, Made], variant: str) -> Converted:
    start = time.monotonic()
    directory = os.path.join(root, case.name, variant)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    precision, _, method = variant.partition("_")
    target, models, modules, changed = case.target, {}, {}, None
    if method:
        target = max(target, compress.METHODS[method][1], key=lambda t: t.value)
    for name, made in functions.items():
        module = compress.without_norms(made.module) if method else made.module
        model = _package(module, made, precision, target)
        if method:
            with contextlib.redirect_stderr(io.StringIO()):
                smaller = compress.METHODS[method][0](model)
            module, changed = compress.left(module, model, smaller)
            model = smaller
        models[name], modules[name] = model, module
    package = os.path.join(directory, "model.mlpackage")
    _save(models, package)
    meta = {"key": key(), "target": target.name, "functions": {}}
    if changed is not None:
        meta["compressed_parameters"] = changed
    for name, made in functions.items():
        meta["functions"][name] = _run(modules[name], made, os.path.join(directory, name))
    meta["bytes"] = sum(
        os.path.getsize(os.path.join(where, file)) for where, _, files in os.walk(package) for file in files
    )
    meta["seconds"] = round(time.monotonic() - start, 1)
    # Written last: what it says is there.
    with open(os.path.join(directory, "meta.json"), "w", encoding="utf-8") as file:
        json.dump(meta, file, indent=1)
    return Converted(case, variant, directory, meta)


def _package(module: nn.Module, made: Made, precision: str, target: ct.target) -> ct.models.MLModel:
    """Traced and converted."""
    examples = tuple(tensor(made, name, array) for name, array in made.steps[0].items())
    with torch.no_grad():
        # States change when the module is traced, and the caller's must not.
        traced = torch.jit.trace(copy.deepcopy(module), examples, check_trace=False)
    half = made.half and precision == "fp16"
    inputs = []
    for name, array in made.steps[0].items():
        shape = ct.Shape(made.flexible[name]) if name in made.flexible else array.shape
        if image := made.images.get(name):
            layout = getattr(ct.colorlayout, image.layout)
            inputs.append(ct.ImageType(name, shape, scale=image.scale, bias=list(image.bias), color_layout=layout))
            continue
        dtype = np.float16 if half and array.dtype == np.float32 else array.dtype.type
        inputs.append(ct.TensorType(name, shape, dtype=dtype))
    buffers = dict(module.named_buffers())
    # A state of the Neural Engine's systems is fp16 whatever the program computes in.
    states = [ct.StateType(ct.TensorType(shape=buffers[s].shape, dtype=np.float16), s) for s in made.states]
    return ct.convert(
        traced,
        inputs=inputs,
        outputs=[ct.TensorType(name, dtype=np.float16 if half else None) for name in made.outputs],
        states=states or None,
        convert_to="mlprogram",
        minimum_deployment_target=target,
        compute_precision=ct.precision.FLOAT16 if precision == "fp16" else ct.precision.FLOAT32,
        skip_model_load=True,
    )


def _save(models: dict[str, ct.models.MLModel], package: str) -> None:
    if list(models) == ["main"]:
        models["main"].save(package)
        return
    with tempfile.TemporaryDirectory(dir=os.path.dirname(package)) as scratch:
        together = ct.utils.MultiFunctionDescriptor()
        for name, model in models.items():
            path = os.path.join(scratch, f"{name}.mlpackage")
            model.save(path)
            together.add_function(path, src_function_name="main", target_function_name=name)
        together.default_function_name = next(iter(models))
        ct.utils.save_multifunction(together, package)


def tensor(made: Made, name: str, array: np.ndarray) -> torch.Tensor:
    """What PyTorch gets for an input: whole numbers as it likes them, images as the model sees them."""
    given = torch.from_numpy(array)
    if image := made.images.get(name):
        return given.to(torch.float32) * image.scale + torch.tensor(image.bias)[None, :, None, None]
    return given


def _run(module: nn.Module, made: Made, directory: str) -> dict:
    """Runs PyTorch step by step, and writes what goes in and what comes out."""
    fresh, module, steps = copy.deepcopy(module), copy.deepcopy(module), []
    for number, step in enumerate(made.steps):
        files = os.path.join(directory, str(number))
        os.makedirs(files)
        inputs, outputs = {}, {}
        for name, array in step.items():
            if name in made.images:
                inputs[name] = f"{name}.png"
                Picture.fromarray(array[0].transpose(1, 2, 0)).save(os.path.join(files, inputs[name]))
            else:
                inputs[name] = f"{name}.npy"
                np.save(os.path.join(files, inputs[name]), array)
        results = _call(module, made, step)
        for name, result in results.items():
            outputs[name] = f"expected_{name}.npy"
            np.save(os.path.join(files, outputs[name]), result)
        if number == 0:
            _depends(fresh, made, results)
        steps.append({"inputs": inputs, "outputs": outputs})
    return {"steps": steps, "top1": made.top1, "states": made.states, "flexible": sorted(made.flexible)}


def _call(module: nn.Module, made: Made, step: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with torch.no_grad():
        results = module(*(tensor(made, name, array) for name, array in step.items()))
    results = results if isinstance(results, tuple) else (results,)
    return {name: result.numpy() for name, result in zip(made.outputs, results, strict=True)}


def _depends(module: nn.Module, made: Made, results: dict[str, np.ndarray]) -> None:
    """Makes sure that the comparison means something: the result for another first input must not pass for this one."""
    step = dict(made.steps[0])
    name, array = next(iter(step.items()))
    step[name] = np.flip(array, -1).copy() if array.dtype != np.int32 else array + 1
    for output, other in _call(module, made, step).items():
        verdict = judge.compare(results[output], other, made.top1)
        if verdict.complaint(judge.BOUNDS["fp16"]) is None:
            raise ValueError(f"`{output}` hardly depends on `{name}`: the cosine for another one is {verdict.cosine:.6f}")
