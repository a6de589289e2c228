"""Compiled functions in this process: found on the disk or compiled by a process of its own, then mapped.

    python -m signaling.io.code_mmap        # compile what is not kept yet

Theory of operation. The code is a few kilobytes that refer to nothing and lie anywhere (code_llvmlite.py), so it is
kept as a file: a process that finds it maps it in a millisecond and never imports numba or LLVM. The file stands beside
Python's own of this package, or, where that folder is read-only, in the user's cache. It names the digest of every
source that it was made from. A file that is damaged or of other sources, or that somebody else could have written, is
passed over: it is code that we run, and is guarded like the program. Where none is found a process of its own compiles
(two seconds, 200 MB while it lasts), and the code is kept for next time where that is possible.

Mapped is a sealed copy in memory: no later write to the file can reach what runs, no page is writable and executable.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import logging
import mmap
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from signaling.io.libsrtp_address import Unavailable

PACKAGE = Path(__file__).parents[1]
LOOP = "signaling.io.loop_numba"
INTAKE = "signaling.io.intake_numba"
MODULES = (LOOP, INTAKE)  # all there are
COMPILER = "signaling.io.code_llvmlite"
ENVIRONMENT = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}  # code that every processor of this kind runs
PATIENCE = 120  # seconds for the compiler; it takes two where it has a core
LONGEST = 1 << 17  # bytes of a file; it has 5 KB

_log = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file of code was made from: the kind of machine, the digests of our sources by their paths in the
    package; and the digest of the code. numba's version is not in it: whoever made it, the code does what they say."""

    machine: str
    sources: dict[str, str]
    code: str


@dataclass(frozen=True, slots=True)
class Code:
    """`run` takes an address and lets go of the interpreter's lock. `origin` is "kept" or "compiled"; `seconds` is what
    getting it took."""

    run: Callable[[int], int]
    origin: str
    seconds: float


def code_of(module: str) -> Code:
    """From the disk, else compiled now and kept. Raises `Unavailable`."""
    began = time.perf_counter()
    name = f"{module.rpartition('.')[2]}.{platform.machine()}.code"
    for folder in folders():
        code = _read(folder / name)
        if code is not None:
            return Code(_mapped(code), "kept", time.perf_counter() - began)
    file = _compile(module)
    code = _code_in(file)
    if code is None:
        raise Unavailable(f"the compiler of {module} gave something else")
    run = _mapped(code)
    if not any(_keep(folder, name, file) for folder in folders()):
        _log.warning("compiled code cannot be kept in %s: every start compiles", " or ".join(map(str, folders())))
    return Code(run, "compiled", time.perf_counter() - began)


def folders() -> list[Path]:
    """Where code may stand: beside Python's own of this package; the unit's cache (systemd); the user's."""
    found = [Path(importlib.util.cache_from_source(__file__)).parent]
    found += [Path(one) for one in os.environ.get("CACHE_DIRECTORY", "").split(":") if one]
    with contextlib.suppress(RuntimeError):  # a user without a home
        found.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "classroom")
    return [one for one in found if one.is_absolute()]


def digest_of(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if state.st_uid not in (0, os.geteuid(), os.stat(__file__).st_uid) or state.st_mode & 0o022:
            _log.warning("%s is not used: others could have written it", path)
            return None
        kept = file.read(LONGEST)
    return _code_in(kept)


def _code_in(file: bytes) -> bytes | None:
    """The code of a whole file of the present sources, else None."""
    head, _, code = file.partition(b"\n")
    try:
        kept = msgspec.json.decode(head, type=Kept)
        current = all(digest_of(PACKAGE / source) == digest for source, digest in kept.sources.items())
    except (msgspec.MsgspecError, OSError, ValueError):
        return None
    whole = hashlib.sha256(code).hexdigest() == kept.code
    return code if code and whole and current and kept.sources and kept.machine == platform.machine() else None


def _keep(folder: Path, name: str, content: bytes) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{name}-", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.replace(file.name, folder / name)
            except OSError:
                os.unlink(file.name)
                raise
    except OSError:
        return False
    return True


def _compile(module: str) -> bytes:
    """By a process of its own, whose memory goes with it."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", COMPILER, module],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"the compiler of {module}: {error}") from error
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(f"numba cannot compile {module}: {told[-1] if told else f'status {done.returncode}'}")
    return done.stdout


def _mapped(code: bytes) -> Callable[[int], int]:
    """The code as a function, mapped for as long as the process lives. Raises `Unavailable`."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
    try:
        descriptor = os.memfd_create("packet-path", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError) as error:
        raise Unavailable(f"memfd_create: {error}") from error
    try:
        os.write(descriptor, code)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        address = libc.mmap(None, len(code), mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, descriptor, 0)
    finally:
        os.close(descriptor)
    if address in (None, ctypes.c_void_p(-1).value):
        raise Unavailable(f"this system lets no memory be executed: {os.strerror(ctypes.get_errno())}")
    run: Callable[[int], int] = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)
    return run


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    try:
        for one in MODULES:
            code_of(one)
    except Unavailable as error:
        raise SystemExit(f"the compiled packet path cannot be had here: {error}") from None
