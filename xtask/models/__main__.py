"""Converts PyTorch models, runs them with anemone and compares: `cargo xtask models`.

  nets/          networks that are not torchvision's
  zoo.py         the models: how each is made, what it is fed, its variants
  compress.py    variants with compressed weights
  convert.py     packages under target/models, with inputs and PyTorch's outputs
  execute.py     running a package with the command line
  judge.py       whether a result is PyTorch's; shows first that it refuses planted mistakes
  timing.py      beside PyTorch and onnxruntime
  report.py      the table
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
import time
import warnings

# coremltools says at length what it cannot do off a Mac, PyTorch what a trace does not keep.
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
os.environ.setdefault("TQDM_DISABLE", "1")

with contextlib.redirect_stderr(io.StringIO()):
    import torch

    from . import convert, execute, judge, report, timing
    from .zoo import CASES, SEED, Case


def main() -> int:
    """Runs what is asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="models", description="Compares anemone with PyTorch.")
    parser.add_argument("names", nargs="*", help="models; all, if none is named")
    parser.add_argument("--small", action="store_true", help="the small models only")
    parser.add_argument("--bench", action="store_true", help="time them too")
    parser.add_argument("--write", metavar="FILE", help="write the table there")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for timing")
    parser.add_argument("--anemone", required=True, metavar="PATH", help="the command line")
    parser.add_argument("--out", required=True, metavar="DIR", help="where packages are kept")
    args = parser.parse_args()
    if unknown := sorted(set(args.names) - {case.name for case in CASES}):
        print(f"error: no model is called {', '.join(unknown)}; there are {', '.join(c.name for c in CASES)}", file=sys.stderr)
        return 2
    cases = [c for c in CASES if (not args.names or c.name in args.names) and (c.small or not args.small)]
    start = time.monotonic()
    planted = judge.self_test()
    rows: list[report.Row] = []
    for case in cases:
        for row in _rows(args, case):
            print(row.line(), flush=True)
            rows.append(row)
    if args.write:
        version = execute.call(args.anemone, ["--version"]).strip()
        os.makedirs(os.path.dirname(args.write), exist_ok=True)
        with open(args.write, "w", encoding="utf-8") as file:
            file.write(report.document(rows, args.threads, version))
    failed = sum(row.failure is not None for row in rows)
    print(
        f"\n{len(cases)} models in {len(rows)} variants, {failed} failed; "
        f"{planted} planted mistakes found, {time.monotonic() - start:.0f} s"
    )
    return 1 if failed or not rows else 0


def _rows(args: argparse.Namespace, case: Case) -> list[report.Row]:
    try:
        # It writes a progress bar for each pass.
        with contextlib.redirect_stderr(io.StringIO()):
            converted = convert.convert(args.out, case)
    except Exception as e:  # Whatever coremltools raises is a failure of this model, and the others go on.
        return [report.Row(case, variant, failure=f"not converted: {e}") for variant in convert.variants(case)]
    rows = []
    for c in converted:
        row = report.Row(case, c.variant, c)
        try:
            row.verdict = execute.check(args.anemone, c)
            row.failure = row.verdict.complaint(judge.BOUNDS[c.precision])
        except execute.Failure as e:
            row.failure = str(e)
        rows.append(row)
    right = [row.converted for row in rows if row.failure is None and row.converted is not None]
    if args.bench and right:
        torch.manual_seed(SEED)
        made = next(iter(case.make().values()))
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                times = timing.measure(args.anemone, right, made, args.threads)
            for row in rows:
                row.times = times.get(row.variant)
        except execute.Failure as e:
            rows[0].failure = f"not timed: {e}"
    return rows


if __name__ == "__main__":
    sys.exit(main())
