"""The header of a data message: which structures its data sets are of, and what is to be done with them.

SDMX 2.1 section 3A, part III (SDMXCommon.xsd, PayloadStructureType); SDMX 3.0 the same with URNs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ExchangeError
from ..urn import parse_urn
from .ml_events import SILENT, Events, State

_KINDS = {
    "Structure": "datastructure",
    "StructureUsage": "dataflow",
    "ProvisionAgrement": "dataprovision",  # as SDMX 2.1 spells it
    "ProvisionAgreement": "dataprovision",
}
_CLASSES = {
    "DataStructure": "datastructure",
    "Dataflow": "dataflow",
    "ProvisionAgreement": "dataprovision",
}
_NAMESPACE = re.compile(r"(urn:sdmx:[^)]*\)).*", re.DOTALL)


@dataclass
class Structured:
    """A structure that a header names: its kind as Part has it, and AGENCY:ID(VERSION).

    `observation` is the dimension at the observation, or AllDimensions; `measures` says that observations
    tell their measure by their type (explicit measures of SDMX 2.1).
    """

    kind: str = ""
    reference: str = ""
    observation: str = ""
    measures: bool = False


@dataclass
class Header:
    """What was read of a header: structures by their ids in this message, the action for all data sets."""

    structures: dict[str, Structured] = field(default_factory=dict)
    action: str = ""

    def of(self, reference: str) -> Structured:
        """What a data set refers to; the only structure, where the id is wrong or missing."""
        found = self.structures.get(reference)
        if found is None and len(self.structures) == 1:
            return next(iter(self.structures.values()))
        return found or Structured()


def header_state(events: Events, header: Header) -> State:
    """What to do within message:Header."""
    current = Structured()

    def structure(attributes: Mapping[str, str]) -> None:
        nonlocal current
        current = Structured(
            observation=attributes.get("dimensionAtObservation", ""),
            measures=attributes.get("explicitMeasures", "").strip() in ("true", "1"),
        )
        by_urn(_NAMESPACE.sub(r"\1", attributes.get("namespace", "")))
        header.structures[attributes.get("structureID", "")] = current

    def by_urn(text: str) -> None:
        try:
            found = parse_urn(text.strip())
        except ExchangeError:
            return
        if found.kind in _CLASSES:
            current.kind, current.reference = _CLASSES[found.kind], found.short

    def by_parts(kind: str, attributes: Mapping[str, str]) -> None:
        agency, id = attributes.get("agencyID", ""), attributes.get("id", "")
        if agency and id:
            current.kind = kind
            current.reference = f"{agency}:{id}({attributes.get('version', '1.0')})"

    def reference(kind: str) -> State:
        state = State({"URN": (events.collect, State(closing=lambda: by_urn(events.collected())))})
        state["Ref"] = (lambda attributes: by_parts(kind, attributes), State(unknown=SILENT))
        state.closing = lambda: by_urn(events.collected())
        return state

    def action() -> None:
        header.action = events.collected().strip()

    structures = State(
        {name: (events.collect, reference(kind)) for name, kind in _KINDS.items()}, unknown=SILENT
    )
    return State(
        {"Structure": (structure, structures), "DataSetAction": (events.collect, State(closing=action))},
        unknown=SILENT,
    )
