"""Maintainers: whose token a request shows, and so which drafts it sees and which structures it may change.

Tokens are compared in the same time wherever they differ, are in no message, and never in a log.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from flask import Response, current_app, g, request

from ..errors import ExchangeError, Forbidden, Unauthorized
from ..exchange import Exchange
from ..maintenance import Maintainer

VARIABLE = "MIGDX_MAINTAINER_TOKENS"
"""The environment variable that holds AGENCY=token,AGENCY2=token2."""


@dataclass(frozen=True)
class Maintainers:
    """(agency, token); the token of an agency is good for its units too (AGENCY.X)."""

    tokens: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, text: str) -> Maintainers:
        """From AGENCY=token,AGENCY2=token2; an error names the place, not what stands there."""
        return cls(tuple(_pairs(text)))

    def agencies(self, token: str) -> frozenset[str]:
        """Those that a token is of; none for one that is not known."""
        given = token.encode("utf-8", "replace")
        # every pair is compared, so that the time tells nothing
        found = [agency for agency, known in self.tokens if hmac.compare_digest(given, known.encode())]
        return frozenset(found) if given else frozenset()


NOBODY = Maintainers()


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for number, part in enumerate(text.split(","), start=1):
        agency, sign, token = (word.strip() for word in part.partition("="))
        if not part.strip():
            continue
        if not (agency and sign and token):
            raise ExchangeError(f"{VARIABLE}: entry {number} is not AGENCY=token")
        yield agency, token


def asking() -> frozenset[str]:
    """The agencies whose token the request shows; any other token, as readers may send one, is of none."""
    if "agencies" not in g:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        known = cast(Maintainers, current_app.extensions["migdx-maintainers"])
        g.agencies = known.agencies(given.strip()) if kind.lower() == "bearer" else frozenset()
    return cast("frozenset[str]", g.agencies)


def seen(exchange: Exchange) -> Exchange:
    """The exchange as those see it who ask, with the structures of this moment."""
    return exchange.seen_by(asking())


def authorized() -> Maintainer:
    """Who maintains; Forbidden when nobody may, Unauthorized without a token that is known."""
    if not cast(Maintainers, current_app.extensions["migdx-maintainers"]).tokens:
        raise Forbidden(
            f'Maintenance of structures is not set up: {VARIABLE}="AGENCY=token,AGENCY2=token2" in the '
            "environment of the service says who may"
        )
    agencies = asking()
    if not agencies:
        raise Unauthorized("Maintenance needs a token of the agency: Authorization: Bearer <token>")
    return Maintainer(", ".join(sorted(agencies)), agencies)


def private(answer: Response) -> Response:
    """What a token's holder is told is not for caches that others share."""
    if not cast(Maintainers, current_app.extensions["migdx-maintainers"]).tokens:
        return answer
    if request.path.startswith("/sdmx"):
        answer.vary.add("Authorization")
    if g.get("agencies"):
        control = answer.headers.get("Cache-Control", "")
        answer.headers["Cache-Control"] = control.replace("public", "private") or "private"
        if "no-store" not in control and "private" not in answer.headers["Cache-Control"]:
            answer.headers["Cache-Control"] += ", private"
    return answer
