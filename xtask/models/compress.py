"""Compressed variants: coremltools' own methods, and the PyTorch module that has the weights which are left."""

from __future__ import annotations

import copy
from typing import Callable

import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
import torch
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Program
from torch import nn
from torch.fx.experimental.optimization import fuse


def _int8(model: ct.models.MLModel) -> ct.models.MLModel:
    config = cto.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=512)
    return cto.linear_quantize_weights(model, cto.OptimizationConfig(global_config=config))


def _lut4(model: ct.models.MLModel) -> ct.models.MLModel:
    config = cto.OpPalettizerConfig(mode="uniform", nbits=4, weight_threshold=512)
    return cto.palettize_weights(model, cto.OptimizationConfig(global_config=config))


def _int4(model: ct.models.MLModel) -> ct.models.MLModel:
    config = cto.OpLinearQuantizerConfig(
        mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=512
    )
    return cto.linear_quantize_weights(model, cto.OptimizationConfig(global_config=config))


# By name: what does it, and the first target that has the operations.
METHODS: dict[str, tuple[Callable[[ct.models.MLModel], ct.models.MLModel], ct.target]] = {
    "int8": (_int8, ct.target.iOS16),
    "lut4": (_lut4, ct.target.iOS16),
    "int4": (_int4, ct.target.iOS18),
}


def without_norms(module: nn.Module) -> nn.Module:
    """The module with batch norms folded into the convolutions before them, as coremltools folds them."""
    if any(isinstance(m, nn.BatchNorm2d) for m in module.modules()):
        return fuse(module)
    return module


def program(model: ct.models.MLModel) -> Program:
    """The model's program, as coremltools reads it."""
    spec = model.get_spec()
    return load(spec, spec.specificationVersion, model.weights_dir)


def left(module: nn.Module, plain: ct.models.MLModel, compressed: ct.models.MLModel) -> tuple[nn.Module, int]:
    """A copy of the module with what is left of its weights, and how many of its parameters have changed.

    A constant of the plain model belongs to the parameter with the same bytes; in the compressed model it has the same name,
    and more behind it.
    """
    decoded: dict[str, np.ndarray] = {}
    for function in program(compressed).functions.values():
        for op in function.operations:
            if op.op_type.startswith("constexpr"):
                decoded[op.outputs[0].name] = op.materialized_val_inference()
    constants = [
        op
        for function in program(plain).functions.values()
        for op in function.operations
        if op.op_type == "const" and isinstance(op.val.val, np.ndarray) and op.val.val.size >= 512
    ]
    changed = copy.deepcopy(module)
    found, used = 0, set()
    for _, parameter in changed.named_parameters():
        original = parameter.detach().numpy()
        for constant in constants:
            value = constant.val.val
            # Of a table of positions only the first rows may be left.
            rows = value.reshape(-1, *original.shape[1:]) if value.shape[-1] == original.shape[-1] else value
            if rows.shape != original[: len(rows)].shape or not np.array_equal(original[: len(rows)].astype(value.dtype), rows):
                continue
            name = next((n for n in decoded if n.startswith(constant.name)), None)
            if name is not None:
                parameter.data[: len(rows)] = torch.from_numpy(decoded[name].astype(np.float32)).reshape(rows.shape)
                used.add(name)
                found += 1
            break
    if missing := sorted(set(decoded) - used):
        raise ValueError(f"these compressed constants are no parameters of the module: {', '.join(missing)}")
    return changed, found
