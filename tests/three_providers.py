"""A country of which three providers report: its statistical office, a ministry and its border agency."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from small_world import TIME, agreement, codelist, flow, listed

from migdx.blobs import Blobs
from migdx.depots.folder import FolderDepot
from migdx.exchange import Exchange
from migdx.formats.tables import WRITERS
from migdx.ledger import Ledger
from migdx.query import DataQuery
from migdx.registry import Registry
from migdx.report import Report
from migdx.sent import Sent
from migdx.stores.segments import SegmentStore
from migdx.structures import (
    AgencyScheme,
    Attribute,
    Concept,
    ConceptScheme,
    DataProviderScheme,
    DataStructure,
    Dimension,
    Maintainable,
    Measure,
    Organisation,
    Representation,
)
from migdx.submission import Submission
from migdx.urn import Reference

PROVIDERS = ("OFFICE", "MINISTRY", "BORDER")
FLOW = "T:FLOW(1.0)"
QUERY = DataQuery(agencies=("T",), ids=("FLOW",), versions=("1.0",))

DECLARED = """
[[precedence]]
where = { COMPONENT = ["ACQ"] }
providers = ["MINISTRY", "OFFICE"]

[[precedence]]
providers = ["OFFICE", "BORDER", "MINISTRY"]
"""
"""Acquisitions are the ministry's; of all else the office goes first."""

RULES = """
structures = ["T:DSD"]

[[rule]]
id = "SAME"
check = "reported_by_another"
level = 3
severity = "information"
share = 0.01

[[rule]]
id = "DIFFER"
check = "contradicts_another_provider"
level = 3
severity = "warning"
share = 0.01
"""

_TEXT = Representation(None, "String")


def structures() -> list[Maintainable]:
    def concept(id: str) -> Reference:
        return Reference("Concept", "T", "CS", "1.0", id)

    dimensions = ["FREQ", "REF_AREA", "COMPONENT"]
    attributes = [("OBS_STATUS", listed("CL_OBS_STATUS")), ("CONF_STATUS", listed("CL_CONF_STATUS"))]
    attributes += [("DATA_PROVIDER", _TEXT), ("COMMENT_OBS", _TEXT)]
    concepts = [*dimensions, "TIME_PERIOD", "OBS_VALUE", *(id for id, _ in attributes)]
    return [
        AgencyScheme("AGENCIES", "SDMX", "1.0", names={"en": "Agencies"}, items=(Organisation("T"),)),
        DataProviderScheme("DATA_PROVIDERS", "T", "1.0", names={"en": "Providers"},
                           items=tuple(Organisation(id) for id in PROVIDERS)),
        ConceptScheme("CS", "T", "1.0", names={"en": "Concepts"}, items=tuple(map(Concept, concepts))),
        codelist("CL_FREQ", "A"),
        codelist("CL_REF_AREA", "X", "Y"),
        codelist("CL_COMPONENT", "ACQ", "IN", "OUT"),
        codelist("CL_OBS_STATUS", "A", "P", "Q"),
        codelist("CL_CONF_STATUS", "F", "C"),
        DataStructure(
            "DSD", "T", "1.0", names={"en": "Structure"},
            dimensions=(
                *(Dimension(id, concept(id), listed(f"CL_{id}")) for id in dimensions),
                Dimension("TIME_PERIOD", concept("TIME_PERIOD"), TIME, is_time=True),
            ),
            measures=(Measure("OBS_VALUE", concept("OBS_VALUE"), Representation(None, "Double")),),
            attributes=tuple(Attribute(id, concept(id), list_) for id, list_ in attributes),
        ),
        flow(),
        *(agreement_of(id) for id in PROVIDERS),
    ]  # fmt: skip


def agreement_of(provider: str):
    made = agreement(f"PA_{provider}")
    return replace(made, provider=Reference("DataProvider", "T", "DATA_PROVIDERS", "1.0", provider))


def opened(folder: Path, declared: str = DECLARED, rules: str = RULES) -> Exchange:
    """An exchange over these structures in a folder; what is declared may be other at every time."""
    beside = folder / "structures"
    beside.mkdir(parents=True, exist_ok=True)
    (beside / "t.precedence.toml").write_text(declared)
    (beside / "t.rules.toml").write_text(rules)
    store = SegmentStore(FolderDepot(folder / "segments"), memory="256MB", threads=1)
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    blobs = Blobs(FolderDepot(folder / "blobs"))
    return Exchange(Registry(structures()), store, ledger, blobs, (beside,))


def content(*rows: str, head: str = "OBS_VALUE,CONF_STATUS", action: str = "R") -> bytes:
    """SDMX-CSV 2.0; each row is REF_AREA,COMPONENT,TIME_PERIOD and what `head` names."""
    first = f"STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,TIME_PERIOD,{head}"
    return "\n".join([first, *(f"dataflow,{FLOW},{action},A,{row}" for row in rows), ""]).encode()


def checked(exchange: Exchange, provider: str, *rows: str) -> Report:
    body = content(*(row if row.count(",") > 3 else f"{row},F" for row in rows))
    return exchange.check(Sent(io.BytesIO(body), len(body), "text/csv", "data.csv", provider))


def submitted(exchange: Exchange, provider: str, *rows: str) -> tuple[Submission, Report]:
    body = content(*(row if row.count(",") > 3 else f"{row},F" for row in rows))
    sent = Sent(io.BytesIO(body), len(body), "text/csv", "data.csv", provider)
    (submission,), report = exchange.submit(sent, by="test")
    assert submission.verdict == "accepted", report.as_dict()
    return submission, report


def released(exchange: Exchange, provider: str, *rows: str, **more):
    return exchange.release([submitted(exchange, provider, *rows)[0].id], by="test", **more)


def rows(exchange: Exchange, public=None, **asked) -> list[dict[str, str]]:
    """An answer as SDMX-CSV gives it, row by row."""
    answer = exchange.data(replace(QUERY, **asked), public)
    text = b"".join(WRITERS["application/vnd.sdmx.data+csv;version=2.0.0"](answer)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def shown(exchange: Exchange, public=None, **asked) -> dict[str, tuple[str, str]]:
    """By REF_AREA.COMPONENT.TIME_PERIOD: the value and whose it is; no key twice."""
    found = rows(exchange, public, **asked)
    keyed = {
        ".".join(row[id] for id in ("REF_AREA", "COMPONENT", "TIME_PERIOD")): (
            row["OBS_VALUE"],
            row["DATA_PROVIDER"],
        )
        for row in found
    }
    assert len(keyed) == len(found), found
    return keyed
