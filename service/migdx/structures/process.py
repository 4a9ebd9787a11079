"""Processes: steps with inputs, outputs and transitions (SDMX 3.0 Information Model, section 13)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ..urn import Reference
from .artefact import Annotation, Identifiable, Maintainable, Nameable, Text, no_text


@dataclass(frozen=True)
class ProcessArtefact:
    """What goes into a step or comes out of it."""

    artefact: Reference
    local_id: str = ""
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class Computation:
    descriptions: Text = field(default_factory=no_text)
    local_id: str = ""
    software_package: str = ""
    software_language: str = ""
    software_version: str = ""
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class Transition(Identifiable):
    """To the step `target` (its path of ids, `A.B`) when `conditions` hold."""

    target: str = ""
    conditions: Text = field(default_factory=no_text)
    local_id: str = ""


@dataclass(frozen=True)
class ProcessStep(Nameable):
    inputs: tuple[ProcessArtefact, ...] = ()
    outputs: tuple[ProcessArtefact, ...] = ()
    computation: Computation | None = None
    transitions: tuple[Transition, ...] = ()
    steps: tuple[ProcessStep, ...] = ()


@dataclass(frozen=True)
class Process(Maintainable):
    kind: ClassVar[str] = "Process"
    steps: tuple[ProcessStep, ...] = ()
