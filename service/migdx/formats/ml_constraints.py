"""SDMX-ML: what constraints of all generations share (schema SDMXStructureConstraint.xsd)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..structures import QueryableDataSource, ReleaseCalendar, TimeRange
from .markup import time_range
from .xml_shapes import (
    TRUTH,
    WORD,
    Attribute,
    Dialect,
    Leaf,
    Mixed,
    Node,
    Part,
    Reading,
    Shape,
    Values,
    decoded,
    text_of,
)

_SIDES = {"StartPeriod": "start", "AfterPeriod": "start", "EndPeriod": "end", "BeforePeriod": "end"}


@dataclass(frozen=True, eq=False)
class TimeRanges(Part):
    """A range of time: AfterPeriod is one that starts there and stays open, BeforePeriod one that ends there.

    `space` is the prefix of the namespace that it is in.
    """

    space: str

    @property
    def elements(self) -> tuple[str, ...]:
        return ("TimeRange",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        told: Values = {"valid_from": node.get("validFrom") or "", "valid_to": node.get("validTo") or ""}
        for bound in node:
            side = _SIDES.get(reading.local(bound))
            if side is None:
                reading.skip(reading.local(bound), bound)
                continue
            told[side] = text_of(bound)
            included = bound.get("isInclusive") or "true"
            told[f"{side}_included"] = decoded(TRUTH, included, bound, "isInclusive")
        values["time_range"] = TimeRange(**told)

    def body(self, given: Any, dialect: Dialect) -> str:
        return time_range(given.time_range, self.space)


class Selections(Mixed):
    """The values by component, those of dimensions first, as the schema demands."""

    def __init__(self, of_dimension: Shape, of_other: Shape) -> None:
        shapes = (of_dimension, of_other)
        super().__init__("keys", shapes, lambda key: shapes[key.is_attribute], unique=False)

    def body(self, given: Any, dialect: Dialect) -> str:
        keys = sorted(given.keys, key=lambda key: key.is_attribute)
        return "".join([self.shape_of(key).write(key, dialect) for key in keys])


def keyed(cls: Callable[..., Any]) -> Callable[..., Any]:
    """For what may have no keys at all."""
    return lambda **values: cls(**{"keys": (), **values})


QUERYABLE = Shape(
    QueryableDataSource,
    "str:QueryableDataSource",
    Attribute("isRESTDatasource", "is_rest", TRUTH),
    Attribute("isWebServiceDatasource", "is_web_service", TRUTH),
    Leaf("com:DataURL", "url", WORD, required=True, always=True),
    Leaf("com:WSDLURL", "wsdl", WORD),
    Leaf("com:WADLURL", "wadl", WORD),
)
CALENDAR = Shape(
    ReleaseCalendar,
    "str:ReleaseCalendar",
    Leaf("str:Periodicity", "periodicity", WORD, required=True, always=True),
    Leaf("str:Offset", "offset", WORD, required=True, always=True),
    Leaf("str:Tolerance", "tolerance", WORD, required=True, always=True),
)
