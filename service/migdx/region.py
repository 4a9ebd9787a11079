"""Region: where a file says all that there is, so that what it leaves out is taken away (scope=complete).

    SEX:F,M;TIME_PERIOD:2010..2019

Dimensions with their codes; periods, and stretches of them with both ends inside. A dimension that is not
named is all of it. Time that is not named is the periods that the file has: `TIME_PERIOD:*` is all time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from .columns import Flags
from .dataset import Coded, coded
from .errors import SyntaxFault
from .periods import parse_period
from .report import Finding
from .schema import Schema, SchemaComponent

LONGEST = 10_000
"""Characters of a region."""

EVER, TO = "*", ".."
_EXPECTED = "expected for instance SEX:F,M;TIME_PERIOD:2010..2019"


def read_region(text: str) -> dict[str, tuple[str, ...]]:
    """The values of each dimension that a region names; SyntaxFault where it is none."""
    if len(text) > LONGEST:
        raise SyntaxFault(f"region has {len(text)} characters; at most {LONGEST} are taken")
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        id, colon, said = part.partition(":")
        values = tuple(value.strip() for value in said.split(","))
        if not (id.strip() and colon and all(values)) or id.strip() in found:
            raise SyntaxFault(f"region: '{part[:80]}' is no dimension with its values, once; {_EXPECTED}")
        found[id.strip()] = values
    return found


@dataclass(frozen=True)
class Region:
    """`codes` of dimensions; `days` that time lies in, from and to, both inside; `ever` says all time."""

    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    days: tuple[tuple[int, int], ...] = ()
    ever: bool = False
    text: str = ""

    @classmethod
    def of(cls, text: str, schema: Schema) -> Region:
        """What a text, in which `wrong` finds nothing, says for a schema."""
        said = read_region(text)
        times = said.pop(schema.time.id, ()) if schema.time else ()
        days = tuple(_days(one) or (0, -1) for one in times if one != EVER)
        codes = {id: frozenset(values) for id, values in said.items()}
        return cls(codes, days, EVER in times, text)

    def periods(self, sent: pa.Table, schema: Schema) -> frozenset[str] | None:
        """The periods that a file has, where it is they that bound the region."""
        if schema.time is None or self.days or self.ever:
            return None
        return frozenset(coded(sent.column(schema.time.id)).values)

    def holds(self, table: pa.Table, periods: frozenset[str] | None, schema: Schema) -> Flags:
        """Per row of a table whether it lies in the region."""
        inside = np.ones(table.num_rows, bool)
        for id, codes in self.codes.items():
            inside &= _among(coded(table.column(id)), codes.__contains__)
        if schema.time and not self.ever:
            known = self._then if periods is None else periods.__contains__
            inside &= _among(coded(table.column(schema.time.id)), known)
        return inside

    def _then(self, text: str) -> bool:
        period = parse_period(text)
        return period is not None and any(a <= period.start and period.end <= b for a, b in self.days)

    def told(self, periods: frozenset[str] | None, schema: Schema) -> str:
        """The region with the periods that bound it, as it may be stated again."""
        time = f"{schema.time.id}:{','.join(sorted(periods))}" if schema.time and periods is not None else ""
        return ";".join(filter(None, (time, self.text)))


def _among(column: Coded, wanted: Callable[[str], bool]) -> Flags:
    flags = np.array([*(wanted(value) for value in column.values), False])  # the last serves index -1
    return np.asarray(flags[column.codes])


def _days(text: str) -> tuple[int, int] | None:
    """The first and the last day of a period, or of a stretch; None where it is neither."""
    first, stretch, last = text.partition(TO)
    ends = parse_period(first.strip()), parse_period((last if stretch else first).strip())
    if ends[0] is None or ends[1] is None or ends[0].start > ends[1].end:
        return None
    return ends[0].start, ends[1].end


def wrong(text: str, schema: Schema) -> Iterator[Finding]:
    """What a region says that the structure, or the agreement, does not have."""
    dimensions = {one.id: one for one in schema.dimensions}
    for id, values in read_region(text).items():
        component = dimensions.get(id)
        if component is None:
            expected = {"dimensions": list(dimensions)}
            yield Finding(
                "wrong_region", value=id, expected=expected, values={"given": ", ".join(dimensions)}
            )
            continue
        for value in values:
            if not _right(value, component):
                reason = "period" if component.role == "time" else "code"
                yield Finding("wrong_region", component=id, value=value, values={"reason": reason})


def _right(value: str, component: SchemaComponent) -> bool:
    if component.role == "time":
        return value == EVER or _days(value) is not None
    return value in component.valid if component.coded else True
