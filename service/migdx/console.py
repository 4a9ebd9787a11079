"""Console: what the commands share: the exchange in a folder, a table on the screen, an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .exchange import Exchange


@contextmanager
def exchange_in(folder: Path) -> Iterator[Exchange]:
    """The exchange in `folder`, or where the environment says; imported here, so that a mere check loads
    neither engine nor ledger.
    """
    from .exchange import Exchange
    from .settings import Settings

    with closing(Exchange.open(Settings.of(folder))) as exchange:
        yield exchange


def time(instant: datetime | None) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant else ""


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as what is in them; the last one is not filled up."""
    lines = [heading, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
