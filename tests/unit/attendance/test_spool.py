from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.facts import Fact, JoinFailed
from attendance.io import spool_file
from attendance.io.spool_file import Orphan, Spool, adopt, set_aside


def fact(counter: int, detail: str = "没有声音") -> Fact:
    return Fact("party", "a", "1", counter, counter, JoinFailed(None, "other", detail))


def die(spool: Spool) -> None:
    """What the kernel does with the file of a killed process."""
    assert spool._file is not None
    os.close(spool._file)


def adopted(folder: Path) -> tuple[Orphan, list[Fact]]:
    (orphan,) = adopt(folder)
    return orphan, list(orphan.facts())


def test_facts_survive_their_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "1")
    spool.write([fact(1), fact(2)])
    spool.write([fact(3)])
    die(spool)
    orphan, facts = adopted(tmp_path)
    assert facts == [fact(1), fact(2), fact(3)]
    orphan.release(done=True)
    assert list(tmp_path.iterdir()) == []


def test_the_spool_of_a_living_process_is_not_adopted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "1")
    spool.write([fact(1)])
    assert adopt(tmp_path) == []
    spool.close()


def test_two_processes_do_not_adopt_the_same_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "1")
    spool.write([fact(1)])
    die(spool)
    (orphan,) = adopt(tmp_path)
    assert adopt(tmp_path) == []
    orphan.release(done=False)
    (orphan,) = adopt(tmp_path)
    orphan.release(done=True)


def test_no_file_is_left_where_nothing_waits(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "1")
    spool.write([fact(1)])
    spool.clear()
    spool.close()
    Spool(tmp_path, "2").close()
    assert list(tmp_path.iterdir()) == []


def test_what_waits_at_the_end_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "1")
    spool.write([fact(1)])
    spool.clear()
    spool.write([fact(2)])
    spool.close()
    orphan, facts = adopted(tmp_path)
    assert facts == [fact(2)]
    orphan.release(done=True)


@given(st.integers(0, 200))
def test_a_torn_tail_ends_the_file(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    folder = tmp_path_factory.mktemp("spool")
    whole = spool_file._frame(fact(1))
    torn = spool_file._frame(fact(2))
    (folder / "facts-1.spool").write_bytes(whole + torn[: min(kept, len(torn) - 1)])
    orphan, facts = adopted(folder)
    assert facts == [fact(1)]
    orphan.release(done=True)
    assert list(folder.iterdir()) == []


@given(st.integers(0, 1_000), st.integers(1, 255))
def test_a_damaged_file_is_read_as_far_as_it_goes_and_kept(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    first, rest = spool_file._frame(fact(1)), bytearray(spool_file._frame(fact(2)) + spool_file._frame(fact(3)))
    place %= len(spool_file._frame(fact(2)))
    rest[place] ^= change
    (folder / "facts-1.spool").write_bytes(first + rest)
    orphan, facts = adopted(folder)
    assert facts[0] == fact(1)
    assert fact(2) not in facts
    orphan.release(done=True)


def test_bytes_that_are_no_fact_are_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "facts-1.spool").write_bytes(spool_file._frame(fact(1)) + b"\xff" * 100)
    orphan, facts = adopted(tmp_path)
    assert facts == [fact(1)]
    orphan.release(done=True)
    assert [path.name for path in tmp_path.iterdir()] == ["facts-1.damaged"]


def test_a_full_disk_leaves_what_was_written_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path, "1")
    spool.write([fact(1)])
    write = os.write

    def full(file: int, data: memoryview) -> int:
        write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.write([fact(2)])
    monkeypatch.undo()
    spool.write([fact(3)])
    die(spool)
    orphan, facts = adopted(tmp_path)
    assert facts == [fact(1), fact(3)]
    orphan.release(done=True)


def test_a_refused_fact_is_kept_but_not_adopted(tmp_path: Path) -> None:
    set_aside(tmp_path, fact(1))
    assert adopt(tmp_path) == []
    assert (tmp_path / "refused.spool").read_bytes() == spool_file._frame(fact(1))
