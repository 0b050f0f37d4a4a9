"""Whether a result is PyTorch's: the thresholds, and the proof that they refuse what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bound:
    """What a result must keep to."""

    cosine: float
    # The largest difference, in parts of the largest expected magnitude: a cosine does not see a factor.
    worst: float


# By the precision that the model computes in.
BOUNDS = {"fp32": Bound(0.9999, 1e-3), "fp16": Bound(0.999, 0.05)}


@dataclass(frozen=True)
class Verdict:
    """How near a result is. Of several, the worst of each number."""

    cosine: float
    max_abs: float
    worst: float
    # Places where the maximum is PyTorch's, and all places; 0 of 0 where nobody asks for the maximum.
    same: int
    places: int

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            min(self.cosine, other.cosine),
            max(self.max_abs, other.max_abs),
            max(self.worst, other.worst),
            self.same + other.same,
            self.places + other.places,
        )

    def complaint(self, bound: Bound) -> str | None:
        """What is wrong, if anything is."""
        # Written so that NaN is wrong.
        if not self.cosine >= bound.cosine:
            return f"cosine {self.cosine:.6f}, at least {bound.cosine} is wanted"
        if not self.worst <= bound.worst:
            return f"off by {self.worst:.2g} of the largest magnitude, at most {bound.worst} is allowed"
        if self.same != self.places:
            return f"the maximum is elsewhere in {self.places - self.same} of {self.places} places"
        return None


def compare(expected: np.ndarray, found: np.ndarray, top1: int | None) -> Verdict:
    """Compares a result with PyTorch's. Raises `ValueError` if the shapes differ."""
    if expected.shape != found.shape:
        raise ValueError(f"the shape is {list(found.shape)}, PyTorch's is {list(expected.shape)}")
    e, f = expected.astype(np.float64), found.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = float((e * f).sum() / np.sqrt((e * e).sum() * (f * f).sum()))
        max_abs = float(np.abs(e - f).max())
        worst = max_abs / float(np.abs(e).max())
    same, places = 0, 0
    if top1 is not None:
        equal = e.argmax(top1) == f.argmax(top1)
        same, places = int(equal.sum()), equal.size
    return Verdict(cosine, max_abs, worst, same, places)


def self_test() -> int:
    """Plants mistakes in a result, each of which must be refused; returns how many. Raises `ValueError` if one is not."""
    right = np.random.default_rng(0).standard_normal((4, 1000)).astype(np.float32)
    swapped = right.copy()
    order = np.argsort(right[2])
    swapped[2, order[-1]], swapped[2, order[-2]] = right[2, order[-2]], right[2, order[-1]]
    hole = right.copy()
    hole[3, 7] = np.nan
    planted = {
        "another result": right[::-1],
        "a factor": right * np.float32(1.1),
        "zeros": np.zeros_like(right),
        "one NaN": hole,
        "rows moved by one": np.roll(right, 1, axis=1),
        "the two largest exchanged": swapped,
        "a constant added": right + np.float32(0.3),
    }
    for precision, bound in BOUNDS.items():
        if said := compare(right, right.astype(np.float16) if precision == "fp16" else right, -1).complaint(bound):
            raise ValueError(f"the right result is refused: {said}")
        for name, result in planted.items():
            if compare(right, result, -1).complaint(bound) is None:
                raise ValueError(f"{name} is taken for right in {precision}")
    return len(planted) * len(BOUNDS)
