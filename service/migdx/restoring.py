"""Restoring: an exchange made of a backup, which is verified like an exchange.

The ledger is written last, all at once: before that there is nothing to serve.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from .errors import Conflict, ExchangeError, NotFound, some
from .history import History
from .inventory import PARTS, Measured, Named, Place, Tell, measured
from .ledger import Ledger
from .saved import KEYS, LEDGER, Lost, copied, copied_key, digest_of, listed, manifest_of, refuse, saved_place
from .settings import Settings
from .verifying import Verified, verify


def verify_backup(folder: Path, fault: Callable[[str], None], tell: Tell = lambda _, __: None) -> Verified:
    """As `verify`, of a backup: its manifest, its lists, its ledger, its files, its keys."""
    manifest = manifest_of(folder)
    ledger = folder / (LEDGER + manifest.lines)
    expected = dict(listed(folder, manifest))
    more = 0
    if not ledger.is_file() or digest_of(ledger) != manifest.ledger:
        fault(f"{ledger.name} is missing or damaged: it is not what the manifest says")
        more += 1
    for path, one in expected.items():
        if path.startswith(f"{KEYS}/") and digest_of(folder / path) != one.sha256:
            fault(f"{path} is missing or damaged")
            more += 1
    found = verify(saved_place(folder, ledger), fault, tell, expected)
    if (found.seq, found.digest) != (manifest.seq, manifest.entry):
        fault(f"The ledger ends with entry {found.seq}, not with {manifest.seq}:{manifest.entry}")
        more += 1
    return Verified(found.seq, found.digest, found.files, found.bytes, found.orphans, found.faults + more)


def restore(folder: Path, settings: Settings, tell: Tell = lambda _, __: None) -> History:
    """Makes the exchange that a backup is of, where `settings` say: nothing may be there but what a restore
    of the same backup left that was cut off. The ledger comes last, all at once.
    """
    manifest = manifest_of(folder)
    lines = folder / (LEDGER + manifest.lines)
    if not lines.is_file() or digest_of(lines) != manifest.ledger:
        raise ExchangeError(f"{lines} of the backup is missing or damaged: it is not what its manifest says")
    expected, source = dict(listed(folder, manifest)), saved_place(folder, lines)
    _refuse_ledger(settings)
    goal = Place(source.entries, {part: settings.depot(part) for part in PARTS})
    here = goal.listed()
    other = sorted(here.keys() - expected.keys())
    if other:
        raise Conflict(f"A backup is restored into an empty exchange; this one holds {some(other, 3)}")
    lost, done = list[str](), 0
    for one in source.named(source.history(refuse)):
        try:
            done += _restored(one, expected.get(one.path), source, goal, there=one.path in here)
        except Lost as fault:
            lost.append(f"{one.path} {fault}")
        tell(done, manifest.size)
    if lost:
        raise ExchangeError(
            f"Nothing was restored: of the backup {len(lost)} files are not right: {some(lost)}"
        )
    for path in expected:
        if path.startswith(f"{KEYS}/"):
            settings.keys_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            copied_key(folder / path, settings.keys_folder)
    with closing(Ledger(settings.ledger_url)) as ledger:
        return ledger.restore(source.entries())


def _restored(one: Named, known: Measured | None, source: Place, goal: Place, *, there: bool) -> int:
    """Its bytes; what a restore that was cut off left right is not copied again."""
    if known is None:
        raise Lost("is not among the files of the backup")
    depot = goal.depots[one.part]
    if there:
        with closing(depot.open(one.name)) as file:
            if measured(file).sha256 == known.sha256:
                return known.size
        depot.remove(one.name)
    return copied(one, source.depots[one.part], depot, known.sha256).size


def _refuse_ledger(settings: Settings) -> None:
    if not settings.has_ledger:
        return
    try:
        with closing(Ledger(settings.ledger_url, as_is=True)) as ledger:
            entries = ledger.history().seq
    except NotFound:
        return
    if entries:
        raise Conflict(
            f"The ledger has {entries} entries already; a backup is restored into an empty exchange"
        )
