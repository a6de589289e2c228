"""Compiled code on the disk: kept, found again, and passed over where it is not as it should be."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from signaling.io import code_mmap
from signaling.io.code_mmap import LOOP, MODULES, Kept, code_of, digest_of, folders
from signaling.io.libsrtp_address import Unavailable
from signaling.io.loop_layout import BLOCK

RETURN_7 = {
    "x86_64": bytes.fromhex("b807000000c3"),  # mov eax, 7; ret
    "aarch64": bytes.fromhex("e00080d2c0035fd6"),  # mov x0, 7; ret
}
SOURCE = "io/loop_layout.py"
NAME = f"loop_numba.{platform.machine()}.code"


def file(code: bytes = RETURN_7[platform.machine()], machine: str = platform.machine(), source: str = "") -> bytes:
    sources = {SOURCE: source or digest_of(code_mmap.PACKAGE / SOURCE)}
    return msgspec.json.encode(Kept(machine, sources, hashlib.sha256(code).hexdigest())) + b"\n" + code


class Compiler:
    """In the place of numba's process."""

    def __init__(self, *files: bytes) -> None:
        self.files = list(files)
        self.asked = 0

    def __call__(self, module: str) -> bytes:
        self.asked += 1
        if not self.files:
            raise Unavailable("no compiler")
        return self.files.pop(0)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found = [tmp_path / "package", tmp_path / "user" / "classroom"]
    monkeypatch.setattr(code_mmap, "folders", lambda: found)
    return found


def use(monkeypatch: pytest.MonkeyPatch, *files: bytes) -> Compiler:
    compiler = Compiler(*files)
    monkeypatch.setattr(code_mmap, "_compile", compiler)
    return compiler


def test_code_is_compiled_once_and_kept(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = use(monkeypatch, file())
    first, second = code_of(LOOP), code_of(LOOP)
    assert (first.origin, second.origin, compiler.asked) == ("compiled", "kept", 1)
    assert first.run(0) == second.run(0) == 7
    assert [one.name for one in places[0].iterdir()] == [NAME]
    assert (places[0] / NAME).stat().st_mode & 0o777 == 0o644
    assert not places[1].exists()


def test_where_the_package_cannot_be_written_the_users_cache_is(
    places: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    places[0].write_bytes(b"a file in the folder's place")
    use(monkeypatch, file())
    code_of(LOOP)
    assert code_of(LOOP).origin == "kept"
    assert (places[1] / NAME).is_file()


def test_where_nothing_can_be_written_every_start_compiles(
    places: list[Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places[0].write_bytes(b"")
    places[1].parent.write_bytes(b"")
    compiler = use(monkeypatch, file(), file())
    assert [code_of(LOOP).run(0) for _ in range(2)] == [7, 7]
    assert compiler.asked == 2
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"\n",
        b"{}\n",
        b"junk",
        file()[:-1],
        file() + b"\0",
        file(code=b""),
        file(machine="pdp11"),
        file(source="of another day"),
        msgspec.json.encode(Kept(platform.machine(), {}, hashlib.sha256(b"x").hexdigest())) + b"\nx",
        msgspec.json.encode(Kept(platform.machine(), {"gone.py": ""}, hashlib.sha256(b"x").hexdigest())) + b"\nx",
    ],
)
def test_a_damaged_or_old_file_is_made_anew(places: list[Path], monkeypatch: pytest.MonkeyPatch, kept: bytes) -> None:
    places[0].mkdir()
    (places[0] / NAME).write_bytes(kept)
    compiler = use(monkeypatch, file())
    assert code_of(LOOP).run(0) == 7
    assert compiler.asked == 1
    assert code_of(LOOP).origin == "kept"


def test_a_file_that_others_could_have_written_is_not_run(
    places: list[Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places[0].mkdir()
    path = places[0] / NAME
    path.write_bytes(file(b"\xcc"))
    path.chmod(0o666)
    use(monkeypatch, file())
    assert code_of(LOOP).origin == "compiled"
    assert "others could have written" in caplog.text
    path.unlink()
    elsewhere = places[0] / "elsewhere"
    elsewhere.write_bytes(file(b"\xcc"))
    path.symlink_to(elsewhere)
    use(monkeypatch, file())
    assert code_of(LOOP).origin == "compiled"


def test_a_file_of_another_user_is_not_run(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, file(), file())
    code_of(LOOP)
    monkeypatch.setattr(os, "geteuid", lambda: 4_321)
    real = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        return os.stat_result((*real(descriptor)[:4], 1_234, *real(descriptor)[5:]))

    monkeypatch.setattr(os, "fstat", foreign)
    assert code_of(LOOP).origin == "compiled"


def test_a_compiler_that_fails_is_quoted(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, b"something else")
    with pytest.raises(Unavailable, match="something else"):
        code_of(LOOP)
    monkeypatch.undo()
    monkeypatch.setattr(code_mmap, "folders", lambda: places)
    with pytest.raises(Unavailable, match="No module named"):
        code_of("signaling.io.no_such_module")
    assert not any(one.exists() for one in places)


def test_where_no_memory_may_be_executed(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, flags: int) -> int:
        raise OSError("not here")

    use(monkeypatch, file())
    monkeypatch.setattr(os, "memfd_create", refuse)
    with pytest.raises(Unavailable, match="not here"):
        code_of(LOOP)


def test_the_places_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_DIRECTORY", "/var/cache/one:/var/cache/two")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/someone/cache")
    assert [str(one) for one in folders()[1:]] == ["/var/cache/one", "/var/cache/two", "/home/someone/cache/classroom"]
    assert folders()[0].name == "__pycache__"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert all(one.is_absolute() for one in folders())


@pytest.mark.parametrize("module", MODULES)
def test_numbas_own_code_has_what_is_demanded_of_it(
    places: list[Path], module: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The contract with numba's calling convention and llvmlite, by the compiler itself."""
    caplog.set_level(logging.WARNING)
    code = code_of(module)
    assert code.origin == "compiled"
    assert code_of(module).origin == "kept"
    kept = msgspec.json.decode(next(places[0].iterdir()).read_bytes().partition(b"\n")[0], type=Kept)
    assert {f"io/{module.rpartition('.')[2]}.py", "io/calls_numba.py", "io/code_llvmlite.py"} <= kept.sources.keys()
    assert not caplog.records


def test_the_loop_without_an_audience_returns_at_once(places: list[Path]) -> None:
    from signaling.io.fanout_numba import Memory

    assert code_of(LOOP).run(Memory(BLOCK).address) == 0


def test_setup_warms_the_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "signaling.io.code_mmap"],
            env=environment,
            capture_output=True,
            timeout=110,
            check=True,
        )
        assert done.stdout == done.stderr == b""
    assert len(list(tmp_path.rglob("*.code"))) == len(MODULES)
