"""Loads the demonstration data through the very way that a country takes: submit, then release.

What is already there is left alone, so that a second start is quick and an interrupted one goes on.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import orjson

from .errors import Conflict
from .exchange import Exchange
from .formats import sandbox
from .sent import Sent

BY = "demonstration"

_SERIES = "A.250.IMMIG.OFF.276"
SAMPLES = (
    ("the pages", "/"),
    ("the dataflows", "/sdmx/v2/structure/dataflow"),
    ("one series as SDMX-CSV", f"/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/{_SERIES}?format=csv"),
    ("the same by REST 1.5", f"/sdmx/v1/data/MIGDX,DF_MIG_FLOW,1.0.0/{_SERIES}"),
)
"""What to try first, and its address without the host."""


def folder() -> Path:
    """demo_data in a wheel, demo/ beside service/ in a checkout."""
    here = Path(str(files("migdx")))
    return here / "demo_data" if (here / "demo_data").is_dir() else here.parents[1] / "demo"


def load(exchange: Exchange, *, quiet: bool = False) -> int:
    """Submits and releases every file of the manifest that is not released yet; how many those were."""
    entries: list[dict[str, Any]] = orjson.loads((folder() / "manifest.json").read_bytes())
    history = exchange.ledger.history()
    accepted = {s.sha256: s for s in history.submissions.values() if s.verdict == "accepted"}
    released = {(slot, number) for release in history.releases for slot, number in release.revisions.items()}
    loaded = 0
    sandbox.default.keeps_spare = True
    with click.progressbar(
        entries,
        label="Loading the demonstration data",
        show_pos=True,
        item_show_func=lambda e: e["title"] if e else "",
        hidden=quiet,
    ) as bar:
        for entry in bar:
            with tempfile.TemporaryFile() as plain:
                with gzip.open(folder() / entry["file"]) as packed:
                    shutil.copyfileobj(packed, plain)
                size = plain.tell()
                plain.seek(0)
                submission = accepted.get(hashlib.file_digest(plain, "sha256").hexdigest())
                if (
                    submission
                    and ((submission.agreement, submission.dataflow), submission.revision) in released
                ):
                    continue
                plain.seek(0)
                if submission is None:
                    name = entry["file"].removesuffix(".gz")
                    sent = Sent(plain, size, "text/csv", name, entry["provider"])
                    (submission,), report = exchange.submit(sent, by=BY)
                    if report.verdict != "accepted":
                        first = report.as_dict()["groups"][:1]
                        raise Conflict(
                            f"{name} was rejected: {first[0]['message'] if first else 'no observation'}"
                        )
            exchange.release([submission.id], by=BY, note=entry["source"])
            loaded += 1
    return loaded
