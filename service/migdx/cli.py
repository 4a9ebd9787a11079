"""The same use cases without HTTP: check, submit, release, and serve them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import __version__
from .cli_approving import approve
from .cli_checking import check, submit
from .cli_files import backup, forget, restore, sweep, verify
from .cli_ledger import keys, ledger, receipt
from .cli_packs import pack
from .cli_releases import cancel, release, releases, snapshot
from .cli_settling import answer, rerun, waive, waivers
from .cli_structures import rules, structures
from .cli_workbooks import propose_map, template
from .console import exchange_in, table, time
from .errors import ExchangeError
from .settings import LEDGER

if TYPE_CHECKING:
    from .precedence import Arrangements
    from .public import Public
    from .submission import Submission

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
@click.option(
    "--ledger",
    "ledger_url",
    default="",
    show_default=False,
    metavar="URL",
    help="Where its ledger is, as MIGDX_LEDGER says: postgresql://user@host/database; a file in the folder "
    "when left out. Passwords belong into MIGDX_LEDGER or ~/.pgpass: others see what a command is given.",
)
@click.pass_context
def cli(context: click.Context, folder: Path, ledger_url: str) -> None:
    """An SDMX exchange: check and submit files, release them, serve them.

    Over HTTP the same is POST /check, POST and GET /submissions (?provider=, ?dataflow=, ?limit=), POST and
    GET /releases, DELETE /releases/RELEASE, GET /releases/RELEASE/FILE.
    """
    context.obj = folder
    if ledger_url:  # for this process and the workers that it starts
        os.environ[LEDGER] = ledger_url


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


@cli.command()
@click.option("--provider", default="", show_default=False, help="Only those of this data provider.")
@click.option("--dataflow", default="", show_default=False, help="Only those to AGENCY:ID(VERSION).")
@click.option("--limit", default=20, type=click.IntRange(1), help="How many at most.")
@click.pass_obj
def submissions(folder: Path, provider: str, dataflow: str, limit: int) -> None:
    """List what was submitted, the newest first, and what became of it.

    Rows are those of the file, or how many of them were taken. A submission is public while its revision is
    the one that everyone sees; one that needs an approval says whose.
    """
    from .web.submissions import listed

    with exchange_in(folder) as exchange:
        public, arranged = exchange.public(), exchange.arranged
    found = islice(listed(public, provider, dataflow), limit)
    table(
        ("submission", "received", "provider", "dataflow", "verdict", "revision", "rows", "public"),
        (
            (
                s.id, time(s.stamp), s.provider, s.dataflow, s.verdict, str(s.revision or ""),
                _rows(s.counts), _seen(s, public, arranged),
            )
            for s in found
        ),
    )  # fmt: skip


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
    with exchange_in(folder) as exchange:
        load(exchange)
    run(folder, host=host, port=port, workers=2, token=None, demo=True, samples=SAMPLES)


for command in (check, submit, answer, waive, waivers, rerun, approve):
    cli.add_command(command)
for command in (release, releases, cancel, snapshot, sweep):
    cli.add_command(command)
for command in (backup, restore, verify, forget):
    cli.add_command(command)
for command in (ledger, keys, receipt):
    cli.add_command(command)
cli.add_command(structures)
cli.add_command(sweep)
cli.add_command(rules)
cli.add_command(template)
cli.add_command(propose_map)
cli.add_command(pack)


def _seen(submission: Submission, public: Public, arranged: Arrangements) -> str:
    """Whether a submission is public, or whose approval it awaits."""
    from .web.submissions import is_public

    if is_public(public, submission):
        return "yes"
    approver = public.history.awaits(submission, arranged)
    return f"awaits approval of {approver}" if approver else "no"


def _rows(counts: Mapping[str, int]) -> str:
    accepted, received = counts["accepted"], counts["received"]
    return str(received) if accepted == received else f"{accepted} of {received}"
