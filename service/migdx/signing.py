"""Signing: the private keys that receipts are signed with (Ed25519): made, replaced, revoked, used.

Each is a file of the folder of keys, named by its fingerprint and read by its owner only. Which one signs is
what the ledger says, so that all processes and machines that share the folder agree; a file that the ledger
does not name signs nothing. No private key is ever in the ledger, a log or an error.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .durable import draft, make_folder
from .errors import Conflict, ExchangeError, NotFound, SemanticFault, Unavailable
from .exchange import Exchange
from .signing_key import SigningKey

_SUFFIX = ".pem"
_OTHERS = 0o007
"""Who may not read a private key: everyone but its owner and its group."""


def ready(exchange: Exchange, *, by: str) -> SigningKey:
    """The key that signs now, made when there was never one; of two that make it at once one does."""
    keys = exchange.ledger.history().keys
    return keys[-1] if keys else _appended(exchange, "", None, by)


def rotate(exchange: Exchange, *, by: str, lost: bool = False) -> SigningKey:
    """A new key that signs from now on. The one before signs that it follows; not when that is `lost`."""
    keys = exchange.ledger.history().keys
    if not keys:
        return ready(exchange, by=by)
    last = keys[-1].fingerprint
    return _appended(exchange, last, None if lost else _private(_folder(exchange), last), by)


def revoke(exchange: Exchange, fingerprint: str, since: datetime, *, by: str) -> SigningKey:
    """From an instant on a key is not to be trusted; Conflict for the one that signs now."""
    if since.tzinfo is None:
        raise SemanticFault(f"'{since.isoformat()}' has no time zone; expected 2026-12-01T09:00:00+01:00")
    try:
        instant = since.astimezone(UTC)
    except OverflowError:
        raise SemanticFault(f"'{since.isoformat()}' is no instant in UTC") from None
    with exchange.ledger.writing() as book:
        keys = {key.fingerprint: key for key in book.history.keys}
        if fingerprint not in keys:
            raise NotFound(f"There is no signing key {fingerprint[:64]}; `migdx keys list` lists them")
        if fingerprint == book.history.keys[-1].fingerprint:
            raise Conflict(f"Key {fingerprint} signs now; replace it first: `migdx keys rotate`")
        body = {"fingerprint": fingerprint, "from": instant.isoformat(), "by": by}
        book.append("signing_key_revoked", body)
        return next(key for key in book.history.keys if key.fingerprint == fingerprint)


def signature(exchange: Exchange, content: bytes) -> tuple[str, str]:
    """The fingerprint of the key that signs now, and its signature of `content`, base64."""
    keys = exchange.ledger.history().keys
    if not keys:
        raise Unavailable("There is no signing key yet: `migdx serve` and `migdx keys rotate` make the first")
    fingerprint = keys[-1].fingerprint
    return fingerprint, b64encode(_private(_folder(exchange), fingerprint).sign(content)).decode()


def _folder(exchange: Exchange) -> Path:
    if exchange.keys is None:
        raise Unavailable("This exchange was given no folder for the keys that sign receipts")
    return exchange.keys


def _appended(exchange: Exchange, replaces: str, old: Ed25519PrivateKey | None, by: str) -> SigningKey:
    """A new key, durable before the ledger names it; or that which somebody else made instead meanwhile."""
    folder, private = _folder(exchange), Ed25519PrivateKey.generate()
    made = SigningKey(*_public(private), replaces=replaces, by=by)
    if old is not None:
        made = SigningKey(
            made.public, made.fingerprint, replaces, b64encode(old.sign(made.statement())).decode(), by
        )
    path = _kept(folder, private, made.fingerprint)
    with exchange.ledger.writing() as book:
        keys = book.history.keys
        if (keys[-1].fingerprint if keys else "") == replaces:
            book.append("signing_key", made.as_dict())
            return book.history.keys[-1]
    path.unlink()
    return keys[-1]


def _kept(folder: Path, private: Ed25519PrivateKey, fingerprint: str) -> Path:
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    content = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    with draft(folder) as new:
        os.fchmod(new.file.fileno(), 0o600)  # while nothing is in it
        new.file.write(content)
        new.name = fingerprint + _SUFFIX
    return folder / new.name


def _private(folder: Path, fingerprint: str) -> Ed25519PrivateKey:
    """ExchangeError, which shows nothing of what is in the file, where that is not the key."""
    path = folder / (fingerprint + _SUFFIX)
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise Unavailable(
            f"The signing key {fingerprint} is not here: MIGDX_SIGNING_KEYS names the folder that holds it; "
            "`migdx keys rotate --lost` replaces one that is lost"
        ) from None
    except OSError as fault:
        raise Unavailable(f"The signing key {fingerprint} cannot be read: {fault.strerror}") from None
    if mode & _OTHERS:
        raise ExchangeError(f"The signing key {fingerprint} may be read or changed by everyone: chmod 600")
    try:
        private = forms.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey) or _public(private)[1] != fingerprint:
        raise ExchangeError(f"The file of the signing key {fingerprint} does not hold that key")
    return private


def _public(private: Ed25519PrivateKey) -> tuple[str, str]:
    """Base64 of the public key, and its fingerprint."""
    raw = private.public_key().public_bytes(forms.Encoding.Raw, forms.PublicFormat.Raw)
    return b64encode(raw).decode(), hashlib.sha256(raw).hexdigest()
