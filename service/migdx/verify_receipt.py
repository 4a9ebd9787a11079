#!/usr/bin/env python3
"""Verify a receipt of an SDMX exchange, without that exchange: Python 3.11 and the library cryptography.

    pip install cryptography
    python3 verify_receipt.py receipt.json keys.json --file sent.csv --ledger ledger.jsonl

keys.json is what GET /keys gives, kept from a day on which it could be trusted; with --trust FINGERPRINT, a
fingerprint that was noted, only that key is trusted and those that it and its successors signed. --file is
what was submitted. --ledger is what `migdx ledger show` prints, all of it or some entries in a row, and
--head the SEQ:DIGEST of one of them that was noted: without it, trust the file.
Exit status: 0 valid, 1 not valid, 2 it cannot be told.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECEIPT, SUCCESSION = "migdx-receipt-1", "migdx-succession-1"
START = "0" * 64
LARGEST = 1 << 20
"""Bytes of a receipt, and of a file of keys."""

SAME = {
    "submission": "id", "verdict": "verdict", "counts": "counts", "provider": "provider",
    "agreement": "agreement", "dataflow": "dataflow", "revision": "revision", "by": "by", "sha256": "sha256",
    "content": "content", "format": "format", "action": "action", "embargo": "embargo", "report": "report",
}  # fmt: skip
"""What the entry of the ledger says too, and under which name."""


class NotValid(Exception):
    """Why the receipt proves nothing."""


def canonical(value: object) -> bytes:
    """JSON in UTF-8, names sorted, without blanks: what is signed and digested."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def main(words: list[str] | None = None) -> int:
    """Says what is proven line by line, or why the receipt is not valid."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("receipt", type=Path, help="the receipt, as the service gave it")
    asked.add_argument("keys", type=Path, help="the public keys, as GET /keys gives them")
    asked.add_argument("--trust", metavar="FINGERPRINT", default="", help="trust this key and its successors")
    asked.add_argument("--file", type=Path, help="the file that was submitted")
    asked.add_argument("--ledger", type=Path, help="entries of the ledger, one on each line")
    asked.add_argument("--head", metavar="SEQ:DIGEST", default="", help="an entry that --ledger must hold")
    given = asked.parse_args(words)
    if given.head and not given.ledger:
        asked.error("--head needs --ledger")
    try:
        for line in verified(given.receipt, given.keys, given.trust, given.file, given.ledger, given.head):
            print(line)
    except NotValid as fault:
        print(f"NOT VALID: {fault}", file=sys.stderr)
        return 1
    except OSError as fault:
        print(f"{fault.filename}: {fault.strerror}", file=sys.stderr)
        return 2
    print("The receipt is valid.")
    return 0


def verified(
    path: Path, keys: Path, trust: str, file: Path | None, ledger: Path | None, head: str
) -> Iterator[str]:
    """What is proven, step by step; NotValid at the first that fails."""
    whole = _object(path, ("receipt", "signature", "key"))
    receipt, name = whole["receipt"], str(whole["key"])
    if not isinstance(receipt, dict) or receipt.get("type") != RECEIPT:
        raise NotValid(f"{path} is no receipt of type {RECEIPT}")
    known = _keys(keys, trust)
    if name not in known:
        raise NotValid(f"key {name!r} signed it, which is not among those that are trusted")
    key = known[name]
    _signed(key["public"], whole["signature"], canonical(receipt), f"the signature is not that of key {name}")
    yield f"Key {name} signed it."
    if file is not None:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != receipt.get("sha256"):
            raise NotValid(f"it is for a file with sha256 {receipt.get('sha256')}; {file} has {digest}")
        yield f"It is for the file {file}."
    if ledger is not None:
        yield from _in_ledger(receipt, key, ledger, head)
    _not_revoked(key, receipt, ledger)
    yield (
        f"Submission {receipt.get('submission')} of {receipt.get('provider')} was {receipt.get('verdict')}, "
        f"received {receipt.get('received')}."
    )


# --- keys ---------------------------------------------------------------------------------------------------


def _keys(path: Path, trust: str) -> dict[str, dict[str, Any]]:
    """The keys that are trusted, by fingerprint."""
    listed = _object(path, ("keys",))["keys"]
    if not isinstance(listed, list) or not all(isinstance(key, dict) for key in listed):
        raise NotValid(f"{path} is no list of keys")
    trusted: dict[str, dict[str, Any]] = {}
    for key in listed:
        name, before, said = (str(key.get(part, "")) for part in ("fingerprint", "replaces", "succession"))
        if hashlib.sha256(_bytes(key.get("public"), "a public key")).hexdigest() != name:
            raise NotValid(f"key {name!r} of {path} has not that fingerprint")
        follows = before in trusted and bool(said)
        if follows:
            statement = {"type": SUCCESSION, "public": key["public"], "key": name, "replaces": before}
            public = trusted[before]["public"]
            _signed(public, said, canonical(statement), f"key {before} has not signed that {name} follows it")
        if not trust or name == trust or follows:
            trusted[name] = key
    return trusted


def _signed(public: str, signature: object, content: bytes, otherwise: str) -> None:
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(public, "a public key"))
        key.verify(_bytes(signature, "a signature"), content)
    except (InvalidSignature, ValueError):
        raise NotValid(otherwise) from None


def _bytes(text: object, what: str) -> bytes:
    try:
        return b64decode(str(text), validate=True)
    except ValueError:
        raise NotValid(f"{what} is not base64") from None


def _not_revoked(key: dict[str, Any], receipt: dict[str, Any], ledger: Path | None) -> None:
    """A key in wrong hands signs any instant: of what is from before, only what the ledger holds is good."""
    revoked = key.get("revoked")
    if not revoked:
        return
    again = "ask for the receipt again: it is signed with the key of today then"
    if _instant(receipt.get("received")) >= _instant(revoked):
        raise NotValid(f"its key was revoked from {revoked}; {again}")
    if ledger is None:
        raise NotValid(f"its key was revoked from {revoked}: --ledger must show its entry, or {again}")


# --- the ledger ---------------------------------------------------------------------------------------------


def _in_ledger(receipt: dict[str, Any], key: dict[str, Any], path: Path, head: str) -> Iterator[str]:
    """That the entries follow from one another, and that the receipt's says the same as the receipt."""
    heads = {head}
    place = receipt.get("ledger")
    if not isinstance(place, dict):
        raise NotValid("it does not say where it stands in the ledger")
    found, first, last = False, 0, 0
    for seq, entry in _entries(path):
        first, last = first or seq, seq
        if seq == place.get("seq"):
            _same(receipt, place, entry)
            found = True
        heads.discard(f"{seq}:{entry['digest']}")
        if entry["kind"].startswith("signing_key"):
            body = _body(entry)
            if body.get("fingerprint") == key["fingerprint"]:
                dates = [date for date in (key.get("revoked"), body.get("from")) if date]
                key["revoked"] = min(dates, key=_instant, default=None)
                yield f"Entry {seq} of the ledger {'revokes' if 'from' in body else 'names'} its key."
    if head and heads:
        raise NotValid(f"{head} is no entry of {path}")
    yield f"Entries {first} to {last} of the ledger follow from one another."
    if not found:
        raise NotValid(f"entry {place.get('seq')} is not among them")
    yield f"Entry {place['seq']} says what the receipt says."


def _same(receipt: dict[str, Any], place: dict[str, Any], entry: dict[str, Any]) -> None:
    if entry["digest"] != place.get("entry") or entry["kind"] != "submission":
        raise NotValid(f"entry {place.get('seq')} of the ledger is another one: {entry['digest']}")
    body = _body(entry)
    differs = [name for name, there in SAME.items() if receipt.get(name) != body.get(there)]
    if entry["stamp"] != receipt.get("received"):
        differs.append("received")
    if differs:
        raise NotValid(f"entry {place['seq']} of the ledger says otherwise: {', '.join(differs)}")


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Entries by number, each shown to follow from the one before."""
    before, number = "", 0
    with path.open("rb") as lines:
        for at, line in enumerate(lines, start=1):
            where = f"line {at} of {path}"
            entry = _json(line, where)
            parts = [entry.get(part) for part in ("seq", "stamp", "kind", "body", "previous")]
            if not isinstance(parts[0], int) or not all(isinstance(part, str) for part in parts[1:]):
                raise NotValid(f"{where} is no entry of a ledger")
            seq, previous = parts[0], parts[4]
            digested = hashlib.sha256(_plain(parts, where)).hexdigest()
            if digested != entry.get("digest"):
                raise NotValid(f"entry {seq} ({where}) is not what was digested")
            if (number and seq != number + 1) or (before or (START if seq == 1 else previous)) != previous:
                raise NotValid(f"entry {seq} ({where}) does not follow from the one before")
            before, number = digested, seq
            yield seq, entry


def _body(entry: dict[str, Any]) -> dict[str, Any]:
    return _json(entry["body"].encode(), f"the body of entry {entry['seq']}")


# --- JSON ---------------------------------------------------------------------------------------------------


def _object(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise NotValid(f"{path} has more than {LARGEST} bytes")
    found = _json(content, str(path))
    _plain(found, str(path))
    if set(found) != set(names):
        raise NotValid(f"{path}: expected {', '.join(names)}, and nothing else")
    return found


def _json(content: bytes, where: str) -> dict[str, Any]:
    """An object of which every reader reads the same: no name twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    try:
        found = json.loads(content.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotValid(f"{where} is no JSON object, or has a name twice")
    return found


def _plain(value: object, where: str) -> bytes:
    """The canonical bytes; text that is no Unicode has none."""
    try:
        return canonical(value)
    except (ValueError, RecursionError):
        raise NotValid(f"{where} holds text that is none") from None


def _instant(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise NotValid(f"{text!r} is no instant")
    return found


if __name__ == "__main__":
    sys.exit(main())
