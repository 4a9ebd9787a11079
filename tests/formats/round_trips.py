"""Real structure messages, read and written again: what all formats share, and the table of how it went.

A format's test is a few lines: `specimens(media_type)` for its parameters, `round_trip(...)` in its body, and
the fixture `pytestconfig` for `reported`, which prints the table at the end of the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from structures_made import HEADER, SPECIMENS

from migdx.errors import StructureFault
from migdx.formats.losses import kept
from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS, sniff_structures
from migdx.structures import Maintainable

ABSENT = f"{SPECIMENS} is not there; MIGDX_SPECIMENS names another folder"

TABLE: dict[tuple[str, str], Counter[str]] = {}
"""(group of specimens, format) -> how many were read, refused, round-tripped."""

_SUFFIXES = frozenset((".xml", ".json", ".sdmx", ""))


@cache
def sniffed() -> tuple[tuple[Path, str], ...]:
    """Every structure message among the specimens, with its media type."""
    found: list[tuple[Path, str]] = []
    for path in sorted(SPECIMENS.rglob("*")):
        if path.is_file() and path.suffix in _SUFFIXES:
            try:
                found.append((path, sniff_structures(path.read_bytes())))
            except StructureFault:
                continue
    return tuple(found)


def specimens(media_type: str) -> list[Path]:
    """Those of a media type; none when the folder is not there."""
    return [path for path, kind in sniffed() if kind == media_type]


def group(path: Path) -> str:
    """The folder of a specimen, as the table names it."""
    parts = path.relative_to(SPECIMENS).parts[:-1]
    return "/".join(parts[:2]) or "."


def round_trip(
    path: Path, media_type: str, generation: str, valid: Callable[[bytes], list[str]]
) -> StructureFault | None:
    """Reads, writes, validates and reads again; the one clear fault when the message is refused.

    What comes back is what was read, less what `losses` declares of the generation.
    """
    read, write = STRUCTURE_READERS[media_type], STRUCTURE_WRITERS[media_type]
    counts = TABLE.setdefault((group(path), media_type), Counter())
    fault: StructureFault | None = None
    try:
        found = read(path.read_bytes(), path.name)
    except StructureFault as raised:
        fault = raised
    counts["read" if fault is None else "refused"] += 1
    if fault is not None:
        assert (fault.path, fault.line >= 1, bool(fault.reason)) == (path.name, True, True)
        return fault
    message = b"".join(write(found, HEADER, ("en",)))
    assert valid(message) == []
    assert same(read(message), (less for artefact in found for less in kept(artefact, generation)))
    counts["round-tripped"] += 1
    return None


def same(back: Any, expected: Any) -> bool:
    """Whether the artefacts are the same, in any order; says by assertion which differ."""
    left = sorted(map(told, back), key=lambda artefact: artefact.urn)
    right = sorted(map(told, expected), key=lambda artefact: artefact.urn)
    assert [artefact.urn for artefact in left] == [artefact.urn for artefact in right]
    for one, other in zip(left, right, strict=True):
        assert one == other
    return True


def told(artefact: Maintainable) -> Maintainable:
    """With the id for a name where there is none, as the schemas demand it."""
    return artefact if artefact.names else replace(artefact, names={"en": artefact.id})


def reported(config: pytest.Config) -> None:
    """Has the table printed once, at the end of the run."""
    if not config.pluginmanager.has_plugin("round_trips"):
        config.pluginmanager.register(_Summary(), "round_trips")


class _Summary:
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("structure messages of others")
        for line in lines():
            terminalreporter.write_line(line)


def lines() -> list[str]:
    """The table, a line for each group and format, and the sums of the formats."""
    heads = ("read", "refused", "round-tripped")
    sums: dict[str, Counter[str]] = {}
    rows = []
    for (folder, media_type), counts in sorted(TABLE.items()):
        name = media_type.removeprefix("application/vnd.sdmx.structure+")
        rows.append((folder, name, counts))
        sums.setdefault(name, Counter()).update(counts)
    rows += [("all", name, counts) for name, counts in sums.items()]
    told = [f"{'specimens':<34}{'format':<22}" + "".join(f"{head:>15}" for head in heads)]
    return told + [
        f"{folder:<34}{name:<22}" + "".join(f"{counts[head]:>15}" for head in heads)
        for folder, name, counts in rows
    ]
