"""The same use cases without HTTP: check, submit, release, and serve them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from . import __version__
from .cli_structures import BY, public_structures, structures
from .cli_workbooks import propose_map, read_map, template, with_kept_map
from .errors import ExchangeError
from .folders import shipped_structures
from .intake import Examined, examine
from .report import Finding, Place, Report, languages_of_messages, message, where
from .rulebook import bound, read_rules
from .sent import Sent

if TYPE_CHECKING:
    from .exchange import Exchange

FOLDER = "var/migdx"

LARGE = 20_000_000
"""Bytes of a file that takes longer than people wait without a word."""


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
_COPY = click.Path(dir_okay=False, writable=True, path_type=Path)
_ANSWER = (
    click.option("--annotated", type=_COPY, help="Write the workbook with its faults marked, .xlsx."),
    click.option("--rejected", type=_COPY, help="Write the rejected rows with a column that says why, .csv."),
    click.option(
        "--lang",
        type=click.Choice(languages_of_messages()),
        default="en",
        help="The language of messages and copies.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON."),
)
_MAP = click.option(
    "--map",
    "map_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="How FILE is laid out, as JSON: `migdx map` proposes it. Else the one kept for the provider.",
)
_AS = click.option(
    "--as",
    "as_",
    type=click.Choice(["merge"]),
    default=None,
    help="merge: rows that are for information only, as in most exports, are merged.",
)
_LARGE = click.option("--large", is_flag=True, help="FILE is large: set memory aside for it.")


@dataclass(frozen=True)
class Answer:
    """How the outcome of a check is told: on the screen, and in copies of the file."""

    annotated: Path | None
    rejected: Path | None
    lang: str
    as_json: bool

    @property
    def copies(self) -> bool:
        return bool(self.annotated or self.rejected)

    def copy(self, sent: Sent, found: Examined) -> None:
        """Writes the copies that are asked for."""
        if self.rejected:
            with self.rejected.open("wb") as copy:
                copy.writelines(found.rejected(sent, (self.lang,)))
        if self.annotated:
            content = found.annotated(sent, (self.lang,))
            self.annotated.write_bytes(content)

    def show(self, report: Report) -> None:
        """The report for people, worst first, one dataflow after the other; or as JSON."""
        whole = report.as_dict((self.lang,))
        if self.as_json:
            click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
            return
        counts = whole["counts"]
        click.secho(f"{whole['verdict'].upper()}  {whole['subject']['fileName']}", bold=True)
        click.echo(
            "{received} received, {accepted} accepted, {rejected} rejected; ".format(**counts)
            + f"{_counted(counts['errors'], 'error')}, {_counted(counts['warnings'], 'warning')}"
        )
        for flow in sorted({finding.dataflow for finding in report.findings}):
            if flow:
                click.secho(f"\nIn {flow}", bold=True)
            for finding in report.findings:
                if finding.dataflow == flow:
                    self._finding(finding)
        reasons: dict[str, list[str]] = {}
        for entry in counts["notChecked"]:
            reasons.setdefault(entry["reason"], []).append(entry["check"])
        for reason, names in reasons.items():
            what = names[0] if len(names) == 1 else _counted(len(names), "check")
            click.echo(f"\nnot checked: {what}, because {reason}")

    def _finding(self, finding: Finding) -> None:
        click.echo(f"\n{finding.severity} {finding.code}: {message(finding, (self.lang,))}")
        places = ", ".join(self._place(place) for place in finding.places)
        if places:
            more = finding.count - len(finding.places)
            click.echo(f"  at {places}" + (f" and {more} more" if more > 0 else ""))
        near = finding.expected.get("nearest") or []
        codes = (f"{n['code']}" + (f" ({n['name']}; {n['why']})" if "name" in n else "") for n in near)
        if near:
            click.echo(f"  nearest: {', '.join(codes)}")

    def _place(self, place: Place) -> str:
        """Where, and the observation that stands there: Flows!D17 or row 4 column 11 (A.X.Y 2019)."""
        observation = " ".join(filter(None, (place.key, place.period)))
        return where(place, (self.lang,)) + (f" ({observation})" if observation else "")


def _answering(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of an Answer, which it gets made."""

    @wraps(command)
    def answered(
        *given: Any, annotated: Path | None, rejected: Path | None, lang: str, as_json: bool, **more: Any
    ) -> None:
        command(*given, answer=Answer(annotated, rejected, lang, as_json), **more)

    for option in reversed(_ANSWER):
        answered = option(answered)
    return answered


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
@_AS
@_LARGE
@_MAP
@_answering
@click.pass_obj
def check(
    folder: Path,
    file: Path,
    provider: str,
    dataflow: str,
    accept: str,
    as_: str | None,
    large: bool,
    map_file: Path | None,
    answer: Answer,
) -> None:
    """Say what is wrong with FILE; nothing is kept. Exit status 1 when it would be rejected."""
    with file.open("rb") as opened:
        registry = public_structures(folder)
        sent = _sent(file, opened, provider, dataflow, as_, large, map_file)
        sent = with_kept_map(folder, sent, registry)
        book = bound(read_rules(shipped_structures()), registry)
        found = examine(sent, registry, book, accept=accept, preview=True)
        answer.show(found.report)
        answer.copy(sent, found)
    sys.exit(0 if found.report.verdict == "accepted" else 1)


@cli.command()
@_FILE
@click.option("--provider", required=True, help="The data provider's id, for instance FRA.")
@_DATAFLOW
@_ACCEPT
@_AS
@_LARGE
@_MAP
@BY
@_answering
@click.pass_obj
def submit(
    folder: Path,
    file: Path,
    provider: str,
    dataflow: str,
    accept: str,
    as_: str | None,
    large: bool,
    map_file: Path | None,
    by: str,
    answer: Answer,
) -> None:
    """Check FILE and, when it is sound, keep it as the provider's next revision. Exit status 1 if not."""
    with file.open("rb") as opened, _opened(folder) as exchange:
        sent = _sent(file, opened, provider, dataflow, as_, large, map_file)
        submissions, report = exchange.submit(sent, by=by, accept=accept)
        answer.show(report)
        for submission in () if answer.as_json else submissions:
            flow = f" to {submission.dataflow}" if len(submissions) > 1 else ""
            revision = f", revision {submission.revision}" if submission.revision else ""
            click.echo(f"Submission {submission.id}{flow}{revision}")
        if answer.copies:
            with exchange.again(submissions[0].id) as again:
                answer.copy(*again)
    sys.exit(0 if report.verdict == "accepted" else 1)


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
@BY
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
@BY
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
cli.add_command(template)
cli.add_command(propose_map)


@contextmanager
def _opened(folder: Path) -> Iterator[Exchange]:
    """The exchange in `folder`; imported here, so that a mere check loads neither engine nor ledger."""
    from .exchange import Exchange

    with closing(Exchange.open(folder)) as exchange:
        yield exchange


def _sent(
    path: Path,
    opened: Any,
    provider: str,
    dataflow: str,
    as_: str | None,
    large: bool,
    map_file: Path | None,
) -> Sent:
    """The file with what is said of it; a large one is announced, on the error stream."""
    size, made = path.stat().st_size, read_map(map_file)
    as_merge = as_ == "merge"
    if size > LARGE:
        click.echo(f"Reading and checking {path.name}, {size / 1e6:.0f} MB ...", err=True)
    return Sent(opened, size, "", path.name, provider, dataflow, map=made, large=large, as_merge=as_merge)


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
