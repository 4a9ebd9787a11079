"""The files of an exchange on the command line: backed up, restored, verified, swept, forgotten."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_structures import BY
from .console import exchange_in
from .errors import NotFound
from .settings import Settings

if TYPE_CHECKING:
    from .inventory import Place, Tell

_AGE = re.compile(r"(?P<number>\d{1,5})(?P<unit>[hd])", re.ASCII)


def _age(_: click.Context, __: click.Parameter, text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if not found:
        raise click.BadParameter(f"'{text}' is no age; expected hours or days, such as 36h or 2d")
    number = int(found["number"])
    return timedelta(days=number) if found["unit"] == "d" else timedelta(hours=number)


@click.command()
@click.option(
    "--older-than",
    "older",
    default="1d",
    callback=_age,
    help="Leave alone what is younger, such as 36h; less than a day (1d) only while nobody submits.",
)
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.pass_obj
def sweep(folder: Path, older: timedelta, dry: bool) -> None:
    """Remove files that crashes left behind: segments that the ledger does not name, half files; and what was
    sent more than MIGDX_KEEP_BYTES_DAYS days ago, where that is set: the digest stays.

    `migdx serve` does so when it starts. Where the files are in a bucket, copies of what was removed
    elsewhere go from this machine's cache, too.
    """
    from .sweeping import sweep as swept

    with exchange_in(folder) as exchange:
        names = swept(exchange, older, keep_bytes=Settings.of(folder).keep_bytes, dry=dry)
    for name in sorted(names):
        click.echo(name)
    click.echo(f"{len(names)} files {'would be' if dry else 'were'} removed")


# --- backups ------------------------------------------------------------------------------------------------


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    """The ledger and the files of the exchange, as they are: what is damaged must not stop this."""
    from .backup import place_of
    from .ledger import Ledger

    settings = Settings.of(folder)
    if not settings.has_ledger:
        raise NotFound(f"There is no exchange in {folder}")
    with closing(Ledger(settings.ledger_url, as_is=True)) as ledger:
        yield place_of(settings, ledger)


@contextmanager
def _progress(label: str) -> Iterator[Tell]:
    """A bar on a terminal, nothing elsewhere."""
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def tell(done: int, whole: int) -> None:
            bar.length = max(whole, 1)
            bar.update(max(0, min(done, whole) - bar.pos))

        yield tell


@click.command()
@click.argument("goal", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@click.option("--with-keys", is_flag=True, help="Copy the private keys that sign receipts, too.")
@click.pass_obj
def backup(folder: Path, goal: Path, with_keys: bool) -> None:
    """Copy the exchange into FOLDER, also while it serves; again: what is new since.

    Every file is compared with what the ledger says of it. What was forgotten since goes from FOLDER, too.
    Without the private keys a restored exchange says that they are lost: `migdx keys rotate --lost`.
    """
    from .backup import backup as made
    from .saved import refuse_within

    settings = Settings.of(folder)
    refuse_within(goal, settings)
    with _place(folder) as place, _progress("Copying") as tell:
        found = made(place, goal, settings.keys_folder if with_keys else None, tell)
    told = found.manifest
    click.echo(f"entries  {told.seq}")
    click.echo(f"head     {told.seq}:{told.entry}")
    click.echo(
        f"files    {told.count}, {told.size} bytes; {found.copied} copied now, {found.removed} removed"
    )
    if not with_keys:
        click.echo("keys     left out; --with-keys copies them")


@click.command()
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--check-only", is_flag=True, help="Verify the backup, and restore nothing.")
@click.pass_context
def restore(context: click.Context, source: Path, check_only: bool) -> None:
    """Make the exchange that is backed up in FOLDER, where nothing is yet: where --data, MIGDX_LEDGER and
    MIGDX_FILES say, which may be elsewhere than it was.

    The ledger comes last: until then there is nothing, and the same command goes on with what was cut off.
    """
    from .restoring import restore as restored
    from .saved import refuse_within

    if check_only:
        context.invoke(verify, saved=source)
        return
    settings = Settings.of(context.obj)
    refuse_within(source, settings)
    with _progress("Restoring") as tell:
        history = restored(source, settings, tell)
    click.echo(f"head     {history.seq}:{history.digest}")
    if history.keys and not any(settings.keys_folder.glob(f"{history.keys[-1].fingerprint}.*")):
        click.echo("keys     not here; bring them, or replace the last: migdx keys rotate --lost")


@click.command()
@click.option(
    "--backup",
    "saved",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    show_default=False,
    help="A folder that `migdx backup` made.",
)
@click.pass_obj
def verify(folder: Path, saved: Path | None) -> None:
    """Prove the ledger, and that every file that it names is there and is what it was, also while it serves.

    One line for each fault, and exit status 1 when there is any.
    """
    from .restoring import verify_backup
    from .verifying import verify as verified

    def fault(said: str) -> None:
        click.echo(said)

    with _progress("Reading") as tell:
        if saved:
            found = verify_backup(saved, fault, tell)
        else:
            with _place(folder) as place:
                found = verified(place, fault, tell)
    click.echo(f"head     {found.seq}:{found.digest}")
    click.echo(f"files    {found.files}, {found.bytes} bytes; {found.orphans} that nothing names")
    click.echo(f"faults   {found.faults}")
    if found.faults:
        sys.exit(1)


# --- forgetting ---------------------------------------------------------------------------------------------


@click.command()
@click.argument("submissions", nargs=-1, required=True, metavar="SUBMISSION...")
@click.option("--reason", required=True, help="Why, in a sentence; the ledger keeps it.")
@click.option("--only", is_flag=True, help="Others that may hold the same rows are kept on purpose.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be removed, and remove nothing.")
@BY
@click.pass_obj
def forget(folder: Path, submissions: tuple[str, ...], reason: str, only: bool, dry: bool, by: str) -> None:
    """Remove the rows, the bytes and the reports of SUBMISSIONs for good, for legal reasons.

    What they showed is shown no more, in the past neither; only another release fills the place. The ledger
    keeps that they were there. Backups hold them until `migdx backup` writes to the same folder again.
    """
    from .forgetting import forget as forgotten

    with exchange_in(folder) as exchange:
        names = forgotten(exchange, submissions, reason, by=by, only=only, dry=dry)
    for name in sorted(names):
        click.echo(name)
    click.echo(f"{len(names)} files {'would be' if dry else 'were'} removed")
