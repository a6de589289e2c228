"""Facts that wait on disk while the database is away.

Each process has a spool file of its own, `facts-<boot>.spool`, and holds a lock on it while it lives. A file that
nobody holds belonged to a process that died; whoever starts next adopts it. A file is a sequence of frames: length and
CRC-32 of what follows (4 bytes each, big-endian), then one fact as JSON. A frame that was torn by a crash ends the
file: its fact was never acknowledged.

Every function here blocks (fsync); call them outside the event loop.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from attendance.chain import MAX_BODY
from attendance.facts import Fact

MAX_FRAME = MAX_BODY + 4_096
"""Bytes: a body and the ids around it."""

_HEADER = struct.Struct(">II")
_decoder = msgspec.json.Decoder(Fact)
_log = logging.getLogger(__name__)


class Spool:
    """The file of a living process. It is created when it is first needed, and removed when it is closed empty."""

    def __init__(self, folder: Path, boot: str) -> None:
        self.path = folder / f"facts-{boot}.spool"
        self._file: int | None = None
        self._size = 0
        self._lock = threading.Lock()  # a cancelled caller's thread may still be writing

    def write(self, facts: Sequence[Fact]) -> None:
        """Durable when it returns. Raises `OSError`, and then holds what it held before."""
        frames = b"".join(_frame(fact) for fact in facts)
        with self._lock:
            if self._file is None:
                self._file = _open(self.path)
            try:
                _write_all(self._file, frames)
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, self._size)  # what was torn would hide what follows
                raise
            self._size += len(frames)

    def clear(self) -> None:
        """Everything in it is stored. Raises `OSError`."""
        with self._lock:
            if self._file is not None and self._size:
                os.ftruncate(self._file, 0)
                os.fsync(self._file)
                self._size = 0

    def close(self) -> None:
        with self._lock:
            if self._file is None:
                return
            if self._size == 0:
                self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


class Orphan:
    """The file of a process that died; ours while it is open."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self._file = file
        self._damaged = False

    def facts(self) -> Iterator[Fact]:
        """In the order in which they were recorded."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            while len(header := file.read(_HEADER.size)) == _HEADER.size:
                length, check = _HEADER.unpack(header)
                body = file.read(min(length, MAX_FRAME))
                if len(body) < length and length <= MAX_FRAME:
                    return  # torn
                if length > MAX_FRAME or zlib.crc32(body) != check:
                    self._damaged = True
                    return
                try:
                    yield _decoder.decode(body)
                except msgspec.DecodeError:
                    self._damaged = True

    def release(self, done: bool) -> None:
        """`done`: all its facts are stored, and the file is removed; one that could not be read whole is kept aside."""
        if done and self._damaged:
            _log.error("spool %s is damaged; what could be read is stored, the file is kept", self.path)
            self.path.rename(self.path.with_suffix(".damaged"))
        elif done:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def adopt(folder: Path) -> list[Orphan]:
    """The spools in a folder that no living process holds, the oldest first."""
    found: list[Orphan] = []
    for path in sorted(folder.glob("facts-*.spool"), key=_modified):
        try:
            file = _lock(path, os.O_RDWR)
        except (BlockingIOError, FileNotFoundError):
            continue
        found.append(Orphan(path, file))
    return found


def set_aside(folder: Path, fact: Fact) -> None:
    """Keeps a fact that the database will never take, so that a person can look at it."""
    with (folder / "refused.spool").open("ab") as file:
        file.write(_frame(fact))
        file.flush()
        os.fsync(file.fileno())


def _open(path: Path) -> int:
    file = _lock(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the name of a new file may not survive a power cut
    finally:
        os.close(folder)
    return file


def _lock(path: Path, flags: int) -> int:
    """Opens and locks; raises `BlockingIOError` where another process holds the file."""
    while True:
        file = os.open(path, flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_nlink > 0:
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it was removed between the two calls; there may be a new one of that name


def _frame(fact: Fact) -> bytes:
    body = msgspec.json.encode(fact)
    return _HEADER.pack(len(body), zlib.crc32(body)) + body


def _write_all(file: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
