"""RepresentationMap: which values of one set of lists mean which of another (SDMX 3.0 IM, section 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..urn import Reference
from .artefact import Annotation, Maintainable


@dataclass(frozen=True)
class Mapping:
    """One row: the values of the sources in order, and those of the targets ("" is not given)."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    valid_from: str = ""
    valid_to: str = ""
    regular_expression: bool = False
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class RepresentationMap(Maintainable):
    """Sources and targets are code lists, value lists, or the name of a data type as plain text."""

    kind: ClassVar[str] = "RepresentationMap"
    sources: tuple[Reference | str, ...] = ()
    targets: tuple[Reference | str, ...] = ()
    mappings: tuple[Mapping, ...] = ()
