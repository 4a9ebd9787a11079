"""Settings: where an exchange lives and how much it may take, from the environment and a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .depots import Depot
from .depots.folder import FolderDepot
from .errors import ExchangeError

LEDGER, FILES, CACHE, CACHED = "MIGDX_LEDGER", "MIGDX_FILES", "MIGDX_CACHE", "MIGDX_CACHED_MB"
MEMORY = "MIGDX_MEMORY_MB"
KEYS = "MIGDX_SIGNING_KEYS"
KEEP_BYTES = "MIGDX_KEEP_BYTES_DAYS"

LEDGER_FILE = "ledger.sqlite"


@dataclass(frozen=True)
class Settings:
    """Everything in `folder`, where nothing else is said.

    `ledger` is an SQLAlchemy URL. `files` is where segments and blobs are kept: a folder, or
    s3://bucket/prefix; what is read from there is kept in the folder `cache`, up to `cached` megabytes.
    `memory` megabytes are what the engines of all processes of this machine may take together. `keys` is the
    folder of the private keys that sign receipts. What was sent is kept for `keep_bytes` days, for ever where
    that is 0.
    """

    folder: Path
    ledger: str = field(default="", repr=False)  # which may hold a password
    files: str = ""
    cache: str = ""
    cached: int = 4096
    memory: int = 2048
    keys: str = ""
    keep_bytes: int = 0

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
        """As the environment says; ExchangeError names a variable whose value is none."""
        return cls(
            folder,
            ledger=environ.get(LEDGER, "").strip(),
            files=environ.get(FILES, ""),
            cache=environ.get(CACHE, ""),
            cached=_number(environ, CACHED, "megabytes", cls.cached),
            memory=_number(environ, MEMORY, "megabytes", cls.memory),
            keys=environ.get(KEYS, ""),
            keep_bytes=_number(environ, KEEP_BYTES, "days", 0, example=365),
        )

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.folder / LEDGER_FILE}"

    @property
    def keys_folder(self) -> Path:
        return Path(self.keys) if self.keys else self.folder / "keys"

    @property
    def has_ledger(self) -> bool:
        """Whether there is one; reading it makes none."""
        return bool(self.ledger) or (self.folder / LEDGER_FILE).is_file()

    def depot(self, part: str) -> Depot:
        """Where one part of the files is kept: segments, blobs."""
        scheme, address, _ = self.files.partition("://")
        if not address:
            return FolderDepot((Path(self.files) if self.files else self.folder) / part)
        from .depots.bucket import EXPECTED, SCHEME, BucketDepot  # takes its time to load

        if f"{scheme}://" != SCHEME:
            raise ExchangeError(f"{FILES}={scheme}://...: {EXPECTED}")
        cache = Path(self.cache) if self.cache else self.folder / "cache"
        return BucketDepot(self.files, part, cache, self.cached << 20)


def _number(environ: Mapping[str, str], name: str, of: str, default: int, *, example: int = 0) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise ExchangeError(f"{name}={text[:64]}: expected a number of {of}, such as {default or example}")
    return int(text)
