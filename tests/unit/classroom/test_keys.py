"""The keys in the data folder, and its lock."""

from __future__ import annotations

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from classroom.errors import SettingsError
from classroom.io.keys_file import node_name, open_keys
from classroom.io.lock_fcntl import DataFolderInUse, data_lock


def test_keys_are_drawn_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "keys"
    keys = open_keys(folder)
    assert open_keys(folder) == keys
    assert (len(keys.phones), len(keys.phone_hashes)) == (32, 32)
    assert len({keys.phones, keys.phone_hashes, keys.tickets[0], keys.sessions[0]}) == 4
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert keys.tickets[0] not in repr(keys)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: open_keys(tmp_path / "keys"), range(16)))
    assert all(keys == drawn[0] for keys in drawn)
    assert not [path for path in (tmp_path / "keys").iterdir() if path.name.startswith(".")]


def test_the_same_keys_have_the_same_fingerprint_and_others_another(tmp_path: Path) -> None:
    keys = open_keys(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert open_keys(tmp_path / "b").fingerprint() == keys.fingerprint()
    assert open_keys(tmp_path / "c").fingerprint() != keys.fingerprint()
    assert keys.proofs.hex() not in keys.fingerprint()


def test_a_new_last_line_signs(tmp_path: Path) -> None:
    before = open_keys(tmp_path).tickets
    with (tmp_path / "tickets").open("a") as file:
        file.write("another-secret-of-at-least-thirty-two-letters\n")
    assert open_keys(tmp_path).tickets == (*before, "another-secret-of-at-least-thirty-two-letters")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("phones.key", b"zz"),
        ("phones.key", b"00"),
        ("tickets", b"short\n"),
        ("tickets", b""),
        ("sessions", b"\xff" * 40),
    ],
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=name):
        open_keys(tmp_path)


def test_a_node_keeps_its_name(tmp_path: Path) -> None:
    name = node_name(tmp_path)
    assert name == node_name(tmp_path)
    assert name.startswith("n-")
    (tmp_path / "node").write_text("x" * 65)
    with pytest.raises(SettingsError, match="node"):
        node_name(tmp_path)


def test_one_at_a_time_holds_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with data_lock(folder), pytest.raises(DataFolderInUse), data_lock(folder):
        pass
    with data_lock(folder):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="file"), data_lock(tmp_path / "file" / "data"):
        pass
