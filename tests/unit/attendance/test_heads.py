from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.audit import audit
from attendance.chain import Head, sign, signed_by
from attendance.errors import LedgerBroken
from attendance.facts import Fact, NodeStarted
from attendance.io import heads_file
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.heads_file import FileNotary, HeadsFile, load_key
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import facts, heads, metadata

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Standing:
    def __init__(self) -> None:
        self.time = 7

    def now(self) -> int:
        return self.time

    def at(self, monotonic: float) -> int:
        return self.time


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts, heads])
    yield engine
    await engine.dispose()


async def append(store: SqlStore, *counters: int) -> None:
    await store.append([Fact("party", "a", "1", counter, 0, NodeStarted()) for counter in counters])


def test_the_key_is_drawn_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    key = load_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path).private_bytes_raw() == key.private_bytes_raw()
    assert [found.name for found in tmp_path.iterdir()] == ["ledger.key"]
    assert load_key(tmp_path / "other.key").private_bytes_raw() != key.private_bytes_raw()


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    path.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="another kind"):
        load_key(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r".+"):
        load_key(path)


def test_heads_come_back_as_they_were_signed(tmp_path: Path) -> None:
    file = HeadsFile(tmp_path / "heads")
    assert file.read("party") == []
    first, second = sign(KEY, "party", 1, bytes(32), 5), sign(KEY, "party", 2, bytes(32), 6)
    for head in (first, sign(KEY, "other", 1, bytes(32), 5), second):
        file.append(head)
    assert file.read("party") == [first, second]


def test_a_torn_line_and_garbage_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    file = HeadsFile(path)
    head = sign(KEY, "party", 1, bytes(32), 5)
    file.append(head)
    path.write_bytes(path.read_bytes() + b'{"lecture":"party","row":2\n\xff\xfe\n[]\n{"lecture":"party","row":3,"ha')
    file.append(head)
    assert file.read("party") == [head, head]


async def test_an_unchanged_head_keeps_its_signature(engine: AsyncEngine, tmp_path: Path) -> None:
    clock = Standing()
    store = SqlStore(engine, clock)
    file = HeadsFile(tmp_path / "heads")
    notary = FileNotary(store, file, KEY, clock)
    assert await notary.seal("party") is None
    await append(store, 1, 2)
    first = await notary.seal("party")
    clock.time += 1
    assert first is not None
    assert await notary.seal("party") == first
    assert await FileNotary(store, file, KEY, clock).seal("party") == first
    await append(store, 3)
    second = await notary.seal("party")
    assert second is not None
    assert (second.row, second.at) == (3, 8)
    assert signed_by(notary.public, second)
    assert file.read("party") == [first, second]


async def test_a_removed_tail_is_found_although_the_database_was_made_consistent(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    store = SqlStore(engine, Standing())
    notary = FileNotary(store, HeadsFile(tmp_path / "heads"), KEY, Standing())
    await append(store, 1, 2, 3, 4)
    assert await audit(store, notary, "party") == 4
    await notary.seal("party")
    async with engine.begin() as connection:
        third = (await connection.execute(text('SELECT hash FROM facts WHERE "row" = 2'))).scalar_one()
        await connection.execute(text('DELETE FROM facts WHERE "row" > 2'))
        await connection.execute(text('UPDATE heads SET "row" = 2, hash = :hash'), {"hash": third})
    assert await audit(store, None, "party") == 2
    with pytest.raises(LedgerBroken) as caught:
        await audit(store, notary, "party")
    assert caught.value.row == 3
    await append(store, 5, 6, 7)  # grown again, it is another chain
    with pytest.raises(LedgerBroken) as caught:
        await audit(store, notary, "party")
    assert (caught.value.row, "rewritten" in caught.value.reason) == (4, True)


async def test_a_head_that_we_did_not_sign_is_named(engine: AsyncEngine, tmp_path: Path) -> None:
    store = SqlStore(engine, Standing())
    file = HeadsFile(tmp_path / "heads")
    await append(store, 1)
    _, digest = await store.last("party")
    file.append(Head("party", 1, digest, 1, bytes(64)))
    with pytest.raises(LedgerBroken, match="signature"):
        await audit(store, FileNotary(store, file, KEY, Standing()), "party")


async def test_rows_removed_without_the_head_row_are_missing(engine: AsyncEngine) -> None:
    store = SqlStore(engine, Standing())
    await append(store, 1, 2, 3)
    async with engine.begin() as connection:
        await connection.execute(text('DELETE FROM facts WHERE "row" = 3'))
    with pytest.raises(LedgerBroken) as caught:
        await audit(store, None, "party")
    assert (caught.value.row, "3 rows were stored" in caught.value.reason) == (3, True)


def test_only_what_was_added_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "heads"
    mine, theirs = HeadsFile(path), HeadsFile(path)
    heads = [sign(KEY, "party", row, bytes(32), row) for row in range(1, 6)]
    for head in heads[:3]:
        mine.append(head)
    assert mine.read("party") == heads[:3]
    decoded: list[bytes] = []
    before = heads_file._head

    def counting(raw: bytes) -> Head | None:
        decoded.append(raw)
        return before(raw)

    monkeypatch.setattr(heads_file, "_head", counting)
    theirs.append(heads[3])
    assert mine.read("party") == heads[:4]
    assert len(decoded) == 1
    with path.open("ab") as file:  # somebody is in the middle of a line
        file.write(b'{"lecture":"party","row":5')
    assert mine.read("party") == heads[:4]
    mine.append(heads[4])
    assert mine.read("party") == heads
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])  # cut, or another one
    assert mine.read("party") == heads[:1]
    path.unlink()
    assert mine.read("party") == []
