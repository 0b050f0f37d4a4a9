"""Checks MIL text and weight files with Apple's coremltools.

`cargo xtask validate` writes every program there is under target/validate, with a manifest of what it meant to write, makes
a virtual environment with coremltools, and runs this over the manifest, in one process, because importing coremltools takes
longer than most checks. The way of a program through it:

  syntax.py      text to a syntax tree, by a parser of its own
  layout.py      the text is the canonical one for that tree, to the byte
  scope.py       names: single assignment, defined before use
  blobs.py       the weight file: layout, Apple's reader, Apple's writer, references
  transcode.py   the tree to Apple's protobuf
  package.py     the same as a package: its parts, its messages against those of the text
  inference.py   coremltools loads it and infers every type again
  check.py       all of these, and every constant against what was meant
  known.py       what coremltools refuses though it is right
  report.py      what came of it
  selftest.py    planted mistakes, each of which must be found; always run first
  packages.py    those in packages
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from functools import partial
from typing import Callable

# coremltools says at length what it cannot do off a Mac, and numpy what happens when constants are folded.
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")

from . import check, manifest, selftest  # noqa: E402
from .problem import Problem  # noqa: E402
from .report import Report  # noqa: E402


def main() -> int:
    """Runs the self test, then the checks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="validate", description="Checks MIL text and weight files with coremltools.")
    parser.add_argument("manifest", nargs="?", help="what to check; without it, only the self test runs")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--partial", action="store_true", help="the manifest does not hold everything")
    args = parser.parse_args()
    start = time.monotonic()
    try:
        planted = selftest.run()
    except Problem as e:
        print(f"error: {e.message}", file=sys.stderr)
        return 1
    if args.manifest is None:
        print(json.dumps({"planted_mistakes": planted}) if args.json else f"self test: {planted} planted mistakes found")
        return 0
    report = Report(manifest.load(args.manifest), planted, not args.partial)
    _check(report)
    if args.json:
        report.print_json()
    else:
        report.print_table()
    report.print_failures()
    if not args.json:
        report.print_summary(time.monotonic() - start)
    return 1 if report.failures() else 0


def _check(report: Report) -> None:
    checks: list[tuple[str, Callable[[], None]]] = []
    for e in report.everything.programs:
        checks.append((e.source, partial(report.program, e)))
    for o in report.everything.originals:
        checks.append((o.source, partial(report.other, o.source, o.path, partial(check.original, o))))
    for w in report.everything.weight_files:
        checks.append((w.source, partial(report.other, w.source, w.path, partial(check.weight_file, w))))
    shows = sys.stderr.isatty()
    for number, (source, attempt) in enumerate(checks, 1):
        if shows:
            print(f"\r\x1b[K{number}/{len(checks)} {source}", end="", file=sys.stderr, flush=True)
        attempt()
    if shows:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
