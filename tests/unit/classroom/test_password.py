"""Passwords of staff."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from classroom.errors import UserError
from classroom.io.password_argon2 import WAITING, Argon2Passwords


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    made = Argon2Passwords()
    yield made
    made.close()


async def test_a_password_is_known_again_and_nothing_else_is(passwords: Argon2Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "correct horsf")
    assert not await passwords.verify("no hash", "correct horse")
    assert not await passwords.verify(None, "nobody has this password")


def test_a_hash_of_other_parameters_is_outdated(passwords: Argon2Passwords) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")
    assert passwords.outdated(old)


async def test_the_line_before_the_hashers_is_bounded(passwords: Argon2Passwords) -> None:
    results = await asyncio.gather(*(passwords.hash("x") for _ in range(WAITING + 3)), return_exceptions=True)
    busy = [result for result in results if isinstance(result, UserError)]
    assert [error.reason for error in busy] == ["busy"] * 3
