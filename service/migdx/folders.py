"""Folders: structures as files. A file's path is its identity: <agency>/<id>-<version>.xml, or .json, holds
that artefact and no other; any other name is a bundle.

SDMX structure messages of every generation are taken as they come: what a file is, its first bytes say.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from .errors import StructureFault
from .formats.tables import STRUCTURE_READERS, sniff_structures
from .structures import Maintainable

Reader = Callable[[bytes, str], list[Maintainable]]

SUFFIXES = (".xml", ".json")
BESIDE = (".toml", ".csv")
"""What is kept beside structures: rules, precedence, control tables."""

CONTROLS = "controls"
"""Beside structures, the folder of the tables that rules compare with."""


@dataclass(frozen=True)
class Origin:
    """Where an artefact was read from, and the digest of the bytes that told it."""

    path: str
    sha256: str


@dataclass(frozen=True)
class StructureFile:
    path: Path
    folder: Path

    def read(self, read: Reader) -> tuple[list[Maintainable], Origin]:
        """Its artefacts; StructureFault when it cannot be read, or holds others than its name says."""
        source = self.path.read_bytes()
        found = read(source, str(self.path))
        self._check_identity(found)
        return found, Origin(str(self.path), hashlib.sha256(source).hexdigest())

    def _check_identity(self, found: list[Maintainable]) -> None:
        id, dash, version = self.path.stem.rpartition("-")
        if not dash or not version[:1].isdigit():
            # the version of a draft has a dash of its own
            id, dash, version = _draft(self.path.stem)
        if not dash:
            return
        agency = self.path.relative_to(self.folder).parts[0]
        given = [(artefact.agency, artefact.id, artefact.version) for artefact in found]
        if given != [(agency, id, version)]:
            names = ", ".join(f"{a}:{i}({v})" for a, i, v in given) or "nothing"
            raise StructureFault(
                f"by its name the file holds {agency}:{id}({version}) and no more; it holds {names}",
                str(self.path),
            )


def _draft(stem: str) -> tuple[str, str, str]:
    """(id, -, version) of a stem whose version has an extension, ("", "", "") of any other."""
    parts = stem.split("-")
    for at in range(1, len(parts) - 1):
        if parts[at].count(".") == 2 and parts[at].replace(".", "").isdigit():
            return "-".join(parts[:at]), "-", "-".join(parts[at:])
    return "", "", ""


def structure_files(folders: Sequence[Path]) -> Iterator[StructureFile]:
    """Every file of structures below `folders`, in the order of their paths."""
    for folder in folders:
        if not folder.is_dir():
            raise StructureFault("there is no such folder of structures", str(folder))
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield StructureFile(path, folder)


@dataclass(frozen=True)
class Packed:
    """Folders' files by their names, 0/... being those of the first folder."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """Of names and bytes: the same for the same files, wherever they are packed."""
        told = (f"{hashlib.sha256(source).hexdigest()}  {name}\n" for name, source in self.files.items())
        return hashlib.sha256("".join(told).encode()).hexdigest()

    @property
    def archive(self) -> bytes:
        """One file of all: what `unpacked` reads."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            for name, source in self.files.items():
                made.writestr(zipfile.ZipInfo(name), source, zipfile.ZIP_DEFLATED)
        return archive.getvalue()


def packed(folders: Sequence[Path]) -> Packed:
    """Structures and what is BESIDE them, in the order of their paths."""
    return Packed(
        {
            f"{number}/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for number, folder in enumerate(folders)
            for path in sorted(folder.rglob("*"))
            if path.suffix in (*SUFFIXES, *BESIDE) and path.is_file()
        }
    )


def unpacked(
    archive: bytes, known: Mapping[str, Sequence[Maintainable]] = MappingProxyType({})
) -> Iterator[tuple[Maintainable, Origin]]:
    """The artefacts of an archive of Packed; `known` are those that were read already, by the digest of the
    bytes that told them. StructureFault where it is none.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as made:
            for name in made.namelist():
                if name.endswith(SUFFIXES):
                    source = made.read(name)
                    origin = Origin("", hashlib.sha256(source).hexdigest())
                    found = known.get(origin.sha256) or read_any(source, name)
                    yield from ((artefact, origin) for artefact in found)
    except zipfile.BadZipFile as fault:
        raise StructureFault(f"the archive of structures is damaged: {fault}") from None


def read_any(source: bytes, path: str = "", skipped: list[str] | None = None) -> list[Maintainable]:
    """The artefacts of a structure message of any generation; `skipped` takes what was not understood."""
    return STRUCTURE_READERS[sniff_structures(source)](source, path, skipped)


def shipped_structures() -> tuple[Path, ...]:
    """The folders codelists/ and dsd/: inside the package in a wheel, beside service/ in a checkout."""
    here = Path(str(files("migdx")))
    root = here if (here / "dsd").is_dir() else here.parents[1]
    return root / "codelists", root / "dsd"


def shipped_specimens() -> Path:
    """The folder of small files, one for each check: inside the package in a wheel, tests/checks in a
    checkout.
    """
    here = Path(str(files("migdx")))
    return here / "specimens" if (here / "specimens").is_dir() else here.parents[1] / "tests" / "checks"
