"""What came of all checks: kept by source, printed as a table or as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Callable

from . import check, known
from .manifest import Emitted, Manifest
from .problem import Problem


@dataclass
class Row:
    """What came of everything with one source, such as the programs of a file in both dialects."""

    source: str
    checked: int = 0
    counts: check.Counts = field(default_factory=check.Counts)
    failures: list[str] = field(default_factory=list)
    # What coremltools does not take, with the entries that explain it.
    known: list[tuple[str, known.Known]] = field(default_factory=list)


class Report:
    """All rows, in the order in which their sources came."""

    def __init__(self, everything: Manifest, planted: int, complete: bool) -> None:
        self.everything = everything
        self.planted = planted
        self.complete = complete
        self.rows: dict[str, Row] = {}

    def program(self, emitted: Emitted) -> None:
        """Checks a program, and keeps what came of it."""
        path = f"{emitted.directory}/model.mil"
        row, objections = self._row(emitted.source), []
        try:
            row.counts.add(check.program(emitted, objections))
        except Problem as e:
            row.failures.append(f"{emitted.source}: {e.at(path)}")
        for objection in objections:
            said, entry = f"{emitted.source}: {objection.at(path)}", known.find(objection)
            if entry is None:
                row.failures.append(said)
            else:
                row.known.append((said, entry))

    def other(self, source: str, path: str, attempt: Callable[[], check.Counts]) -> None:
        """Makes a check of something else, and keeps what came of it."""
        row = self._row(source)
        try:
            row.counts.add(attempt())
        except Problem as e:
            row.failures.append(f"{source}: {e.at(path)}")

    def _row(self, source: str) -> Row:
        """The row for a source, in which one more thing is checked."""
        # What stands after a colon tells programs of one source apart.
        row = self.rows.setdefault(source.split(":")[0], Row(source.split(":")[0]))
        row.checked += 1
        return row

    def explained(self) -> dict[known.Known, list[str]]:
        """What each known mistake of coremltools explains."""
        found: dict[known.Known, list[str]] = {}
        for row in self.rows.values():
            for said, entry in row.known:
                found.setdefault(entry, []).append(said)
        return found

    def failures(self) -> list[str]:
        """All failures; known mistakes that explain nothing are among them, if everything was checked."""
        failures = [failure for row in self.rows.values() for failure in row.failures]
        explained = self.explained()
        stale = [k for k in known.KNOWN if self.complete and k not in explained]
        return failures + [f"known.py: `{k.mnemonic}`, {k.reason}: this explains nothing any more" for k in stale]

    def total(self) -> check.Counts:
        """The sum of all counts."""
        total = check.Counts()
        for row in self.rows.values():
            total.add(row.counts)
        return total

    def print_failures(self) -> None:
        """Each failure, to standard error."""
        for failure in self.failures():
            print(f"error: {failure}", file=sys.stderr)

    def print_table(self) -> None:
        """A line for each source, and a line for each known mistake of coremltools."""
        names = list(check.Counts.__dataclass_fields__)
        width = max((len(source) for source in self.rows), default=0)
        print(f"{'':<{width}}  {'checked':>10}" + "".join(f"  {name:>10}" for name in names))
        for row in self.rows.values():
            counts = "".join(f"  {getattr(row.counts, name):>10}" for name in names)
            state = f"  {len(row.failures)} failed" if row.failures else ""
            state += f"  {len(row.known)} not taken by coremltools" if row.known else ""
            print(f"{row.source:<{width}}  {row.checked:>10}{counts}{state}")
        if explained := self.explained():
            print("\nRight, and not taken by coremltools:")
        for entry, said in explained.items():
            print(f"{len(said):>5} × `{entry.mnemonic}`: {entry.reason}")

    def print_summary(self, seconds: float) -> None:
        """The sums."""
        emitted, total = self.everything.programs, self.total()
        dialects = sorted({e.dialect for e in emitted})
        by_dialect = ", ".join(f"{sum(e.dialect == d for e in emitted)} as program({d})" for d in dialects)
        print(
            f"\n{len({e.source for e in emitted})} programs ({by_dialect}): {total.operations} operations, "
            f"{total.types} types inferred again, {total.constants} constants, {total.blobs} blobs, "
            f"{total.references} references\n{sum(map(len, self.explained().values()))} calls not taken by coremltools "
            f"for known reasons, {self.planted} planted mistakes found, {len(self.failures())} failures, {seconds:.1f} s"
        )

    def print_json(self) -> None:
        """Everything, for machines."""
        sources = [
            {
                "source": row.source,
                "checked": row.checked,
                "counts": asdict(row.counts),
                "failures": row.failures,
                "known": [{"said": said, "reason": entry.reason} for said, entry in row.known],
            }
            for row in self.rows.values()
        ]
        document = {
            "programs": len({e.source for e in self.everything.programs}),
            "emitted": len(self.everything.programs),
            "total": asdict(self.total()),
            "planted_mistakes": self.planted,
            "failures": self.failures(),
            "sources": sources,
        }
        print(json.dumps(document, indent=2))
