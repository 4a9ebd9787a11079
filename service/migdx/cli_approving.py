"""Approvals on the command line."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_structures import BY
from .console import exchange_in


@click.command()
@click.argument("submission")
@click.option("--provider", required=True, help="The focal point: the provider that approves.")
@click.option("--withdraw", is_flag=True, help="Take an approval back, before anything was released by it.")
@click.option("--reason", default="", show_default=False, help="Why, in a sentence.")
@BY
@click.pass_obj
def approve(folder: Path, submission: str, provider: str, withdraw: bool, reason: str, by: str) -> None:
    """Approve SUBMISSION of another national provider, as its focal point, so that it may be released."""
    from .approving import approve as approved

    with exchange_in(folder) as exchange:
        made = approved(exchange, submission, provider=provider, by=by, granted=not withdraw, reason=reason)
    click.echo(f"Submission {made.submission} is {'approved' if made.granted else 'not approved any more'}")
