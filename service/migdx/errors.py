"""Errors end a request; findings (report.py) describe bad data and never raise.

The classes follow the list of SDMX REST (sdmx-rest, doc/status.md; 1.5: 4_7_errors.md) and know nothing of
HTTP: `web/faults.py` maps each to a status, one table per version of the API.

    ExchangeError
     ├─ NoResults        100  the query is right and nothing matches
     ├─ Unauthorized     110  no credentials, or wrong ones
     ├─ Forbidden             known, and not allowed to do this
     ├─ NotFound              the resource that the path names does not exist
     ├─ Gone                  it was there, and was withdrawn: when, and why
     ├─ SyntaxFault      140  the request cannot be parsed
     ├─ SemanticFault    150  it parses, and contradicts the structures
     ├─ NotAcceptable         no representation of the asked kind
     ├─ Conflict              it contradicts what is stored
     ├─ TooLarge         130  more than the service takes or gives at once
     ├─ NotImplementedHere 501 part of the standard that is not built
     └─ Unavailable      503  try again later
         └─ NoSpace      507  nothing more can be kept; what is stored can be read
    StructureFault            a structure message cannot be read: path, line, reason
"""

from __future__ import annotations

from collections.abc import Sequence


class ExchangeError(Exception):
    """What was given, what was expected and where, in one sentence; `code` is the SDMX error number."""

    code = 500
    title = "Internal server error"


class NoResults(ExchangeError):
    code, title = 100, "No results found"


class Unauthorized(ExchangeError):
    code, title = 110, "Unauthorized"


class Forbidden(ExchangeError):
    code, title = 110, "Forbidden"


class NotFound(ExchangeError):
    code, title = 100, "Not found"


class Gone(ExchangeError):
    code, title = 100, "Gone"


class SyntaxFault(ExchangeError):
    code, title = 140, "Syntax error"


class SemanticFault(ExchangeError):
    code, title = 150, "Semantic error"


class NotAcceptable(ExchangeError):
    code, title = 1000, "Not acceptable"


class Conflict(ExchangeError):
    code, title = 1001, "Conflict"


class TooLarge(ExchangeError):
    code, title = 130, "Too large"


class NotImplementedHere(ExchangeError):
    code, title = 501, "Not implemented"


class Unavailable(ExchangeError):
    code, title = 503, "Service unavailable"


class NoSpace(Unavailable):
    code, title = 507, "Insufficient storage"


class StructureFault(ExchangeError):
    """A structure message that cannot be read or does not fit together."""

    code, title = 150, "Unreadable structure"

    def __init__(self, reason: str, path: str = "", line: int = 0) -> None:
        place = (
            f"{path}:{line}: " if path and line else f"{path}: " if path else f"line {line}: " if line else ""
        )
        super().__init__(place + reason)
        self.reason, self.path, self.line = reason, path, line


def some(words: Sequence[str], most: int = 5) -> str:
    """The first few, as a sentence names them, and how many more there are."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
