"""The same use cases without HTTP: check, submit, release, and serve them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from . import __version__
from .cli_structures import LEDGER, structures
from .errors import ExchangeError
from .intake import Sent, examine
from .registry import Registry, load_structures
from .report import Report

if TYPE_CHECKING:
    from .exchange import Exchange

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
    """An SDMX exchange: check and submit files, release them, serve them.

    Over HTTP the same is POST /check, POST and GET /submissions (?provider=, ?dataflow=, ?limit=), POST and
    GET /releases, DELETE /releases/RELEASE.
    """
    context.obj = folder


def main() -> None:
    """The command line; an error of the exchange or of the system is one sentence and exit status 1."""
    try:
        cli(standalone_mode=True)
    except ExchangeError as fault:
        reason = str(fault)
    except OSError as fault:
        reason = ": ".join(str(said) for said in (fault.strerror or fault, fault.filename) if said)
    else:
        return
    click.echo(f"migdx: {reason}", err=True)
    sys.exit(1)


_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_DATAFLOW = click.option(
    "--dataflow", default="", show_default=False, help="AGENCY:ID(VERSION); as the file says when left out."
)
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
@click.option(
    "--provider",
    default="",
    show_default=False,
    help="The data provider's id; without it nobody's area is checked.",
)
@_DATAFLOW
@_ACCEPT
@_JSON
@click.pass_obj
def check(folder: Path, file: Path, provider: str, dataflow: str, accept: str, as_json: bool) -> None:
    """Say what is wrong with FILE; nothing is kept. Exit status 1 when it would be rejected."""
    with file.open("rb") as opened:
        report = examine(_sent(file, opened, provider, dataflow), _public(folder), accept=accept).report
    _show(report, as_json)
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
    with file.open("rb") as opened, _opened(folder) as exchange:
        submission, report = exchange.submit(_sent(file, opened, provider, dataflow), by=by, accept=accept)
    _show(report, as_json)
    if not as_json:
        click.echo(
            f"Submission {submission.id}"
            + (f", revision {submission.revision}" if submission.revision else "")
        )
    sys.exit(0 if submission.verdict == "accepted" else 1)


@cli.command()
@click.option("--provider", default="", show_default=False, help="Only those of this data provider.")
@click.option("--dataflow", default="", show_default=False, help="Only those to AGENCY:ID(VERSION).")
@click.option("--limit", default=20, type=click.IntRange(1), help="How many at most.")
@click.pass_obj
def submissions(folder: Path, provider: str, dataflow: str, limit: int) -> None:
    """List what was submitted, the newest first, and what became of it.

    Rows are those of the file, or how many of them were taken. A submission is public while its revision is
    the one that everyone sees.
    """
    from .web.submissions import is_public, listed

    with _opened(folder) as exchange:
        public = exchange.public()
    found = islice(listed(public, provider, dataflow), limit)
    _table(
        ("submission", "received", "provider", "dataflow", "verdict", "revision", "rows", "public"),
        (
            (
                s.id, _time(s.stamp), s.provider, s.dataflow, s.verdict, str(s.revision or ""),
                _rows(s.counts), "yes" if is_public(public, s) else "no",
            )
            for s in found
        ),
    )  # fmt: skip


@cli.command()
@click.argument("submissions", nargs=-1, required=True, metavar="SUBMISSION...")
@click.option(
    "--public-from",
    default="",
    show_default=False,
    help="An instant with its zone (2026-12-01T09:00:00+01:00); now when left out.",
)
@click.option("--note", default="", show_default=False, help="What readers should know of this release.")
@_BY
@click.pass_obj
def release(folder: Path, submissions: tuple[str, ...], public_from: str, note: str, by: str) -> None:
    """Make accepted SUBMISSIONs public, all at once, now or from an instant on; `submissions` lists them."""
    try:
        instant = datetime.fromisoformat(public_from) if public_from else None
    except ValueError:
        raise click.BadParameter(
            f"'{public_from}' is no instant; expected for instance 2026-12-01T09:00:00+01:00"
        ) from None
    with _opened(folder) as exchange:
        made = exchange.release(submissions, by=by, public_from=instant, note=note)
    click.echo(f"Release {made.id}, public from {made.public_from.isoformat()}")


@cli.command()
@click.pass_obj
def releases(folder: Path) -> None:
    """List the releases, the newest first: from when they are public, what they hold, if taken back."""
    with _opened(folder) as exchange:
        made = exchange.ledger.history().releases
    _table(
        ("release", "made", "public from", "cancelled", "revisions", "note"),
        (
            (
                r.id, _time(r.stamp), _time(r.public_from), _time(r.cancelled),
                ", ".join(f"{agreement} {number}" for (agreement, _), number in r.revisions.items()), r.note,
            )
            for r in reversed(made)
        ),
    )  # fmt: skip


@cli.command()
@click.argument("release")
@_BY
@click.pass_obj
def cancel(folder: Path, release: str, by: str) -> None:
    """Take RELEASE back: what was public before it is public again; `releases` lists them."""
    with _opened(folder) as exchange:
        exchange.cancel(release, by=by)
    click.echo(f"Release {release} is cancelled")


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
    """Serve the exchange. MIGDX_TOKEN holds the token that every writing call must show;
    MIGDX_MAINTAINER_TOKENS those that maintain structures: AGENCY=token,AGENCY2=token2.
    """
    from .web.maintainers import VARIABLE, Maintainers
    from .web.server import probe
    from .web.server import serve as run

    probe(host, port, "--port ")
    run(
        folder,
        host=host,
        port=port,
        workers=workers,
        token=os.environ.get("MIGDX_TOKEN"),
        demo=is_demo,
        maintained_by=Maintainers.parse(os.environ.get(VARIABLE, "")),
    )


@cli.command()
@click.option("--port", default=8080, type=click.IntRange(1, 65535))
@click.pass_obj
def demo(folder: Path, port: int) -> None:
    """Load the demonstration data through the way that a country takes, and serve it on 127.0.0.1."""
    from .demo import SAMPLES, load
    from .web.server import probe
    from .web.server import serve as run

    host = "127.0.0.1"
    probe(host, port, "make demo PORT=")
    folder = Path("var/demo") if folder == Path(FOLDER) else folder
    with _opened(folder) as exchange:
        load(exchange)
    run(folder, host=host, port=port, workers=2, token=None, demo=True, samples=SAMPLES)


cli.add_command(structures)


def _public(folder: Path) -> Registry:
    """The structures as `submit` would take them, without the engine; the ledger only if there is one."""
    registry = load_structures()
    if not (folder / LEDGER).is_file():
        return registry
    from .blobs import Blobs
    from .keeping import applied
    from .ledger import Ledger

    with closing(Ledger(f"sqlite:///{folder / LEDGER}")) as ledger:
        changes = ledger.history().structures
    return (applied(registry, changes, Blobs(folder / "blobs")) if changes else registry).public


@contextmanager
def _opened(folder: Path) -> Iterator[Exchange]:
    """The exchange in `folder`; imported here, so that a mere check loads neither engine nor ledger."""
    from .exchange import Exchange

    with closing(Exchange.open(folder)) as exchange:
        yield exchange


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
        "{received} received, {accepted} accepted, {rejected} rejected; ".format(**counts)
        + f"{_counted(counts['errors'], 'error')}, {_counted(counts['warnings'], 'warning')}"
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
    reasons: dict[str, list[str]] = {}
    for entry in counts["notChecked"]:
        reasons.setdefault(entry["reason"], []).append(entry["check"])
    for reason, names in reasons.items():
        what = names[0] if len(names) == 1 else _counted(len(names), "check")
        click.echo(f"\nnot checked: {what}, because {reason}")


def _place(place: dict[str, Any]) -> str:
    """Row and column, and the observation that stands there: row 4 column 11 (A.X.Y 2019)."""
    words = [f"{name} {place[name]}" for name in ("row", "column") if place.get(name)]
    observation = " ".join(place[name] for name in ("key", "period") if place.get(name))
    words += [f"({observation})"] if observation else []
    return " ".join(words) or "the file"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _rows(counts: Mapping[str, int]) -> str:
    accepted, received = counts["accepted"], counts["received"]
    return str(received) if accepted == received else f"{accepted} of {received}"


def _time(instant: datetime | None) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant else ""


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as what is in them; the last one is not filled up."""
    lines = [heading, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
