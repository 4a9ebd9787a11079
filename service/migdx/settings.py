"""Settings: where an exchange lives and how much it may take, from the environment and a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .depots import Depot
from .depots.folder import FolderDepot
from .errors import ExchangeError

LEDGER, FILES, CACHE, CACHED = "MIGDX_LEDGER", "MIGDX_FILES", "MIGDX_CACHE", "MIGDX_CACHED_MB"
MEMORY = "MIGDX_MEMORY_MB"

LEDGER_FILE = "ledger.sqlite"


@dataclass(frozen=True)
class Settings:
    """Everything in `folder`, where nothing else is said.

    `ledger` is an SQLAlchemy URL. `files` is where segments and blobs are kept: a folder, or
    s3://bucket/prefix; what is read from there is kept in the folder `cache`, up to `cached` megabytes.
    `memory` megabytes are what the engines of all processes of this machine may take together.
    """

    folder: Path
    ledger: str = ""
    files: str = ""
    cache: str = ""
    cached: int = 4096
    memory: int = 2048

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
        """As the environment says; ExchangeError names a variable whose value is none."""
        return cls(
            folder,
            ledger=environ.get(LEDGER, ""),
            files=environ.get(FILES, ""),
            cache=environ.get(CACHE, ""),
            cached=_megabytes(environ, CACHED, cls.cached),
            memory=_megabytes(environ, MEMORY, cls.memory),
        )

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.folder / LEDGER_FILE}"

    @property
    def has_ledger(self) -> bool:
        """Whether there is one; reading it makes none."""
        return bool(self.ledger) or (self.folder / LEDGER_FILE).is_file()

    def depot(self, part: str) -> Depot:
        """Where one part of the files is kept: segments, blobs."""
        return FolderDepot((Path(self.files) if self.files else self.folder) / part)


def _megabytes(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ExchangeError(f"{name}={text}: expected a number of megabytes, such as {default}")
    return int(text)
