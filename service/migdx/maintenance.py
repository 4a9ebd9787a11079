"""Maintenance: what an agency does to its structures, judged as a whole and kept in one entry of the ledger.

sdmx-rest v2.2.2, doc/maintenance.md. The artefacts of one call may refer to one another, so they are judged
together; one that fails has its own result, takes with it those that need it, and leaves the others. What is
left holds at once, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .amend import amended, is_amendment, without_item
from .errors import Conflict, ExchangeError, Forbidden, NotFound, SemanticFault, some
from .exchange import Exchange
from .folders import Origin
from .history import History
from .holdings import held, not_accepted
from .impact import Breakage, impact
from .keeping import Form, forms, keep
from .links import references
from .registry import Registry, covers, is_draft
from .structure_change import Kept, StructureChange
from .structures import (
    Codelist,
    DataConstraint,
    Dataflow,
    DataStructure,
    ItemScheme,
    Maintainable,
    ProvisionAgreement,
    holder,
)
from .urn import Reference, is_stable, parse_short
from .versioning import next_version, taken_away

Action = Literal["Append", "Replace", "Delete"]


_ROUNDS = 25
"""Times that what is left is judged again, without what was refused."""

_LONGEST_NAME = 255
"""Letters of an agency, an id or a version: together they must fit into the first line of a request."""

_MOST_COMPONENTS = 500
"""Components of a data structure."""

_MOST_NOTES, _LONGEST_NOTE = 5, 200
"""What was not understood, as far as it is told."""


@dataclass(frozen=True)
class Wish:
    """One action on one artefact. Append: it must not be there; Replace: it may be, or must be if `known`.

    A Delete may be of an `item` only.
    """

    action: Action
    reference: Reference
    artefact: Maintainable | None = None
    known: bool = False
    item: str = ""

    @classmethod
    def of(cls, artefact: Maintainable, action: Action = "Replace", *, known: bool = False) -> Wish:
        return cls(action, artefact.reference, artefact, known)


@dataclass(frozen=True)
class Outcome:
    """What became of a wish: done as `action` says when there is no `fault`; `text` tells it."""

    action: Action
    reference: Reference
    text: str
    fault: ExchangeError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Maintainer:
    """Who asks: `agencies` are those whose structures they maintain, None for all."""

    name: str
    agencies: frozenset[str] | None = None

    def may(self, agency: str) -> bool:
        return self.agencies is None or covers(self.agencies, agency)


def maintain(
    exchange: Exchange,
    wishes: Sequence[Wish],
    who: Maintainer,
    *,
    message: bytes = b"",
    skipped: Sequence[str] = (),
    dry: bool = False,
) -> list[Outcome]:
    """Does what can be done; one outcome for each wish, in their order. `dry`: says it, and does nothing.

    `message` are the bytes that said all this, kept beside what became of them; `skipped` is what was not
    understood in them, told as a warning.
    """
    sent = ""
    while True:  # judged outside the ledger's lock; who was overtaken judges again
        history = exchange.ledger.history()
        judged = _Judged.of(exchange, history, wishes, who)
        if dry or not judged.changes:
            return judged.outcomes(skipped)
        sent = sent or (exchange.blobs.put(message) if message else "")
        change = replace(judged.kept(exchange), by=who.name, message=sent)
        with exchange.ledger.writing() as book:
            now = book.history
            if (len(now.structures), len(now.revisions)) == (len(history.structures), len(history.revisions)):
                book.append("structures", change.as_dict())
                break
    exchange.whole  # noqa: B018  # this process reads at once what it wrote
    return judged.outcomes(skipped)


# --- judging ----------------------------------------------------------------------------------------------


class _Judged:
    """Wishes against the structures and the data of one moment."""

    def __init__(self, before: Registry, wishes: Sequence[Wish], who: Maintainer) -> None:
        self._before, self._wishes, self._who = before, wishes, who
        self._faults: dict[int, ExchangeError] = {}
        self._same: set[int] = set()
        self._made: dict[int, Form] = {}
        self._deleted: dict[int, str] = {}

    @classmethod
    def of(cls, exchange: Exchange, history: History, wishes: Sequence[Wish], who: Maintainer) -> _Judged:
        judged = cls(exchange.structures_at(history), wishes, who)
        judged._alone()
        judged._together(exchange, history)
        return judged

    @property
    def changes(self) -> bool:
        return bool(self._made or self._deleted)

    def kept(self, exchange: Exchange) -> StructureChange:
        agencies = {self._wishes[at].reference.agency for at in (*self._made, *self._deleted)}
        deletes = (Kept("delete", urn) for urn in self._deleted.values())
        return StructureChange(
            (*keep(self._made.values(), exchange.blobs), *deletes), by="", agency=", ".join(sorted(agencies))
        )

    def outcomes(self, skipped: Sequence[str]) -> list[Outcome]:
        return [self._outcome(at, wish, skipped) for at, wish in enumerate(self._wishes)]

    def _outcome(self, at: int, wish: Wish, skipped: Sequence[str]) -> Outcome:
        named = f"{wish.reference.kind} {wish.reference.short}"
        exists = self._before.find(wish.reference) is not None
        action = wish.action
        # whether it is there is not for everybody
        if action != "Delete" and not isinstance(self._faults.get(at), Forbidden):
            action = "Replace" if exists else "Append"
        if at in self._faults:
            return Outcome(action, wish.reference, str(self._faults[at]), self._faults[at])
        # each artefact is told them: there may be thousands of both
        warnings = [f"not understood and left out: {part[:_LONGEST_NOTE]}" for part in skipped[:_MOST_NOTES]]
        if len(skipped) > _MOST_NOTES:
            warnings.append(f"not understood and left out: {len(skipped) - _MOST_NOTES:,} more")
        if at in self._made and self._made[at].lossy:
            warnings.append(f"kept as {self._made[at].media_type} tells it, which is less than was sent")
        done = {"Append": "created", "Replace": "replaced", "Delete": "deleted"}[action]
        text = f"{named} is as it was" if at in self._same else f"{named} {done}"
        if wish.item:
            text = f"Item {wish.item} of {named} deleted"
        return Outcome(action, wish.reference, text, warnings=tuple(warnings))

    def _alone(self) -> None:
        """What each wish means by itself: an artefact as it would be kept, or one to go."""
        wanted: dict[int, Maintainable] = {}
        seen: set[str] = set()
        for at, wish in enumerate(self._wishes):
            try:
                if wish.reference.urn in seen:
                    raise SemanticFault(f"{wish.reference.urn} is in the message twice")
                seen.add(wish.reference.urn)
                self._admit(at, wish, wanted)
            except ExchangeError as fault:
                self._faults[at] = fault
        told = forms(wanted.values())
        for at, artefact in wanted.items():
            if artefact.urn in told:
                self._made[at] = told[artefact.urn]
            else:
                self._faults[at] = SemanticFault(f"No form that is written here can tell {artefact.urn}")

    def _admit(self, at: int, wish: Wish, wanted: dict[int, Maintainable]) -> None:
        if not self._who.may(wish.reference.agency):
            raise Forbidden(f"This token is not one of agency {wish.reference.agency}")
        if wish.artefact is not None and wish.action != "Delete":
            self._refuse_meddling(wish.artefact)
        stored = self._before.find(wish.reference)
        if wish.action == "Delete":
            stored = _deletable(stored, wish)
            if wish.item:
                wanted[at] = _without(self._before, stored, wish.item)
            else:
                self._deleted[at] = stored.urn
            return
        given = _given(wish, stored)
        if given == stored:
            self._same.add(at)
            return
        _refuse_excess(given)
        if stored is not None and is_stable(stored.version):
            raise Conflict(
                f"{stored.kind} {stored.reference.short} is stable and cannot change; submit it as "
                f"{next_version(given, stored)} or later"
            )
        versions = self._before.versions(given.reference)
        if stored is None and (lost := taken_away(given, versions)):
            raise Conflict(f"{given.kind} {given.reference.short} breaks the rules of versions: {lost}")
        wanted[at] = given

    def _refuse_meddling(self, artefact: Maintainable) -> None:
        """What may be reported for a dataflow, and by whom, is the say of the agency that maintains it."""
        for reference in _governed(artefact):
            if not self._who.may(reference.agency):
                raise Forbidden(
                    f"{artefact.kind} {artefact.reference.short} says what may be reported for "
                    f"{reference.urn}; this token is not one of agency {reference.agency}"
                )

    def _together(self, exchange: Exchange, history: History) -> None:
        """Takes out what cannot hold, until the rest does."""

        for _ in range(_ROUNDS):
            refused = self._refused(history, exchange) if self.changes else {}
            if not refused:
                return
            refused = self._with_needed(refused)
            for at, fault in refused.items():
                self._faults[at] = fault
                self._made.pop(at, None)
                self._deleted.pop(at, None)
        for at in (*self._made, *self._deleted):
            self._faults[at] = Conflict("What was refused leaves too many in doubt; send less at a time")
        self._made, self._deleted = {}, {}

    def _refused(self, history: History, exchange: Exchange) -> dict[int, ExchangeError]:
        after = self._before.changed(
            ((form.artefact, Origin("the message", "")) for form in self._made.values()),
            tuple(self._deleted.values()),
        )
        by_urn = {form.artefact.urn: at for at, form in self._made.items()}
        by_urn |= {urn: at for at, urn in self._deleted.items()}
        for why in (_circular, self._unsound, _unmade):  # each relies on what the one before it found sound
            refused: dict[int, ExchangeError] = {
                at: Conflict(said) for at, form in self._made.items() if (said := why(after, form.artefact))
            }
            if refused:
                return self._with_dependents(refused)
        broken: dict[int, list[Breakage]] = {}
        stored = history.revisions.values(), held(exchange), not_accepted(exchange)
        for breakage in impact(self._before, after, *stored):
            blamed = [by_urn[urn] for urn in breakage.causes if urn in by_urn] or list(by_urn.values())
            for at in blamed:
                broken.setdefault(at, []).append(breakage)
        known = _Known(self._who, history)
        return {at: Conflict(_told(self._wishes[at], found, known)) for at, found in broken.items()}

    def _unsound(self, after: Registry, artefact: Maintainable) -> str:
        """Why an artefact cannot stand beside the others: what it refers to, what it says of itself."""
        if isinstance(artefact, ItemScheme) and (why := _misplaced(artefact)):
            return why
        if isinstance(artefact, ProvisionAgreement) and (other := after.rival(artefact)):
            return f"{other.reference.short} is the agreement of that provider for that dataflow already"
        missing = list(after.unresolved(artefact))
        if not missing:
            return ""
        # drafts of others are not there for whoever asks
        seen = after if self._who.agencies is None else after.seen_by(self._who.agencies)
        drafts = [reference for reference in missing if seen.find(reference)]
        named = some([reference.urn for reference in missing], 3)
        said = "drafts that not all see who see it" if drafts else "not there"
        return f"{artefact.kind} {artefact.reference.short} refers to {named}: {said}"

    def _with_needed(self, refused: dict[int, ExchangeError]) -> dict[int, ExchangeError]:
        """Those too that what stays as it is refers to, and that were to be deleted: told at once."""
        deleted = {urn: at for at, urn in self._deleted.items()}
        found = dict(refused)
        waiting = list(refused) if deleted else []
        while waiting:
            stays = self._before.find(self._wishes[waiting.pop()].reference)
            for reference in references(stays) if stays is not None else ():
                named = self._before.find(holder(reference))
                at = deleted.get(named.urn) if named is not None else None
                if stays is not None and at is not None and at not in found:
                    found[at] = Conflict(f"It is needed by {stays.urn}, which stays")
                    waiting.append(at)
        return found

    def _with_dependents(self, refused: dict[int, ExchangeError]) -> dict[int, ExchangeError]:
        """Those too that refer to a new artefact which is refused: told at once, not round by round."""
        needing: dict[Reference, list[int]] = {}
        for at, form in self._made.items():
            for reference in form.artefact.references():
                needing.setdefault(holder(reference), []).append(at)
        waiting = list(refused)
        while waiting:
            missing = self._wishes[waiting.pop()].reference
            if self._before.find(missing) is not None:
                continue
            for at in needing.get(holder(missing), ()):
                if at not in refused:
                    refused[at] = Conflict(f"It refers to {missing.urn}, which is not there and was refused")
                    waiting.append(at)
        return refused


def _refuse_excess(given: Maintainable) -> None:
    if max(map(len, (given.agency, given.id, given.version))) > _LONGEST_NAME:
        raise SemanticFault(f"An agency, id or version of more than {_LONGEST_NAME} letters is not taken")
    if isinstance(given, DataStructure):
        components = (*given.dimensions, *given.measures, *given.attributes)
        if len(components) > _MOST_COMPONENTS:
            raise SemanticFault(f"A data structure of more than {_MOST_COMPONENTS} components is not taken")


def _deletable(stored: Maintainable | None, wish: Wish) -> Maintainable:
    if stored is None:
        raise NotFound(f"There is no {wish.reference.kind} {wish.reference.short}")
    if is_stable(stored.version):
        raise Conflict(
            f"{stored.kind} {stored.reference.short} is stable and cannot be deleted"
            + (f", nor can {wish.item} in it" if wish.item else "; give its users a new version and a notice")
        )
    return stored


def _without(registry: Registry, stored: Maintainable, item: str) -> Maintainable:
    if not isinstance(stored, ItemScheme):
        raise SemanticFault(f"A {stored.kind} has no items")
    if isinstance(stored, Codelist) and stored.item(item) is None and registry.codelist(stored).item(item):
        raise Conflict(f"{stored.reference.short} has {item} from a list that it extends; delete it there")
    return without_item(stored, item)


def _given(wish: Wish, stored: Maintainable | None) -> Maintainable:
    """What the artefact would be: as it is sent, or the stored one with what is sent."""
    given = wish.artefact
    if given is None:
        raise SemanticFault(f"Nothing tells what {wish.reference.short} should be")
    if given.is_external:
        raise SemanticFault(f"{given.reference.short} is a stub (isExternalReference); send it whole")
    if stored is None:
        if wish.known or is_amendment(given):
            raise NotFound(f"There is no {given.kind} {given.reference.short} to update")
        return replace(given, is_partial=False, is_partial_language=False)
    if wish.action == "Append":
        raise Conflict(f"{given.kind} {given.reference.short} is there already; Append only adds")
    return amended(stored, given)


def _circular(after: Registry, artefact: Maintainable) -> str:
    """How a list extends itself, or that it grows beyond measure: it could not be looked into."""
    if not isinstance(artefact, Codelist):
        return ""
    return after.circle(artefact) or after.too_much(artefact)


def _unmade(after: Registry, artefact: Maintainable) -> str:
    fault = after.unmade(artefact) if isinstance(artefact, Dataflow) else ""
    return f"Dataflow {artefact.reference.short} makes no schema: {fault}" if fault else ""


def _misplaced(scheme: ItemScheme) -> str:
    """Items whose parent is not there, or stands below them."""
    above = {item.id: item.parent for item in scheme.items if item.parent}
    inherits = isinstance(scheme, Codelist) and bool(scheme.extensions)
    sound: set[str] = set()
    for id in above:
        path: dict[str, None] = {}
        while id in above and id not in sound:
            if id in path:
                return f"{scheme.reference.short}: {id} stands below itself"
            path[id] = None
            id = above[id]
        if id not in scheme.by_id and not inherits:
            return f"{scheme.reference.short}: {next(reversed(path))} has the parent {id}, which is not there"
        sound.update(path)
    return ""


class _Known:
    """What a maintainer may be told of what breaks: no draft of others, no data that are not public."""

    def __init__(self, who: Maintainer, history: History) -> None:
        self._who = who
        at = history.now()
        shown = (r.revisions.items() for r in history.releases if r.in_force(at))
        found = (history.revisions.get((*slot, number)) for made in shown for slot, number in made)
        self._public = {(s.provider, s.dataflow, s.revision) for s in found if s is not None}

    def told(self, breakage: Breakage) -> str:
        of = parse_short(breakage.subject, "")
        if self._who.agencies is None:  # whoever has the machine knows it all
            return breakage.message
        if is_draft(of.version) and not self._who.may(of.agency):
            return "drafts of others need it as it is"
        if breakage.what != "submission":
            return breakage.message
        if (breakage.provider, breakage.subject, breakage.revision) not in self._public:
            return f"data for {breakage.subject} that are not public need it as it is"
        return breakage.message


def _told(wish: Wish, found: Sequence[Breakage], known: _Known, most: int = 5) -> str:
    """What an artefact would break, the first few of it."""
    done = "deleted" if wish.action == "Delete" else "changed"
    each = list(dict.fromkeys(known.told(breakage) for breakage in found))
    more = [f"and {len(each) - most} more"] if len(each) > most else []
    named = f"{wish.reference.kind} {wish.reference.short}"
    return f"{named} cannot be {done}: " + "; ".join([*each[:most], *more])


def _governed(artefact: Maintainable) -> tuple[Reference, ...]:
    """What an artefact decides on: who reports, and what."""
    if isinstance(artefact, ProvisionAgreement):
        return (artefact.dataflow,) if artefact.dataflow else ()
    if isinstance(artefact, DataConstraint) and artefact.role == "Allowed":
        return artefact.attachment
    return ()
