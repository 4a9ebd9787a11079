"""Instants: which state of the data a URL asks for: asOf, updatedAfter, includeHistory.

XML Schema part 2, xs:dateTime; sdmx-rest v2.2.2, doc/data.md, and v1.5.0, 4_4_data_queries.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import SyntaxFault
from .address import Address

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:Z|([+ -])(\d\d):([0-5]\d))?", re.ASCII
)
_WORDS = {"": False, "false": False, "0": False, "true": True, "1": True}
_FARTHEST = timedelta(hours=14)


@dataclass(frozen=True)
class Times:
    """`since`: only what changed after it; `as_of`: as it was then; `history`: every version for itself.

    None is not asked for. Both are aware.
    """

    since: datetime | None = None
    as_of: datetime | None = None
    history: bool = False

    @classmethod
    def of(cls, address: Address, *, travel: bool, history: bool = True) -> Times:
        """The parameters of an address: asOf with `travel`, which came with REST 2.2; SyntaxFault."""
        found = cls(
            instant(address, "updatedAfter"),
            instant(address, "asOf") if travel else None,
            history and _flag(address, "includeHistory"),
        )
        if found.since and found.as_of and found.since > found.as_of:
            raise SyntaxFault(
                f"updatedAfter={address.get('updatedAfter')} is after asOf={address.get('asOf')}; expected "
                "an instant before it"
            )
        return found


NOW = Times()
"""The state of this moment."""


def instant(address: Address, name: str) -> datetime | None:
    """A parameter that is an xs:dateTime, to the microsecond; None where it is not given.

    Leniently a date alone is its first instant, and a blank before hours is the `+` that some client or proxy
    made one of. Without a zone it is UTC: the standard says the server's local time, which two machines of
    one service may have differently. The years are 1 to 9999.
    """
    text = address.get(name).strip()
    if not text:
        return None
    try:
        return _made(_INSTANT.fullmatch(text))
    except (ValueError, OverflowError):
        raise SyntaxFault(
            f"{name}={text[:60]}: expected an instant of the years 0001 to 9999 such as "
            "2024-01-31T12:00:00Z, 2024-01-31T12:00:00.5+01:00 or 2024-01-31"
        ) from None


def _made(found: re.Match[str] | None) -> datetime:
    """What the parts say; ValueError or OverflowError where there is no such instant."""
    if found is None:
        raise ValueError
    year, month, day = map(int, found.group(1, 2, 3))
    hour, minute, second = (int(part or 0) for part in found.group(4, 5, 6))
    fraction = int((found[7] or "")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    if offset > _FARTHEST:
        raise ValueError
    # 24:00:00 is the first instant of the day after
    midnight = (hour, minute, second, (found[7] or "").strip("0")) == (24, 0, 0, "")
    local = datetime(year, month, day, 0 if midnight else hour, minute, second, fraction, UTC)
    return local + timedelta(days=midnight) + (offset if found[8] == "-" else -offset)


def _flag(address: Address, name: str) -> bool:
    text = address.get(name)
    if text.lower() not in _WORDS:
        raise SyntaxFault(f"{name}={text[:60]}: expected true or false")
    return _WORDS[text.lower()]
