"""Workbooks on the command line: a template to fill for a dataflow, a map for a layout of one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from .cli_structures import BY, history, kept_blobs, public_structures
from .columns import column_letters
from .errors import Conflict, SyntaxFault
from .folders import shipped_structures
from .report import message, where
from .sent import Sent
from .workbook_map import Source, WorkbookMap

if TYPE_CHECKING:
    from .proposal import Proposal
    from .proposal.proposed import Question

_LISTED = 15
"""Labels without a code that are printed for one component; the JSON has them all."""


@click.command()
@click.argument("dataflow")
@click.option(
    "--provider", default="", show_default=False, help="Whose template; the area is then filled in. FRA."
)
@click.option(
    "--time",
    "times",
    multiple=True,
    help="A period, or several with commas between; again for more. Each has sheets of its own.",
)
@click.option("--lang", default="en", help="The language of the template.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    show_default="named after what was asked for, here",
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@click.pass_obj
def template(
    folder: Path,
    dataflow: str,
    provider: str,
    times: tuple[str, ...],
    lang: str,
    output: Path | None,
    force: bool,
) -> None:
    """Write a workbook to fill for DATAFLOW: its id, or AGENCY:ID(VERSION). `submit` takes it filled."""
    from . import template as templates
    from .formats.workbook_writer import write

    periods = tuple(text.strip() for time in times for text in time.split(",") if text.strip())
    asked = templates.Asked(dataflow, provider, lang, periods)
    told = templates.settings(shipped_structures())
    made = templates.template(public_structures(folder), told, asked)
    path = output or Path(made.file_name)
    if path.exists() and not force:
        raise Conflict(f"{path} is there already: --force replaces it, --output names another")
    path.write_bytes(write(made.forms))
    tables = [sheet for sheet in made.forms.sheets if sheet.block]
    click.echo(f"{path}: {len(tables)} {'table' if len(tables) == 1 else 'tables'} of {made.map.dataflow}")
    for sheet in tables:
        click.echo(f"  {sheet.name}")


# --- maps ---------------------------------------------------------------------------------------------------


@click.command(name="map")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dataflow", required=True, help="AGENCY:ID(VERSION), or its id.")
@click.option("--provider", default="", show_default=False, help="The data provider's id.")
@click.option(
    "--map",
    "map_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Look over this map, as JSON, instead of proposing one.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write the map as JSON, to correct it.",
)
@click.option("--keep", "keeps", is_flag=True, help="Keep the map for the provider: `submit` then uses it.")
@BY
@click.pass_obj
def propose_map(
    folder: Path,
    file: Path,
    dataflow: str,
    provider: str,
    map_file: Path | None,
    output: Path | None,
    keeps: bool,
    by: str,
) -> None:
    """Say where in the workbook FILE the components of a dataflow seem to stand, and what is not clear.

    `check --map` tries the map that --output writes, once it is corrected; --map FILE --keep keeps it.
    """
    from .ledger import Ledger
    from .settings import Settings
    from .workbooks import keep, proposed

    registry, blobs = public_structures(folder), kept_blobs(folder)
    with file.open("rb") as opened:
        sent = Sent(opened, file.stat().st_size, "", file.name, provider, dataflow, map=read_map(map_file))
        grid, _, found = proposed(sent, registry, history(folder), blobs)
    for finding in grid.findings:
        click.echo(f"{finding.severity} {finding.code}: {message(finding)}")
    for line in _lines(found):
        click.echo(line)
    if output:
        output.write_bytes(orjson.dumps(found.map.as_dict(), option=orjson.OPT_INDENT_2))
        click.echo(f"\n{output}: the map")
    if keeps:
        if not provider:
            raise SyntaxFault("--keep needs --provider: a map is kept for a data provider")
        with closing(Ledger(Settings.of(folder).ledger_url)) as ledger:
            kept = keep(found.map, provider, ledger, blobs, registry, by)
        click.echo(f"\nKept for {kept.provider} and {kept.dataflow}: {kept.blob}")
        if found.open:
            click.echo("Questions are open: rows that they concern are refused until the map answers them.")


def read_map(path: Path | None) -> dict[str, Any]:
    """A map as JSON, found to be one; empty without a file."""
    if path is None:
        return {}
    try:
        return WorkbookMap.from_dict(orjson.loads(path.read_bytes())).as_dict()
    except orjson.JSONDecodeError as fault:
        raise SyntaxFault(f"{path} is not JSON: {fault}") from None


def _lines(found: Proposal) -> Iterator[str]:
    """The proposal for people: where things stand and why, then what a person has to say."""
    why = {(one.table, one.component): one.why for one in found.decisions}
    for at, table in enumerate(found.map.sheets):
        column = column_letters(table.last_column)
        last = f"column {column}" if column else "the last column"
        ends = f"row {table.last_row}" if table.last_row else "the last row"
        first = f"{column_letters(table.first_column)}{table.first_row}"
        yield f"Table {at + 1}: sheets {table.sheet}, from {first} to {last}, {ends}"
        for source in table.sources:
            reason = why.get((at, source.component), "")
            yield f"  {source.component:<18} {_where(source):<24} {reason}".rstrip()
    marked = " (marked ?)" if found.open else ""
    yield f"\n{len(found.questions)} questions, {len(found.open)} of them open{marked}"
    shown: Counter[str] = Counter()
    for question in found.questions:
        shown[question.component] += question.kind == "label"
        if question.kind != "label" or shown[question.component] <= _LISTED:
            yield f"  {'?' if question.is_open else ' '} {_asked(question)}"
    for component, count in shown.items():
        if count > _LISTED:
            yield f"  ? {component}: {count - _LISTED} more texts without a code"


def _where(source: Source) -> str:
    column, row = f"column {column_letters(source.column)}", f"row {source.row}"
    places = {
        "value": f"always {source.value}", "sheet": "the sheet's name", "column": column, "row": row,
        "cell": f"{column} {row}", "": "",
    }  # fmt: skip
    return places[source.stands]


def _asked(question: Question) -> str:
    """One question on one line."""
    place = where(question.place)
    offered = ", ".join(
        f"{one.code} ({one.name})" if one.name else str(one.code) for one in question.offered[:5]
    )
    what = {
        "position": f"{place}: which component is '{question.text}'?",
        "tie": f"{place}: is this {question.component}?",
        "component": f"{question.component}: not found",
        "label": f"{question.component}: which code is '{question.text}' ({place})?",
        "sign": f"what does '{question.text}' mean ({question.count} times, {place})?",
        "flag": f"what does '{question.text}' behind a number mean ({question.count} times, {place})?",
        "number": "numbers that are text are read so",
        "table": "no table of figures was found"
        if question.text
        else f"{question.count} figures below the table are not read",
    }[question.kind]
    proposed = f" Proposed: {question.proposed}." if question.proposed else ""
    return what + proposed + (f" Near: {offered}" if offered else "")
