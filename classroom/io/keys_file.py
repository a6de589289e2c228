"""The service's keys: files of the data folder that only its owner can read, drawn at the first start.

`tickets` and `sessions` hold one secret a line; a new last line signs from then on, and the older ones are accepted
until they are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from classroom.errors import SettingsError

KEY = 32


class Keys(msgspec.Struct, frozen=True):
    """Binary keys are 32 bytes."""

    tickets: tuple[str, ...]
    sessions: tuple[str, ...]
    phones: bytes
    phone_hashes: bytes
    proofs: bytes

    def __repr__(self) -> str:
        return "Keys(…)"

    def fingerprint(self) -> str:
        """The same for the same keys, and nothing can be learned of them from it."""
        parts = (*self.tickets, "", *self.sessions, "", self.phones.hex(), self.phone_hashes.hex(), self.proofs.hex())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def open_keys(folder: Path) -> Keys:
    """The keys in `folder`; what is missing is drawn and kept. Raises `SettingsError` for a file that is no key."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Keys(
            tickets=_lines(folder / "tickets"),
            sessions=_lines(folder / "sessions"),
            phones=_binary(folder / "phones.key"),
            phone_hashes=_binary(folder / "phone-hashes.key"),
            proofs=_binary(folder / "proofs.key"),
        )
    except OSError as error:
        raise SettingsError(f"the keys cannot be kept in {folder}: {error.strerror}") from error


def node_name(folder: Path) -> str:
    """The name of this node in the ledger, drawn at the first start and kept in `folder/node`."""
    name = _kept(folder / "node", lambda: f"n-{secrets.token_hex(6)}").strip()
    if not 0 < len(name) <= 64:
        raise SettingsError(f"{folder / 'node'}: a node's name has 1 to 64 characters")
    return name


def _lines(path: Path) -> tuple[str, ...]:
    lines = tuple(line.strip() for line in _kept(path, lambda: secrets.token_urlsafe(KEY)).splitlines() if line.strip())
    if not lines or any(len(line) < KEY for line in lines):
        raise SettingsError(f"{path}: each line is a secret of at least {KEY} characters")
    return lines


def _binary(path: Path) -> bytes:
    try:
        key = bytes.fromhex(_kept(path, lambda: secrets.token_hex(KEY)))
    except ValueError as error:
        raise SettingsError(f"{path}: a key is written in hexadecimal digits") from error
    if len(key) != KEY:
        raise SettingsError(f"{path}: a key has {KEY} bytes")
    return key


def _kept(path: Path, draw: Callable[[], str]) -> str:
    """The file's text; whole or not there at all, whichever process makes it first."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(draw() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync(path.parent)
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not a key") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
