"""Passwords of staff: argon2id, 19 MiB, two passes (OWASP); about 40 ms of a core, two at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from classroom.io.aside_executor import ExecutorAside

THREADS = 2
WAITING = 32


class Argon2Passwords:
    """Implements `classroom.office.Passwords`. Owns its threads: `close` when done."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._aside = ExecutorAside(self._executor, WAITING)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Raises `UserError("busy")` where too many wait."""
        return await self._aside.run(partial(self._hasher.hash, password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """None: there is no such person, which takes as long to say as a wrong password."""
        if hashed is None:
            if self._nobody is None:
                self._nobody = await self.hash("nobody has this password")
            await self._aside.run(partial(self._matches, self._nobody, password))
            return False
        return await self._aside.run(partial(self._matches, hashed, password))

    def outdated(self, hashed: str) -> bool:
        """Made with other parameters than today's: hash the password again while it is known."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
