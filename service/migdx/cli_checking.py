"""The commands that take a file, check and submit: what they are given, and how the outcome is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from .cli_structures import BY, public_structures
from .cli_workbooks import read_map
from .console import exchange_in
from .examined import Examined
from .folders import shipped_structures
from .intake import examine
from .report import Finding, Place, Report, in_best, languages_of_messages, message, where
from .rulebook import bound, read_rules
from .sent import Sent
from .settings import Settings
from .trial import tried
from .waiving import may_be_waived

LARGE = 20_000_000
"""Bytes of a file that takes longer than people wait without a word."""

SHOWN = 3
"""Entries of a section of the report that the screen shows; --json has all."""

_COPY = click.Path(dir_okay=False, writable=True, path_type=Path)
_GIVEN = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option(
        "--dataflow",
        default="",
        show_default=False,
        help="AGENCY:ID(VERSION); as the file says when left out.",
    ),
    click.option(
        "--accept",
        type=click.Choice(["all", "valid"]),
        default="all",
        help="all: one error rejects the file. valid: the rows without an error are taken.",
    ),
    click.option(
        "--as",
        "as_",
        type=click.Choice(["merge"]),
        default=None,
        help="merge: rows that are for information only, as in most exports, are merged.",
    ),
    click.option(
        "--scope",
        type=click.Choice(["complete"]),
        default=None,
        help="complete: what FILE leaves out of its region is removed.",
    ),
    click.option(
        "--region",
        default="",
        show_default=False,
        help="Where FILE is complete: SEX:F,M;TIME_PERIOD:2010..2019. Time left out: the periods of FILE.",
    ),
    click.option(
        "--removals",
        type=int,
        default=None,
        help="How many observations FILE removes, where it does so in bulk; --dry-run of submit tells it.",
    ),
    click.option("--large", is_flag=True, help="FILE is large: set memory aside for it."),
    click.option(
        "--map",
        "map_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="How FILE is laid out, as JSON: `migdx map` proposes it. Else the one kept for the provider.",
    ),
)
_ANSWER = (
    click.option("--annotated", type=_COPY, help="Write the workbook with its faults marked, .xlsx."),
    click.option("--rejected", type=_COPY, help="Write the rejected rows with a column that says why, .csv."),
    click.option("--findings", type=_COPY, help="Write all findings with the rows that they touch, .csv."),
    click.option(
        "--lang",
        type=click.Choice(languages_of_messages()),
        default="en",
        help="The language of messages and copies.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON."),
)


@dataclass(frozen=True)
class Given:
    """A file, and what is said of it."""

    file: Path
    dataflow: str
    accept: str
    as_: str | None
    scope: str | None
    region: str
    removals: int | None
    large: bool
    map_file: Path | None

    def sent(self, opened: BinaryIO, provider: str) -> Sent:
        """The file as it goes in; a large one is announced, on the error stream."""
        size, name = self.file.stat().st_size, self.file.name
        if size > LARGE:
            click.echo(f"Reading and checking {name}, {size / 1e6:.0f} MB ...", err=True)
        made, merged = read_map(self.map_file), self.as_ == "merge"
        return Sent(
            opened,
            size,
            "",
            name,
            provider,
            self.dataflow,
            map=made,
            large=self.large,
            as_merge=merged,
            scope=self.scope or "",
            region=self.region,
            removals=self.removals,
        )


@dataclass(frozen=True)
class Answer:
    """How the outcome of a check is told: on the screen, and in copies of the file."""

    annotated: Path | None
    rejected: Path | None
    findings: Path | None
    lang: str
    as_json: bool

    @property
    def copies(self) -> bool:
        return bool(self.annotated or self.rejected or self.findings)

    def copy(self, sent: Sent, found: Examined) -> None:
        """Writes the copies that are asked for."""
        if self.findings:
            with self.findings.open("wb") as copy:
                copy.writelines(found.listed((self.lang,)))
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
            + (f", {counts['waived']} waived" if counts["waived"] else "")
        )
        for flow in sorted({finding.dataflow for finding in report.findings}):
            if flow:
                click.secho(f"\nIn {flow}", bold=True)
            quiet = False
            for finding in (one for one in report.findings if one.dataflow == flow):
                remark = bool(finding.rule and finding.counts_as == "information")
                click.echo(nl=not (quiet and remark))
                self._finding(finding, report.title(finding.rule, (self.lang,)))
                quiet = remark
        for name, entries in report.sections.items():
            self._section(name, entries)
        reasons: dict[str, list[str]] = {}
        for entry in counts["notChecked"]:
            reasons.setdefault(entry["message"], []).append(entry.get("rule") or entry["check"])
        if reasons:
            click.secho("\nnot checked", bold=True)
        for reason, names in reasons.items():
            what = ", ".join(names) if len(names) <= SHOWN else _counted(len(names), "check")
            click.echo(f"  {what}: {reason}")

    def _finding(self, finding: Finding, title: str) -> None:
        click.echo(f"{finding.counts_as} {finding.code}: {message(finding, (self.lang,))}")
        if finding.rule and finding.counts_as == "information":
            return  # one line: no fault, and --json has its places
        if finding.rule:
            click.echo(f"  rule {finding.rule}, level {finding.level}: {title}")
        if finding.waived:
            said = finding.waived
            click.echo(f"  waived by {said.by} until {said.until}: {said.reason}")
        elif may_be_waived(finding):
            click.echo(f"  mark {finding.mark}")
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
        expected = f": {place.given or '-'}, expected {place.expected}" if place.expected else ""
        return where(place, (self.lang,)) + (f" ({observation})" if observation else "") + expected

    def _section(self, name: str, entries: Any) -> None:
        """The first entries of a section, a line each."""
        lines = [line for entry in entries if (line := " ".join(self._entry(entry)))]
        if lines:
            click.secho(f"\n{name}", bold=True)
            for line in lines[:SHOWN]:
                click.echo(f"  {line}")
            if len(lines) > SHOWN:
                click.echo(f"  and {len(lines) - SHOWN} more: --json")

    def _entry(self, entry: Mapping[str, Any]) -> Iterator[str]:
        """What an entry says, in short: where, both figures, counts, steps."""
        yield from (str(entry[name]) for name in ("rule", "key", "period") if entry.get(name))
        for term in entry.get("terms", ()):
            yield f"{term['sign']} {self._text(term['name'])} {term.get('value') or '-'}"
        if entry.get("difference"):
            figures = [side.get("value", "") for side in entry.get("sides", ())]
            figures = figures or [f"expected {entry.get('expected') or '-'}"]
            yield f"({' / '.join(map(str, figures))}, difference {entry['difference']})"
        if "counts" in entry:
            yield ", ".join(f"{name} {count}" for name, count in entry["counts"].items())
        steps = entry.get("steps", ())
        if steps:
            yield "; ".join(f"{self._text(step['name'])} {step['count']}/{step['of']}" for step in steps)

    def _text(self, text: Any) -> str:
        return in_best(text, (self.lang,)) if isinstance(text, Mapping) else str(text)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _taking(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of a Given and an Answer, which it gets made."""

    @wraps(command)
    def taken(*more: Any, **options: Any) -> None:
        made = {
            name: cls(**{field.name: options.pop(field.name) for field in fields(cls)})
            for name, cls in (("given", Given), ("answer", Answer))
        }
        command(*more, **made, **options)

    for option in reversed((*_GIVEN, *_ANSWER)):
        taken = option(taken)
    return taken


@click.command()
@click.option(
    "--provider",
    default="",
    show_default=False,
    help="The data provider's id; without it nobody's area is checked.",
)
@_taking
@click.pass_obj
def check(folder: Path, provider: str, given: Given, answer: Answer) -> None:
    """Say what is wrong with FILE; nothing is kept. Exit status 1 when it would be rejected.

    Where the folder of --data holds an exchange, FILE is compared with what is in it.
    """
    with given.file.open("rb") as opened:
        sent = given.sent(opened, provider)
        if Settings.of(folder).has_ledger:
            with exchange_in(folder) as exchange:
                found = exchange.examined(sent, accept=given.accept, owner=True)
        else:
            registry = public_structures(folder)
            book = bound(read_rules(shipped_structures()), registry)
            found = examine(sent, registry, book, accept=given.accept, preview=True)
        answer.show(found.report)
        answer.copy(sent, found)
    sys.exit(0 if found.report.verdict == "accepted" else 1)


@click.command()
@click.option("--provider", required=True, help="The data provider's id, for instance FRA.")
@BY
@click.option("--dry-run", is_flag=True, help="Only say what the submission would do; nothing is kept.")
@_taking
@click.pass_obj
def submit(folder: Path, provider: str, by: str, given: Given, answer: Answer, *, dry_run: bool) -> None:
    """Check FILE and, when it is sound, keep it as the provider's next revision. Exit status 1 if not."""
    with given.file.open("rb") as opened, exchange_in(folder) as exchange:
        if dry_run:
            report = tried(exchange, given.sent(opened, provider), accept=given.accept)
            answer.show(report)
            sys.exit(0 if report.verdict == "accepted" else 1)
        exchange.past.remember(exchange.ledger, exchange.folders, by=by)
        submissions, report = exchange.submit(given.sent(opened, provider), by=by, accept=given.accept)
        answer.show(report)
        for submission in () if answer.as_json else submissions:
            flow = f" to {submission.dataflow}" if len(submissions) > 1 else ""
            revision = f", revision {submission.revision}" if submission.revision else ""
            click.echo(f"Submission {submission.id}{flow}{revision}")
        if answer.copies:
            with exchange.again(submissions[0].id) as again:
                answer.copy(*again)
    sys.exit(0 if report.verdict == "accepted" else 1)
