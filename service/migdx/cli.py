"""The same use cases without HTTP: check, submit, release, and serve them."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from . import __version__
from .errors import ExchangeError
from .exchange import Exchange
from .intake import Sent
from .report import Report

FOLDER = "var/migdx"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="migdx")
@click.option(
    "--data",
    "folder",
    default=FOLDER,
    envvar="MIGDX_DATA",
    type=click.Path(path_type=Path),
    help="The folder that the exchange lives in; made when it is not there.",
)
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    """An SDMX exchange: check and submit files, release them, serve them."""
    context.obj = folder


def main() -> None:
    """The command line; an error of the exchange is one sentence and exit status 1."""
    try:
        cli(standalone_mode=True)
    except ExchangeError as fault:
        click.echo(f"migdx: {fault}", err=True)
        sys.exit(1)


_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_DATAFLOW = click.option("--dataflow", default="", help="AGENCY:ID(VERSION); as the file says when left out.")
_ACCEPT = click.option(
    "--accept",
    type=click.Choice(["all", "valid"]),
    default="all",
    help="all: one error rejects the file. valid: the rows without an error are taken.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
_BY = click.option(
    "--by",
    default=lambda: os.environ.get("USER", "command line"),
    show_default="the user's name",
    help="Who does this, for the ledger.",
)


@cli.command()
@_FILE
@click.option("--provider", default="", help="The data provider's id; without it nobody's area is checked.")
@_DATAFLOW
@_ACCEPT
@_JSON
@click.pass_obj
def check(folder: Path, file: Path, provider: str, dataflow: str, accept: str, as_json: bool) -> None:
    """Say what is wrong with FILE; nothing is kept. Exit status 1 when it would be rejected."""
    exchange = Exchange.open(folder)
    with file.open("rb") as opened:
        report = exchange.check(_sent(file, opened, provider, dataflow), accept=accept)
    _show(report, as_json)
    exchange.close()
    sys.exit(0 if report.verdict == "accepted" else 1)


@cli.command()
@_FILE
@click.option("--provider", required=True, help="The data provider's id, for instance FRA.")
@_DATAFLOW
@_ACCEPT
@_BY
@_JSON
@click.pass_obj
def submit(
    folder: Path, file: Path, provider: str, dataflow: str, accept: str, by: str, as_json: bool
) -> None:
    """Check FILE and, when it is sound, keep it as the provider's next revision. Exit status 1 if not."""
    exchange = Exchange.open(folder)
    with file.open("rb") as opened:
        submission, report = exchange.submit(_sent(file, opened, provider, dataflow), by=by, accept=accept)
    _show(report, as_json)
    if not as_json:
        click.echo(
            f"Submission {submission.id}"
            + (f", revision {submission.revision}" if submission.revision else "")
        )
    exchange.close()
    sys.exit(0 if submission.verdict == "accepted" else 1)


@cli.command()
@click.argument("submissions", nargs=-1, required=True, metavar="SUBMISSION...")
@click.option(
    "--public-from",
    default="",
    help="An instant with its zone (2026-12-01T09:00:00+01:00); now when left out.",
)
@click.option("--note", default="", help="What readers should know of this release.")
@_BY
@click.pass_obj
def release(folder: Path, submissions: tuple[str, ...], public_from: str, note: str, by: str) -> None:
    """Make accepted SUBMISSIONs public, all at once, now or from an instant on."""
    exchange = Exchange.open(folder)
    try:
        instant = datetime.fromisoformat(public_from) if public_from else None
    except ValueError:
        raise click.BadParameter(
            f"'{public_from}' is no instant; expected for instance 2026-12-01T09:00:00+01:00"
        ) from None
    made = exchange.release(submissions, by=by, public_from=instant, note=note)
    click.echo(f"Release {made.id}, public from {made.public_from.isoformat()}")
    exchange.close()


@cli.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=8080, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=2,
    type=click.IntRange(1),
    help="Processes; each answers up to 128 requests at a time.",
)
@click.option(
    "--demo", "is_demo", is_flag=True, help="No token is asked for; binds to the loopback interface only."
)
@click.pass_obj
def serve(folder: Path, host: str, port: int, workers: int, is_demo: bool) -> None:
    """Serve the exchange. MIGDX_TOKEN holds the token that every writing call must show."""
    from .web.server import serve as run

    run(folder, host=host, port=port, workers=workers, token=os.environ.get("MIGDX_TOKEN"), demo=is_demo)


@cli.command()
@click.option("--port", default=8080, type=click.IntRange(1, 65535))
@click.pass_obj
def demo(folder: Path, port: int) -> None:
    """Load the demonstration data through the way that a country takes, and serve it on 127.0.0.1."""
    from .demo import load
    from .web.server import serve as run

    folder = Path("var/demo") if folder == Path(FOLDER) else folder
    exchange = Exchange.open(folder)
    load(exchange)
    exchange.close()
    run(folder, host="127.0.0.1", port=port, workers=2, token=None, demo=True)


def _sent(path: Path, opened: Any, provider: str, dataflow: str) -> Sent:
    return Sent(opened, path.stat().st_size, _media_type(path), path.name, provider, dataflow)


def _media_type(path: Path) -> str:
    return {".csv": "text/csv"}.get(path.suffix.lower(), "")


def _show(report: Report, as_json: bool) -> None:
    """The report for people, worst first; places as row and column of the file."""
    whole = report.as_dict()
    if as_json:
        click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
        return
    counts = whole["counts"]
    click.secho(f"{whole['verdict'].upper()}  {whole['subject']['fileName']}", bold=True)
    click.echo(
        "{received} received, {accepted} accepted, {rejected} rejected; "
        "{errors} errors, {warnings} warnings".format(**counts)
    )
    for group in whole["groups"]:
        click.echo()
        click.echo(f"{group['severity']} {group['code']}: {group['message']}")
        places = ", ".join(_place(place) for place in group["sample"])
        if places:
            more = group["count"] - len(group["sample"])
            click.echo(f"  at {places}" + (f" and {more} more" if more > 0 else ""))
        near = (group["expected"] or {}).get("nearest") or []
        if near:
            click.echo(
                "  nearest: "
                + ", ".join(
                    f"{n['code']}" + (f" ({n['name']}; {n['why']})" if "name" in n else "") for n in near
                )
            )
    for entry in counts["notChecked"]:
        click.echo(f"\nnot checked: {entry['check']}, because {entry['reason']}")


def _place(place: dict[str, Any]) -> str:
    words = [f"row {place['row']}"] if place.get("row") else []
    words += [f"column {place['column']}"] if place.get("column") else []
    return " ".join(words) or "the file"
