"""The signing key and the signed heads, in files outside the database.

The heads are lines of JSON in one append-only file. Whoever guards the ledger against the database's own
administrator copies that file (or the exports, which carry a head too) to a place that this administrator cannot
write to.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import threading
from collections import defaultdict
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from attendance.chain import Head, sign, signed_by
from attendance.ports import Clock, Ledger

_log = logging.getLogger(__name__)


class _Line(msgspec.Struct, frozen=True):
    lecture: str
    row: int
    hash: str
    at: int
    signature: str


_decoder = msgspec.json.Decoder(_Line)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The service's key; drawn at random the first time, readable by its owner only.

    Raises `ValueError` where the file holds something else, and `OSError`.
    """
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with open(draft, "wb", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, 0o600)) as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # appears whole, and never replaces the key of a process that was faster
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds another kind of key than Ed25519")
    return key


class HeadsFile:
    """Append-only; several processes may write at once. Its functions block.

    What was read is remembered, and only what was added since is read again: a seal each minute does not read a year.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: defaultdict[str, list[Head]] = defaultdict(list)
        self._read: tuple[tuple[int, int], int] = ((0, 0), 0)
        """Which file (device and inode), and up to where."""

    def append(self, head: Head) -> None:
        """Durable when it returns. Raises `OSError`."""
        line = _Line(head.lecture, head.row, head.hash.hex(), head.at, head.signature.hex())
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a line that was torn by a crash stays alone
                    file.write(b"\n")
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, lecture: str) -> list[Head]:
        """The lecture's heads in the order of their signing; what is no head is passed over. Raises `OSError`."""
        with self._lock:
            self._catch_up()
            return list(self._known.get(lecture, ()))

    def _catch_up(self) -> None:
        """A file that is another one by now, or shorter than it was, is read from its beginning."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            self._known.clear()
            self._read = ((0, 0), 0)
            return
        with file:
            found = os.fstat(file.fileno())
            identity, (known, offset) = (found.st_dev, found.st_ino), self._read
            if identity != known or found.st_size < offset:
                self._known.clear()
                offset = 0
            file.seek(offset)
            for raw in file:
                if not raw.endswith(b"\n"):  # still being written, or torn: the next line says which
                    break
                offset += len(raw)
                head = _head(raw)
                if head is not None:
                    self._known[head.lecture].append(head)
                elif raw.strip():
                    _log.warning("%s has a line that is not a head", self.path)
            self._read = (identity, offset)


def _head(raw: bytes) -> Head | None:
    try:
        line = _decoder.decode(raw)
        return Head(line.lecture, line.row, bytes.fromhex(line.hash), line.at, bytes.fromhex(line.signature))
    except ValueError:  # msgspec's errors are ValueErrors too
        return None


class FileNotary:
    """Implements `attendance.ports.Notary` with one key and one file of heads."""

    def __init__(self, ledger: Ledger, heads: HeadsFile, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._ledger = ledger
        self._heads = heads
        self._key = key
        self._clock = clock

    @property
    def public(self) -> Ed25519PublicKey:
        return self._key.public_key()

    async def known(self, lecture: str) -> list[Head]:
        """Raises `OSError`."""
        return await asyncio.to_thread(self._heads.read, lecture)

    async def seal(self, lecture: str) -> Head | None:
        """Raises `StoreUnavailable` and `OSError`."""
        row, digest = await self._ledger.last(lecture)
        if row == 0:
            return None
        for head in reversed(await self.known(lecture)):
            if (head.row, head.hash) == (row, digest) and signed_by(self.public, head):
                return head
        head = sign(self._key, lecture, row, digest, self._clock.now())
        await asyncio.to_thread(self._heads.append, head)
        return head
