"""One process at a time opens the stores of a data folder: the service, or a command where none runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from classroom.errors import SettingsError

LOCK = "lock"


class DataFolderInUse(SettingsError):
    """Another process has this data folder open."""


@contextlib.contextmanager
def data_lock(folder: Path) -> Iterator[None]:
    """Holds the folder, which is made where it is missing; the kernel lets go when the process ends. What the process
    makes meanwhile is its owner's alone, whatever the folder's own permissions are.

    Raises `DataFolderInUse`, and `SettingsError` for a folder that cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"the data folder {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataFolderInUse(f"the data folder {folder} is open in another process") from error
        mask = os.umask(0o077)
        try:
            yield
        finally:
            os.umask(mask)
    finally:
        os.close(descriptor)
