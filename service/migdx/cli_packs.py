"""The command that builds packs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from .console import exchange_in


@click.command()
@click.option("--dataflow", default="", show_default=False, help="Only that one: AGENCY:ID(VERSION).")
@click.option(
    "--least", default=1_000_000, type=click.IntRange(1), help="Observations that are worth a pack."
)
@click.pass_obj
def pack(folder: Path, dataflow: str, least: int) -> None:
    """Build a read-only copy of large dataflows that answers faster what asks for a little of every area.

    Whoever serves takes it up within seconds; an older one goes. What is released afterwards is read beside
    it, so that it can be built at any time, and dropped at any time. MIGDX_MEMORY_MB bounds the memory.
    """
    from .packing import packed, wanted
    from .settings import Settings

    memory = f"{Settings.of(folder).memory}MB"
    with exchange_in(folder) as exchange:
        made = 0
        for asked in wanted(exchange, least, dataflow):
            began = time.perf_counter()
            label = f"{asked.dataflow}, {len(asked.segments)} segments"
            with click.progressbar(length=asked.observations, label=label) as bar:
                threads = os.cpu_count() or 1
                found = packed(exchange, asked, memory=memory, threads=threads, tell=bar.update)
            took = time.perf_counter() - began
            click.echo(f"{found.observations:,} observations, {found.size / 1e6:,.1f} MB, {took:,.1f} s")
            made += 1
    if not made:
        click.echo(f"Nothing to pack: no dataflow shows {least:,} observations that no pack holds")
