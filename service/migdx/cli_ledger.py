"""The ledger on the command line: proven, shown; receipts, and the keys that sign them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from .cli_structures import BY
from .console import exchange_in, table, time
from .errors import NotFound
from .settings import Settings

if TYPE_CHECKING:
    from .ledger import Ledger


@click.group()
def ledger() -> None:
    """Prove and show the ledger, whether the service runs or not; nothing is changed by it."""


@ledger.command()
@click.option(
    "--expect",
    multiple=True,
    metavar="SEQ:DIGEST",
    help="What `head` said once: it must be part of the past. May be given several times.",
)
@click.pass_obj
def verify(folder: Path, expect: tuple[str, ...]) -> None:
    """Prove the order and the integrity of every entry.

    Exit status 1, and the first entry that is broken, when the chain does not hold. Entries that were cut off
    at the end are missed by an --expect only: write down what `head` says, and keep it elsewhere.
    """
    expected = dict(map(_expected, expect))
    with _ledger(folder) as found:
        proof = found.proof(expected)
    click.echo(f"entries  {proof.entries}")
    if proof.first and proof.last:
        click.echo(f"first    {proof.first.isoformat()}")
        click.echo(f"last     {proof.last.isoformat()}")
    click.echo(f"head     {proof.entries}:{proof.digest}")


@ledger.command()
@click.pass_obj
def head(folder: Path) -> None:
    """Print number and digest of the last entry, SEQ:DIGEST, all before it proven."""
    with _ledger(folder) as found:
        proof = found.proof()
    click.echo(f"{proof.entries}:{proof.digest}")


@ledger.command()
@click.option("--after", default=0, type=click.IntRange(0), help="Only entries with a greater number.")
@click.option("--limit", default=None, type=click.IntRange(1), show_default=False, help="How many at most.")
@click.pass_obj
def show(folder: Path, after: int, limit: int | None) -> None:
    """Print the entries as JSON, one on each line; body is the JSON text that was digested."""
    from .ledger import as_line

    with _ledger(folder) as found:
        for entry in islice(found.entries(after), limit):
            click.echo(as_line(entry), nl=False)


@contextmanager
def _ledger(folder: Path) -> Iterator[Ledger]:
    from .ledger import Ledger  # which takes its time to load

    settings = Settings.of(folder)
    if not settings.has_ledger:
        raise NotFound(f"There is no ledger in {folder}")
    with closing(Ledger(settings.ledger_url, as_is=True)) as found:
        yield found


def _expected(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdigit() and int(number[:18]) and len(number) < 19 and digest):
        raise click.BadParameter(f"'{text}': expected SEQ:DIGEST as `migdx ledger head` prints it")
    return int(number), digest.lower()


# --- receipts -----------------------------------------------------------------------------------------------


@click.command()
@click.argument("submission")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), show_default=False, help="A file to write."
)
@click.pass_obj
def receipt(folder: Path, submission: str, output: Path | None) -> None:
    """Print the signed receipt of SUBMISSION; the first one makes the key that signs."""
    from .receipt import receipt as signed
    from .signing import ready

    with exchange_in(folder) as exchange:
        exchange.submission(submission)
        ready(exchange, by="receipt")
        made = signed(exchange, submission)
    if output:
        output.write_bytes(made)
    else:
        click.echo(made, nl=False)


@click.group()
def keys() -> None:
    """The keys that receipts are signed with: docs/receipts.md says when to replace and revoke them."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, as GET /keys gives them.")
@click.pass_obj
def listed(folder: Path, as_json: bool) -> None:
    """List the keys, the one that signs now last."""
    from .receipt import told_keys

    with exchange_in(folder) as exchange:
        history = exchange.ledger.history()
    if as_json:
        click.echo(orjson.dumps(told_keys(history), option=orjson.OPT_INDENT_2))
        return
    table(
        ("key", "from", "revoked", "replaces", "by"),
        ((key.fingerprint, time(key.stamp), time(key.revoked), key.replaces, key.by) for key in history.keys),
    )


@keys.command()
@click.option("--lost", is_flag=True, help="Do without the key before, whose file is lost.")
@BY
@click.pass_obj
def rotate(folder: Path, lost: bool, by: str) -> None:
    """Make a new key that signs from now on; the one before signs that it follows."""
    from .signing import rotate as rotated

    with exchange_in(folder) as exchange:
        click.echo(f"Key {rotated(exchange, by=by, lost=lost).fingerprint} signs from now on")


@keys.command()
@click.argument("fingerprint")
@click.option("--from", "since", required=True, help="An instant with its zone: 2026-12-01T09:00:00+01:00.")
@BY
@click.pass_obj
def revoke(folder: Path, fingerprint: str, since: str, by: str) -> None:
    """Say that the key FINGERPRINT is not to be trusted from an instant on."""
    from .signing import revoke as revoked

    try:
        instant = datetime.fromisoformat(since)
    except ValueError:
        raise click.BadParameter(
            f"'{since}' is no instant; expected for instance 2026-12-01T09:00:00+01:00"
        ) from None
    with exchange_in(folder) as exchange:
        key = revoked(exchange, fingerprint, instant, by=by)
    click.echo(f"Key {key.fingerprint} is revoked from {time(key.revoked)}")
