"""The models: how each is made, what it is fed, and in which variants it is converted."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from typing import Callable

import coremltools as ct
import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from .nets import bert, detector, gpt, tagger, unet, whisper

SEED = 20240717


@dataclass(frozen=True)
class Image:
    """An input that is an image, and what is done with its bytes: `byte * scale + bias[channel]`."""

    layout: str
    scale: float
    bias: tuple[float, float, float]


@dataclass
class Made:
    """A module and all that is needed to convert, run and compare it."""

    module: nn.Module
    # What it is fed, call after call: arrays by the names of inputs, in the order of the module's arguments.
    steps: list[dict[str, np.ndarray]]
    outputs: list[str]
    # The axis along which the place of the maximum must be PyTorch's. None where thousands of places have scores of random
    # weights, some of which are as good as equal.
    top1: int | None = None
    # Inputs whose shapes are not fixed: their dimensions as coremltools takes them.
    flexible: dict[str, list[int | ct.RangeDim]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    # Buffers that become states.
    states: list[str] = field(default_factory=list)
    # In the fp16 variant, inputs and outputs are fp16 too.
    half: bool = False


@dataclass(frozen=True)
class Case:
    """A model of the table."""

    name: str
    about: str
    # The functions of the package by name; most have `main` only.
    make: Callable[[], dict[str, Made]]
    target: ct.target
    # Converted, run and compared also where time is short.
    small: bool = False
    # Names in `compress.METHODS`.
    compressed: tuple[str, ...] = ()


def images(count: int, side: int) -> torch.Tensor:
    """Random pictures, (count, 3, side, side): large soft shapes and some noise, so that no two of them look alike to a network."""
    shapes = F.interpolate(torch.randn(count, 3, 4, 4), size=(side, side), mode="bicubic")
    return 1.2 * shapes + 0.3 * torch.randn(count, 3, side, side)


def trained(module: nn.Module, side: int) -> nn.Module:
    """The module with norms as if it had been trained: statistics of what it really sees, and scales that are not all one."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.6, 1.4)
        nn.init.normal_(norm.bias, std=0.2)
        # None: the mean over all batches.
        norm.momentum = None
    if norms:
        module.train()
        with torch.no_grad():
            module(images(8, side))
    return module.eval()


def _classifier(build: Callable[..., nn.Module], side: int = 224, half: bool = False) -> Callable[[], dict[str, Made]]:
    def make() -> dict[str, Made]:
        module = trained(build(weights=None), side)
        return {"main": Made(module, [{"image": images(1, side).numpy()}], ["logits"], top1=-1, half=half)}

    return make


def _vit() -> dict[str, Made]:
    # coremltools does not know the fused operation that PyTorch would trace.
    torch.backends.mha.set_fastpath_enabled(False)
    module = torchvision.models.vit_b_16(weights=None)
    # It begins as zeros, which would make every result the same.
    nn.init.normal_(module.heads.head.weight, std=0.05)
    return {"main": Made(module.eval(), [{"image": images(1, 224).numpy()}], ["logits"], top1=-1)}


def _from_picture() -> dict[str, Made]:
    module = trained(torchvision.models.mobilenet_v2(weights=None), 224)
    scale, bias = 1 / 127.5, (-1.0, -0.9, -1.1)
    picture = ((images(1, 224) * 60 + 128).clamp(0, 255)).round().to(torch.uint8)
    made = Made(module, [{"image": picture.numpy()}], ["logits"], top1=-1)
    made.images["image"] = Image("RGB", scale, bias)
    return {"main": made}


def minilm_directory() -> str:
    """Where `examples/sentence_embedding/fetch.py` puts the published weights."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.normpath(os.path.join(here, "..", "..", "data", "minilm"))


def _sentence(tokens: int, kept: int) -> dict[str, np.ndarray]:
    ids = torch.randint(1000, 30000, (1, tokens))
    ids[0, 0], ids[0, kept - 1] = 101, 102
    ids[0, kept:] = 0
    mask = (torch.arange(tokens) < kept).to(torch.int32)[None]
    return {"input_ids": ids.to(torch.int32).numpy(), "attention_mask": mask.numpy()}


def _minilm() -> dict[str, Made]:
    return {"main": Made(bert.minilm(minilm_directory()), [_sentence(128, 90)], ["embedding"])}


def _minilm_flexible() -> dict[str, Made]:
    made = Made(bert.minilm(minilm_directory()), [_sentence(64, 50), _sentence(17, 17), _sentence(128, 128)], ["embedding"])
    tokens = ct.RangeDim(lower_bound=1, upper_bound=256, default=64)
    made.flexible = {"input_ids": [1, tokens], "attention_mask": [1, tokens]}
    return {"main": made}


def _gpt() -> dict[str, Made]:
    context = 256
    module = gpt.Gpt(50257, context, 768, 12, 12).eval()
    steps = []
    for position, token in enumerate(torch.randint(0, 50257, (8,)).tolist()):
        mask = np.where(np.arange(context) <= position, 0.0, -1e4).astype(np.float32)[None, None, None]
        steps.append({"token": np.array([[token]], np.int32), "position": np.array([position], np.int32), "mask": mask})
    return {"main": Made(module, steps, ["logits"], top1=-1, states=["keys", "values"])}


def _gpt_flexible() -> dict[str, Made]:
    context = 64
    module = gpt.FlexibleGpt(2000, context, 128, 4, 3).eval()
    steps, end = [], 0
    for count in (7, 1, 1, 5):
        end += count
        mask = torch.full((count, end), -1e4).triu(end - count + 1)[None, None]
        steps.append({"tokens": torch.randint(0, 2000, (1, count)).to(torch.int32).numpy(), "mask": mask.numpy()})
    made = Made(module, steps, ["logits"], top1=-1, states=["keys", "values"])
    asked = ct.RangeDim(lower_bound=1, upper_bound=context, default=1)
    known = ct.RangeDim(lower_bound=1, upper_bound=context, default=1)
    made.flexible = {"tokens": [1, asked], "mask": [1, 1, asked, known]}
    return {"main": made}


def _whisper_encoder() -> dict[str, Made]:
    mel = F.interpolate(torch.randn(1, 80, 300), size=3000, mode="linear") + 0.3 * torch.randn(1, 80, 3000)
    return {"main": Made(whisper.Encoder().eval(), [{"mel": mel.numpy()}], ["audio"])}


def _whisper_decoder() -> dict[str, Made]:
    step = {
        "tokens": torch.randint(0, 50000, (1, 24)).to(torch.int32).numpy(),
        "audio": torch.randn(1, whisper.FRAMES, whisper.WIDTH).numpy(),
    }
    return {"main": Made(whisper.Decoder().eval(), [step], ["logits"], top1=-1)}


def _unet() -> dict[str, Made]:
    return {"main": Made(unet.UNet().eval(), [{"image": images(1, 96).numpy()}], ["scores"])}


def _tagger() -> dict[str, Made]:
    words = torch.randint(0, 5000, (1, 40)).to(torch.int32).numpy()
    return {"main": Made(tagger.Tagger().eval(), [{"words": words}], ["scores"], top1=-1)}


def _detector() -> dict[str, Made]:
    module = trained(detector.Detector(), 320)
    return {"main": Made(module, [{"image": images(1, 320).numpy()}], ["boxes"])}


def _two_heads() -> dict[str, Made]:
    trunk = trained(torchvision.models.shufflenet_v2_x1_0(weights=None), 224)
    other = copy.deepcopy(trunk)
    other.fc = nn.Linear(trunk.fc.in_features, 10)
    image = images(1, 224).numpy()
    return {
        "things": Made(trunk, [{"image": image}], ["logits"], top1=-1),
        "digits": Made(other, [{"image": image}], ["logits"], top1=-1),
    }


_MODELS = torchvision.models
_ALL = ("int8", "lut4", "int4")

CASES = [
    Case("mobilenet_v2", "torchvision", _classifier(_MODELS.mobilenet_v2), ct.target.iOS15),
    Case("mobilenet_v3", "torchvision, large", _classifier(_MODELS.mobilenet_v3_large), ct.target.iOS16),
    Case("resnet18", "torchvision", _classifier(_MODELS.resnet18), ct.target.iOS17, small=True, compressed=_ALL),
    Case("resnet50", "torchvision", _classifier(_MODELS.resnet50, half=True), ct.target.iOS16),
    Case("efficientnet_b0", "torchvision", _classifier(_MODELS.efficientnet_b0), ct.target.iOS17),
    Case("vit_b_16", "torchvision", _vit, ct.target.iOS17),
    Case("minilm", "all-MiniLM-L6-v2, published weights", _minilm, ct.target.iOS18, small=True, compressed=_ALL),
    Case("minilm_flexible", "the same for 1 to 256 tokens", _minilm_flexible, ct.target.iOS17),
    Case("gpt2", "GPT-2's size, a token a call, caches as states", _gpt, ct.target.iOS18, compressed=_ALL),
    Case("gpt_flexible", "small, any number of tokens a call, caches as states", _gpt_flexible, ct.target.iOS18, small=True),
    Case("whisper_encoder", "Whisper tiny's shape", _whisper_encoder, ct.target.iOS18),
    Case("whisper_decoder", "Whisper tiny's shape", _whisper_decoder, ct.target.iOS18),
    Case("unet", "group norm, nearest and bilinear upsampling", _unet, ct.target.iOS16, small=True),
    Case("tagger", "bidirectional LSTM of two layers", _tagger, ct.target.iOS15, small=True),
    Case("detector", "in YOLOv8's manner, boxes not suppressed", _detector, ct.target.iOS17, small=True),
    Case("picture", "MobileNetV2 with an image as its input", _from_picture, ct.target.iOS16, small=True),
    Case("two_heads", "ShuffleNetV2 with two heads: two functions, weights shared", _two_heads, ct.target.iOS18, small=True),
]
