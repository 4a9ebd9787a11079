"""Answers, waivers and past reports on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from .cli_structures import BY
from .console import exchange_in, table, time

_SUBMISSION = click.argument("submission")
_MARK = click.argument("mark")
_REASON = click.option("--reason", required=True, help="Why, in a sentence.")


@click.command()
@_SUBMISSION
@_MARK
@_REASON
@click.option(
    "--provider", default="", show_default=False, help="Refuse if SUBMISSION is not this provider's."
)
@BY
@click.pass_obj
def answer(folder: Path, submission: str, mark: str, reason: str, provider: str, by: str) -> None:
    """Answer a finding of SUBMISSION, by its MARK in the report (--json shows it), as its provider."""
    from .settling import answer as answered

    with exchange_in(folder) as exchange:
        made = answered(exchange, submission, mark, reason, by=by, provider=provider)
    click.echo(f"Answered {made.code} {made.rule}".rstrip())


@click.command()
@_SUBMISSION
@_MARK
@_REASON
@click.option("--expires", required=True, help="The last day (UTC) on which it holds: 2027-01-31.")
@BY
@click.pass_obj
def waive(folder: Path, submission: str, mark: str, reason: str, expires: str, by: str) -> None:
    """Waive a finding of SUBMISSION, by its MARK in the report (--json shows it), until a day.

    It covers the observations that the finding touches there, and no others. Where nothing else blocks, what
    was rejected is filed again as a submission of its own. Exit status 1 when that is rejected, too.
    """
    from .settling import waive as waived

    with exchange_in(folder) as exchange:
        made = waived(exchange, submission, mark, reason, expires, by=by)
    one = made.waiver
    click.echo(f"Waiver {one.id}: {one.code}, {one.count} rows, until {one.expires}")
    for filed in made.submissions:
        revision = f", revision {filed.revision}" if filed.revision else ""
        click.echo(f"Submission {filed.id}, {filed.verdict}{revision}")
    if made.newer:
        click.echo(f"Not filed again: submission {made.newer} came since")
    sys.exit(1 if made.report and made.report.verdict == "rejected" else 0)


@click.command()
@click.option("--provider", default="", show_default=False, help="Only those of this data provider.")
@click.option("--all", "past", is_flag=True, help="Those that have ended or were revoked, too.")
@click.option("--revoke", default="", show_default=False, help="End the waiver of this id now.")
@BY
@click.pass_obj
def waivers(folder: Path, provider: str, past: bool, revoke: str, by: str) -> None:
    """List the waivers, the newest first, or --revoke one: what was accepted with it stays."""
    from .settling import revoke as revoked

    with exchange_in(folder) as exchange:
        if revoke:
            click.echo(f"Waiver {revoked(exchange, revoke, by=by).id} is revoked")
            return
        history = exchange.ledger.history()
    found = (
        one
        for one in reversed(history.waivers)
        if provider in ("", one.provider) and (past or one.in_force(history.now()))
    )
    table(
        ("waiver", "provider", "dataflow", "finding", "rows", "expires", "revoked", "by", "reason"),
        (
            (
                one.id, one.provider, one.dataflow, f"{one.code} {one.rule}".rstrip(), str(one.count),
                one.expires, time(one.revoked), one.by, one.reason,
            )
            for one in found
        ),
    )  # fmt: skip


@click.command()
@_SUBMISSION
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def rerun(folder: Path, submission: str, as_json: bool) -> None:
    """Check SUBMISSION again with the structures, the rules and the data of its day, by the code of now.

    Nothing is kept. Exit status 1 when its report comes out otherwise.
    """
    from .rerun import rerun as run

    with exchange_in(folder) as exchange:
        made = run(exchange, submission)
    if as_json:
        click.echo(orjson.dumps(made.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        for name, pin in made.pins.items():
            one, other = pin["then"][:12], pin["now"][:12]
            click.echo(f"{name}: {one}" + (f", now {other}" if one != other else ""))
        verdicts = f"{made.then.verdict}, now {made.now.verdict}"
        click.echo(f"{made.then.verdict}: the same report" if made.same else f"verdict: {verdicts}")
        for entry in made.differences():
            then, now = (
                f"{side['count']} ({side['severity']})" if side else "none"
                for side in (entry["then"], entry["now"])
            )
            click.echo(f"{entry['check']} {entry['rule']}: {then}, now {now}")
        if made.parts():
            click.echo(f"differ as well: {', '.join(made.parts())}")
    sys.exit(0 if made.same else 1)
