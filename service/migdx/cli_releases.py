"""Releases on the command line: made, listed, moved, taken back, and seen before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_structures import BY
from .console import exchange_in, table, time

if TYPE_CHECKING:
    from .preview import DryRun
    from .releasing import Effect, Shown

_DRY = click.option(
    "--dry-run", is_flag=True, help="Tell what would be public, and where it is seen before; do nothing."
)


@click.command()
@click.argument("submissions", nargs=-1, metavar="[SUBMISSION]...")
@click.option("--dataflow", default="", show_default=False, help="The latest ones to AGENCY:ID(VERSION).")
@click.option(
    "--provider", "providers", multiple=True, help="Only those of this data provider; may be repeated."
)
@click.option("--skip-embargoed", is_flag=True, help="Leave out those that ask for a later embargo.")
@click.option("--move", default="", show_default=False, help="Move this release, which has not begun yet.")
@click.option(
    "--public-from",
    default="",
    show_default=False,
    help="An instant with its zone (2026-12-01T09:00:00+01:00); now when left out.",
)
@click.option("--name", default="", show_default=False, help="What it is cited by: a-z, 0-9, - and .")
@click.option("--note", default="", show_default=False, help="What readers should know of this release.")
@_DRY
@BY
@click.pass_obj
def release(
    folder: Path,
    submissions: tuple[str, ...],
    dataflow: str,
    providers: tuple[str, ...],
    skip_embargoed: bool,
    move: str,
    public_from: str,
    name: str,
    note: str,
    dry_run: bool,
    by: str,
) -> None:
    """Make accepted SUBMISSIONs public, all at once, now or from an instant on; `submissions` lists them.

    With --dataflow or --provider the latest of each agreement that is not public yet. One that asks for a
    later embargo refuses the whole release, or is left out with --skip-embargoed.
    """
    from . import preview, releasing

    instant = releasing.instant(public_from, "--public-from")
    asked = releasing.Asked(submissions, dataflow, providers, move, instant, name, note, skip_embargoed)
    with exchange_in(folder) as exchange:
        if dry_run:
            _tell_dry(preview.release(exchange, asked))
            return
        made = releasing.release(exchange.ledger, asked, exchange.pinned(), by=by)
    named = f" ({made.release.name})" if made.release.name else ""
    click.echo(f"Release {made.release.id}{named}, public from {made.release.public_from.isoformat()}")
    _tell_left(made)


@click.command()
@click.pass_obj
def releases(folder: Path) -> None:
    """List the releases, the newest first: from when they are public, what they hold, if taken back."""
    with exchange_in(folder) as exchange:
        made = exchange.ledger.history().releases
    table(
        ("release", "name", "made", "public from", "cancelled", "revisions", "note"),
        (
            (
                r.id, r.name, time(r.stamp), time(r.public_from), time(r.cancelled),
                ", ".join(f"{agreement} {number}" for (agreement, _), number in r.revisions.items()),
                " ".join(part for part in (r.note, f"({r.reason})" if r.reason else "") if part),
            )
            for r in reversed(made)
        ),
    )  # fmt: skip


@click.command()
@click.argument("release")
@click.option("--reason", default="", show_default=False, help="Why, for those who cited it.")
@_DRY
@BY
@click.pass_obj
def cancel(folder: Path, release: str, reason: str, dry_run: bool, by: str) -> None:
    """Take RELEASE back, by its id or name: what was public before it is public again; `releases` lists them.

    Before it begins, that calls an embargo off; nobody saw it then.
    """
    from . import preview

    with exchange_in(folder) as exchange:
        if dry_run:
            _tell_dry(preview.cancel(exchange, release))
            return
        found = exchange.cancel(release, by=by, reason=reason)
    click.echo(f"Release {found.release.id} is cancelled")
    _tell_shown(one for one in found.shown if one.before != one.after)


@click.command()
@click.argument("release")
@click.option("--to", "folder_to", type=click.Path(path_type=Path), help="Write its files into this folder.")
@click.option("--url", default="", show_default=False, help="Where RELEASE is served, for the citation.")
@click.option("--lang", default="en", help="The language of the citation.")
@click.pass_obj
def snapshot(folder: Path, release: str, folder_to: Path | None, url: str, lang: str) -> None:
    """Show how RELEASE, by its id or name, is cited, and the checksums of its files; --to writes them.

    The files are made when they are first asked for, here or by a reader, and stay as they are.
    """
    from .snapshot import SUMS, pieces, snapshot_of

    with exchange_in(folder) as exchange:
        found = snapshot_of(exchange, release)
        if folder_to:
            folder_to.mkdir(parents=True, exist_ok=True)
            (folder_to / SUMS).write_bytes(found.sums)
            for file in found.files.values():
                with (folder_to / file.name).open("wb") as copy:
                    copy.writelines(pieces(exchange, found, file))
    click.echo(found.citation(url or f"/releases/{release}", lang))
    click.echo(found.sums.decode(), nl=False)


def _tell_dry(found: DryRun) -> None:
    click.echo(f"From {found.effect.at.isoformat()} on:")
    _tell_shown(found.effect.shown)
    for (agreement, flow), counts in found.contents.items():
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        click.echo(f"{agreement} {flow}: {told}")
    _tell_left(found.effect)
    click.echo(f"Seen before at /preview/{found.id}/sdmx of the service, with its token")


def _tell_shown(shown: Iterable[Shown]) -> None:
    for one in shown:
        before, after = (str(number) if number else "nothing" for number in (one.before, one.after))
        click.echo(f"{' '.join(one.slot)}: revision {before} -> {after}")


def _tell_left(effect: Effect) -> None:
    for id, reason in effect.left:
        click.echo(f"Left out: submission {id} {reason}")
