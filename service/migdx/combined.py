"""Columns that say several components in one, as a status stands for a pair of dimensions.

Such a column is headed by a concept of a scheme that the data structure uses; a RepresentationMap leads from
the concept's code list to those of components that the file lacks (SDMX 3.0 Information Model, section 9.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
import pyarrow as pa

from .checks import by_value
from .columns import Columns, Located, Sheet
from .dataset import Coded, coded
from .registry import Registry
from .report import SAMPLE, Finding
from .schema import Schema, SchemaComponent
from .structures import Codelist, Concept, ConceptScheme, RepresentationMap
from .urn import Reference


def separated(columns: Columns, schema: Schema, registry: Registry) -> tuple[Columns, list[Located]]:
    """The same with the components in the place of such columns; values that no map has are findings."""
    findings: list[Located] = []
    for name in columns.table.column_names:
        if name in schema.by_id:
            continue
        found = next(_maps(name, columns, schema, registry), None)
        if found:
            columns, more = _separated(columns, name, *found)
            findings += more
    return columns, findings


def _maps(
    name: str, columns: Columns, schema: Schema, registry: Registry
) -> Iterator[tuple[RepresentationMap, tuple[SchemaComponent, ...]]]:
    """The maps from the code list of the concept `name` to components that have no column of their own."""
    source = _codelist_of(name, schema, registry)
    if source is None:
        return
    for given in registry.of(RepresentationMap):
        if given.sources != (source,):
            continue
        into = [
            next(
                (c for c in schema.components if c.codelist is not None and c.codelist.reference == target),
                None,
            )
            for target in given.targets
        ]
        if all(component and component.id not in columns.table.column_names for component in into):
            yield given, tuple(component for component in into if component)


def combinable(schema: Schema, registry: Registry) -> dict[str, tuple[str, ...]]:
    """Every column that may stand for several components, with those components."""
    by_list = {c.codelist.reference: c.id for c in schema.components if c.codelist is not None}
    found: dict[str, tuple[str, ...]] = {}
    for scheme in registry.of(ConceptScheme):
        for concept in scheme.items:
            source = None if concept.id in schema.by_id else _codelist_of(concept.id, schema, registry)
            for given in registry.of(RepresentationMap) if source else ():
                into = tuple(by_list.get(target, "") for target in given.targets)  # type: ignore[arg-type]
                if given.sources == (source,) and all(into):
                    found[concept.id] = into
    return found


def _codelist_of(name: str, schema: Schema, registry: Registry) -> Reference | None:
    """What lists the values of a concept of one of the schemes that the data structure uses."""
    dsd = schema.dsd
    components = (*dsd.dimensions, *dsd.measures, *dsd.attributes)
    schemes = dict.fromkeys(replace(one.concept, item="") for one in components)
    for reference in schemes:
        scheme = registry.find(reference)
        concept = scheme.by_id.get(name) if isinstance(scheme, ConceptScheme) else None
        if isinstance(concept, Concept) and concept.representation and concept.representation.enumeration:
            found = registry.find(concept.representation.enumeration)
            return found.reference if isinstance(found, Codelist) else None
    return None


def _separated(
    columns: Columns, name: str, given: RepresentationMap, into: tuple[SchemaComponent, ...]
) -> tuple[Columns, list[Located]]:
    column = coded(columns.table.column(name))
    targets = {row.sources[0]: row.targets for row in given.mappings}
    findings = list(_unknown(column, columns, name, given))
    if findings:  # these rows have no key: they are told of once, here
        known = np.array([value in targets for value in column.values] + [True])  # the last serves index -1
        keep = np.flatnonzero(known[column.codes])
        columns = replace(columns.take(keep), received=columns.received)
        column = Coded(column.values, column.codes[keep])
    table = columns.table.remove_column(columns.table.column_names.index(name))
    indices = pa.array(column.codes.astype(np.int32), mask=column.codes < 0)
    for at, component in enumerate(into):
        values = [targets[value][at] if value in targets else "" for value in column.values]
        texts = pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.utf8()))
        table = table.append_column(component.id, texts)
    sheets = tuple(_told(sheet, name, into) for sheet in columns.places.sheets)
    return replace(columns, table=table, places=replace(columns.places, sheets=sheets)), findings


def _unknown(column: Coded, columns: Columns, name: str, given: RepresentationMap) -> Iterator[Located]:
    """Values that the map does not have, as checks tell of codes that a list does not have."""
    known = [row.sources[0] for row in given.mappings]
    codelist = given.sources[0].short if isinstance(given.sources[0], Reference) else ""
    wrong = [at for at, value in enumerate(column.values) if value and value not in known]
    for rows, value, distinct in by_value(column, wrong):
        near = get_close_matches((value or "").upper(), known, n=3, cutoff=0.5)
        told = {"nearest": [{"code": code, "why": "similar"} for code in near]}
        places = tuple(replace(columns.places.of(int(row), name), given=value) for row in rows[:SAMPLE])
        expected = {"codelist": codelist} | (told if value is not None else {"distinctValues": distinct})
        found = Finding("unknown_code", "error", name, value, expected, len(rows), places)
        yield Located(found, columns.numbered(rows))


def _told(sheet: Sheet, name: str, into: tuple[SchemaComponent, ...]) -> Sheet:
    """The components stand where the column did."""
    spot = sheet.spots.get(name)
    more = {component.id: spot for component in into} if spot else {}
    return replace(sheet, spots={**sheet.spots, **more})
