"""A node's place among others: what they must have in common, and what each must have alone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from classroom.errors import SettingsError
from classroom.io.clock_time import SystemClock
from classroom.io.node_asyncio import Node
from classroom.io.nodes_redis import open_node
from classroom.io.stores_sqlalchemy import open_stores
from classroom.settings import Settings
from tests.servers.process import free_port


@contextlib.asynccontextmanager
async def node(folder: Path, redis: str, keys: Path) -> AsyncIterator[Node]:
    settings = Settings(data_dir=folder, keys_dir=keys)
    async with (
        open_stores(settings, SystemClock()) as stores,
        open_node(redis, "https://a.example", settings, stores) as made,
    ):
        yield made


async def test_nodes_of_the_same_keys_stand_beside_each_other(tmp_path: Path, redis_url: str) -> None:
    async with node(tmp_path / "a", redis_url, tmp_path / "keys") as a:
        async with node(tmp_path / "b", redis_url, tmp_path / "keys") as b:
            assert a.name != b.name
        async with node(tmp_path / "b", redis_url, tmp_path / "keys") as again:
            assert (again.name, again.boot == b.boot) == (b.name, False)


async def test_a_node_with_other_keys_is_refused(tmp_path: Path, redis_url: str) -> None:
    async with node(tmp_path / "a", redis_url, tmp_path / "keys"):
        with pytest.raises(SettingsError, match="not those of the other nodes"):
            async with node(tmp_path / "b", redis_url, tmp_path / "others"):
                pass


async def test_a_copied_data_folder_is_refused(tmp_path: Path, redis_url: str) -> None:
    async with node(tmp_path / "a", redis_url, tmp_path / "keys"):
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "node").write_text((tmp_path / "a" / "node").read_text())
        with pytest.raises(SettingsError, match="a data folder was copied"):
            async with node(tmp_path / "b", redis_url, tmp_path / "keys"):
                pass


async def test_a_node_starts_while_redis_is_away(tmp_path: Path) -> None:
    async with node(tmp_path / "a", f"redis://127.0.0.1:{free_port()}/0", tmp_path / "keys") as alone:
        assert alone.away
