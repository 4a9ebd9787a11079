"""Mutations: rows of sound submissions damaged in some fifty ways, and the share that is found.

A row counts as found where a finding that the sound file does not have names it, or a total, a part or a term
beside it (tests/mutated.py); "at it": the row itself is named. Of each table and kind at most 12 rows, spread
evenly over those that can be damaged so. What no rule names is listed with the reason.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutated import KINDS, Score, opened, read_here, scores
from sound_tables import tables

MOST = 12


def main() -> None:
    started = time.process_time()
    found: dict[str, dict[str, Score]] = {}
    with tempfile.TemporaryDirectory() as folder:
        every = tables()
        with read_here(), opened(Path(folder) / "run", every) as exchange:
            for table in every:
                for kind, score in scores(exchange, table, KINDS, MOST):
                    found.setdefault(kind.name, {})[table.name] = score
    rows = ", ".join(f"{table.name} {len(table.rows)} rows" for table in every)
    print(f"Damaged rows that are found ({rows}; at most {MOST} rows of each kind and table)")
    print(f"{'kind':46}{'found':>12}{'at it':>8}   by")
    named = [0, 0]
    for kind in KINDS:
        of_kind = found.get(kind.name, {})
        names = ("tried", "found", "itself")
        tried, seen, itself = (sum(getattr(score, name) for score in of_kind.values()) for name in names)
        if kind.named:
            named[0] += seen
            named[1] += tried
        by = _by(of_kind) if kind.named else f"no rule: {kind.unseen}"
        print(f"{kind.name:46}{f'{seen} of {tried}':>12}{itself:>8}   {by}")
        for name, score in of_kind.items():
            for key in score.missed if kind.named else ():
                print(f"    missed in {name}: {key}")
    print(f"Of the kinds that a rule names {named[0]} of {named[1]}, {named[0] / named[1]:.1%}")
    print(f"{time.process_time() - started:.0f} s of CPU")


def _by(of_kind: dict[str, Score]) -> str:
    """The checks that told most of them."""
    counts: dict[str, int] = {}
    for score in of_kind.values():
        for code, count in score.codes.items():
            counts[code] = counts.get(code, 0) + count
    return ", ".join(sorted(counts, key=lambda code: (-counts[code], code))[:3])


if __name__ == "__main__":
    main()
