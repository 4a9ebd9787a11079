"""A small registry of agency T whose versions, 1.0, may change; an exchange over it, and data for it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from migdx.blobs import Blobs
from migdx.depots.folder import FolderDepot
from migdx.exchange import Exchange
from migdx.formats.header import Header
from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.ledger import Ledger
from migdx.registry import Registry
from migdx.sent import Sent
from migdx.stores.segments import SegmentStore
from migdx.structures import (
    AgencyScheme,
    Attribute,
    Codelist,
    Concept,
    ConceptScheme,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Dimension,
    Item,
    Maintainable,
    Measure,
    Organisation,
    ProvisionAgreement,
    Representation,
)
from migdx.urn import Reference

TIME = Representation(None, "ObservationalTimePeriod")
ML30 = "application/vnd.sdmx.structure+xml;version=3.0.0"


def codelist(id: str, *codes: str, version: str = "1.0", agency: str = "T", **more) -> Codelist:
    items = tuple(Item(code, names={"en": f"The {code}"}) for code in codes)
    return Codelist(id, agency, version, items=items, names={"en": id}, **more)


def listed(id: str, version: str = "1.0", agency: str = "T") -> Representation:
    return Representation(Reference("Codelist", agency, id, version))


def dsd(version: str = "1.0", sex: str = "1.0", id: str = "DSD", agency: str = "T") -> DataStructure:
    def concept(id: str) -> Reference:
        return Reference("Concept", "T", "CS", "1.0", id)

    return DataStructure(
        id,
        agency,
        version,
        names={"en": "Structure"},
        dimensions=(
            Dimension("FREQ", concept("FREQ"), listed("CL_FREQ")),
            Dimension("REF_AREA", concept("REF_AREA"), listed("CL_AREA")),
            Dimension("SEX", concept("SEX"), listed("CL_SEX", sex)),
            Dimension("TIME_PERIOD", concept("TIME_PERIOD"), TIME, is_time=True),
        ),
        measures=(Measure("OBS_VALUE", concept("OBS_VALUE"), Representation(None, "Double")),),
        attributes=(Attribute("OBS_STATUS", concept("OBS_STATUS"), listed("CL_OBS_STATUS")),),
    )  # fmt: skip


def flow(id: str = "FLOW", version: str = "1.0", structure: str = "1.0", of: str = "DSD", agency: str = "T"):
    return Dataflow(
        id, agency, version, structure=Reference("DataStructure", agency, of, structure), names={"en": id}
    )


def agreement(id: str = "PA_ONE", version: str = "1.0", of: Reference | None = None) -> ProvisionAgreement:
    return ProvisionAgreement(
        id,
        "T",
        version,
        names={"en": id},
        dataflow=of or flow().reference,
        provider=Reference("DataProvider", "T", "DATA_PROVIDERS", "1.0", "ONE"),
    )


def world() -> list[Maintainable]:
    concepts = ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS")
    return [
        AgencyScheme("AGENCIES", "SDMX", "1.0", names={"en": "Agencies"},
                     items=(Organisation("T", names={"en": "T"}), Organisation("U", names={"en": "U"}))),
        DataProviderScheme("DATA_PROVIDERS", "T", "1.0", names={"en": "Providers"},
                           items=(Organisation("ONE", names={"en": "One"}),)),
        ConceptScheme("CS", "T", "1.0", names={"en": "Concepts"},
                      items=tuple(Concept(id, names={"en": id}) for id in concepts)),
        codelist("CL_FREQ", "A"),
        codelist("CL_AREA", "X", "Y"),
        codelist("CL_SEX", "_T", "F", "M"),
        codelist("CL_OBS_STATUS", "A", "P"),
        codelist("CL_STABLE", "A", "B", version="1.0.0"),
        dsd(),
        flow(),
        agreement(),
    ]  # fmt: skip


def small(folder: Path, url: str = "") -> Exchange:
    """An exchange over the small registry, with its ledger at `url`."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SegmentStore(FolderDepot(folder / "segments"), memory="256MB", threads=1)
    ledger = Ledger(url or f"sqlite:///{folder / 'ledger.sqlite'}")
    blobs = Blobs(FolderDepot(folder / "blobs"))
    return Exchange(Registry(world()), store, ledger, blobs, keys=folder / "keys")


def data(*rows: str, flow: str = "T:FLOW(1.0)") -> bytes:
    """SDMX-CSV 2.0; each row is REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS."""
    head = "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS"
    return "\n".join([head, *(f"dataflow,{flow},R,A,{row}" for row in rows), ""]).encode()


def submitted(exchange: Exchange, *rows: str, flow: str = "T:FLOW(1.0)", release: bool = True):
    """Data of ONE, accepted and, unless said otherwise, public."""
    body = data(*rows, flow=flow)
    sent = Sent(io.BytesIO(body), len(body), "text/csv", "data.csv", "ONE")
    (submission,), report = exchange.submit(sent, by="test")
    assert submission.verdict == "accepted", report.as_dict()
    if release:
        exchange.release([submission.id], by="test")
    return submission


def message(*artefacts: Maintainable, form: str = ML30) -> bytes:
    header = Header("test", datetime(2026, 1, 1, tzinfo=UTC))
    return b"".join(STRUCTURE_WRITERS[form](artefacts, header, ("en",)))
