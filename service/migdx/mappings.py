"""Mappings: the workbook maps that are kept for providers, as the ledger tells them, and as SDMX tells them.

A WorkbookMap says in which cells components stand, which SDMX has no words for; what the texts of those
cells mean is a StructureMap with its RepresentationMaps (SDMX 3.0 Information Model, section 9). Source and
target are the same dataflow: as the provider writes it, and as it is coded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson

from .schema import Schema, SchemaComponent
from .structures import Annotation, ComponentMap, FixedValueMap, Maintainable, RepresentationMap, StructureMap
from .structures.mapping import Mapping as Row
from .urn import Reference
from .workbook_map import SheetMap, Source, WorkbookMap

_TEXT = "String"
_PLACE = "WORKBOOK_PLACE"
"""The type of the annotations that say where in a workbook a component stands."""


@dataclass(frozen=True)
class Mapped:
    """A map that was kept for a provider and a dataflow: the digest of its JSON among the blobs.

    `blob` is "" where the one before was dropped. `stamp` is the ledger's.
    """

    provider: str
    dataflow: str
    blob: str
    by: str
    stamp: datetime | None = None

    @property
    def slot(self) -> tuple[str, str]:
        return self.provider, self.dataflow

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp, which the ledger gives."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "stamp"}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime) -> Mapped:
        return cls(**body, stamp=stamp)


def told(made: WorkbookMap) -> bytes:
    """A map as JSON, the same bytes for the same map."""
    return orjson.dumps(made.as_dict(), option=orjson.OPT_SORT_KEYS)


# --- as SDMX ------------------------------------------------------------------------------------------------


def structure_map(made: WorkbookMap, schema: Schema, provider: str, number: int) -> list[Maintainable]:
    """A StructureMap and the RepresentationMaps that it refers to; version `number` of what was kept."""
    flow = schema.dataflow
    own = re.sub(r"[^A-Za-z0-9_]", "_", f"{flow.id}_{provider}")
    version = f"{number}.0.0"
    maps: list[RepresentationMap] = []
    components: list[ComponentMap] = []
    fixed: list[FixedValueMap] = []
    for component in schema.components:
        sources = [s for table in made.sheets for s in table.sources if s.component == component.id]
        values = {source.value for source in sources if source.value}
        if len(values) == 1 and all(source.value for source in sources):
            fixed.append(FixedValueMap(component.id, (values.pop(),)))
        elif sources:
            rows = _rows(sources)
            reference = None
            if rows:
                one = _representation(f"RM_{own}_{component.id}", flow.agency, version, rows, (component,))
                maps.append(one)
                reference = one.reference
            places = tuple(_places(made.sheets, component.id))
            components.append(ComponentMap((component.id,), (component.id,), reference, places))
    for one, mapped in _signs(made, schema, own, version):
        maps.append(one)
        components.append(mapped)
    names = {"en": f"{flow.name()}: workbooks of {provider}"}
    whole = StructureMap(
        f"SM_{own}", flow.agency, version, names=names, source=flow.reference, target=flow.reference,
        components=tuple(components), fixed_values=tuple(fixed),
    )  # fmt: skip
    return [whole, *maps]


def _rows(sources: list[Source]) -> list[Row]:
    """Texts and their codes; "" where such rows are left out. Of contradicting tables the first holds."""
    texts: dict[str, str | None] = {}
    for source in sources:
        texts = {**source.texts, **texts}
        if source.value:
            texts.setdefault(source.value, source.value)
    return [Row((text,), (code or "",)) for text, code in texts.items() if text]


def _representation(
    id: str, agency: str, version: str, rows: list[Row], targets: tuple[SchemaComponent, ...]
) -> RepresentationMap:
    return RepresentationMap(
        id,
        agency,
        version,
        names={"en": f"Texts for {', '.join(target.id for target in targets)}"},
        sources=(_TEXT,),
        targets=tuple(_listed(target) for target in targets),
        mappings=tuple(rows),
    )


def _listed(component: SchemaComponent) -> Reference | str:
    return component.codelist.reference if component.codelist else _TEXT


def _places(tables: tuple[SheetMap, ...], component: str) -> Iterator[Annotation]:
    for at, table in enumerate(tables, start=1):
        for source in table.sources:
            if source.component == component and not source.value:
                where = (
                    ("the sheet's name",) * source.from_sheet
                    + (f"row {source.row}",) * bool(source.row)
                    + (f"column {source.column}",) * bool(source.column)
                )
                yield Annotation(f"TABLE_{at}", title=f"{table.sheet}: {' '.join(where)}", type=_PLACE)


def _signs(
    made: WorkbookMap, schema: Schema, own: str, version: str
) -> Iterator[tuple[RepresentationMap, ComponentMap]]:
    """What stands in the place of figures, or behind them, to the components that it gives values."""
    measure = made.sheets[0].measure if made.sheets else ""
    for name, meanings in (("SIGNS", made.signs), ("FLAGS", made.flags)):
        ids = dict.fromkeys(id for said in meanings.values() for id in said if id in schema.by_id)
        targets = tuple(schema.by_id[id] for id in ids)
        rows = [
            Row((sign,), tuple(said.get(id, "") for id in ids)) for sign, said in meanings.items() if said
        ]
        if rows and targets and measure:
            one = _representation(f"RM_{own}_{name}", schema.dataflow.agency, version, rows, targets)
            yield one, ComponentMap((measure,), tuple(ids), one.reference)
