"""The chain of a lecture's rows, its signed heads, and the check that finds edits and removals.

Theory of operation. Row n of a lecture is bound to all rows before it:

    hash(n) = SHA-256( hash(n-1) ‖ header(n) ‖ LF ‖ body(n) ),   hash(0) = 32 zero bytes
    header  = ["lecture",row,"node","boot",counter,happened,stored]     (JSON without spaces, UTF-8; holds no LF)
    body    = the fact's body as it was stored, byte for byte

The stored bytes are hashed, never a new encoding of what was decoded from them, so a later version of the program,
whose bodies have more fields, still verifies the old rows.

Whoever can write to the database could also compute the chain anew. Therefore the head (the last row and its hash)
is signed from time to time with an Ed25519 key that is kept outside the database, and written to a file of its own
and into every export. A chain that was recomputed or cut differs from a head known from before; what was appended
since the last head and removed again is the only thing that cannot be noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from attendance.errors import LedgerBroken
from attendance.facts import Body, Fact

GENESIS = bytes(32)
MAX_BODY = 4 << 20
"""Bytes; a beat of 50,000 connections."""

DIFFERS = "the row differs from a signed head: the chain was rewritten"

_decoder = msgspec.json.Decoder(Body)


class Row(msgspec.Struct, frozen=True):
    """One row as it is stored; `body` is the canonical encoding of the fact's body."""

    lecture: str
    row: int
    node: str
    boot: str
    counter: int
    happened: int
    stored: int
    body: bytes
    previous: bytes
    hash: bytes

    def fact(self) -> Fact:
        """Raises `LedgerBroken` where the body cannot be one that was ever stored."""
        try:
            body: Body = _decoder.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LedgerBroken(self.lecture, self.row, f"the body cannot be read ({error})") from error
        return Fact(self.lecture, self.node, self.boot, self.counter, self.happened, body)


class Head(msgspec.Struct, frozen=True):
    """The last row of a lecture at some moment (`at`: µs, UTC), signed. Row 0 is the empty chain."""

    lecture: str
    row: int
    hash: bytes
    at: int
    signature: bytes


def encode_body(body: Body) -> bytes:
    """The canonical bytes. Raises `ValueError` for what cannot be stored (too long, text that is no Unicode)."""
    try:
        encoded = msgspec.json.encode(body, order="deterministic")
    except UnicodeEncodeError as error:
        raise ValueError(f"{type(body).__name__} holds text that is not Unicode") from error
    if len(encoded) > MAX_BODY:
        raise ValueError(f"{type(body).__name__} has {len(encoded)} bytes; {MAX_BODY} are allowed")
    return encoded


def link(previous: bytes, row: int, fact: Fact, stored: int) -> Row:
    """The row that holds `fact` behind the row whose hash is `previous`."""
    body = encode_body(fact.body)
    digest = _digest(previous, fact.lecture, row, fact.node, fact.boot, fact.counter, fact.happened, stored, body)
    return Row(
        fact.lecture, row, fact.node, fact.boot, fact.counter, fact.happened, stored, body, previous, digest
    )  # fmt: skip


def _digest(
    previous: bytes, lecture: str, row: int, node: str, boot: str, counter: int, happened: int, stored: int, body: bytes
) -> bytes:
    header = msgspec.json.encode((lecture, row, node, boot, counter, happened, stored))
    return hashlib.sha256(previous + header + b"\n" + body).digest()


def sign(key: Ed25519PrivateKey, lecture: str, row: int, digest: bytes, at: int) -> Head:
    """The same arguments always give the same signature (RFC 8032 §5.1.6)."""
    return Head(lecture, row, digest, at, key.sign(_statement(lecture, row, digest, at)))


def signed_by(key: Ed25519PublicKey, head: Head) -> bool:
    try:
        key.verify(head.signature, _statement(head.lecture, head.row, head.hash, head.at))
    except InvalidSignature:
        return False
    return True


def _statement(lecture: str, row: int, digest: bytes, at: int) -> bytes:
    return b"classroom head 1\n" + msgspec.json.encode((lecture, row, digest.hex(), at))


class Checker:
    """Checks the rows of one lecture as they are read, from row 1 on, against each other and against known heads.

    `check`, which returns the fact, and `finish` raise `LedgerBroken` naming the first bad row; the checker is of no
    use afterwards.
    """

    def __init__(self, lecture: str, heads: Iterable[Head] = (), key: Ed25519PublicKey | None = None) -> None:
        self.lecture = lecture
        self.row = 0
        self.hash = GENESIS
        self._key = key
        self._heads: dict[int, set[bytes]] = {}
        self.learn(heads)

    def learn(self, heads: Iterable[Head]) -> None:
        """Of those that say something of a row that was checked before, only the last row's is compared."""
        for head in heads:
            if head.lecture != self.lecture or head.hash in self._heads.get(head.row, ()):
                continue
            if self._key is not None and not signed_by(self._key, head):
                raise LedgerBroken(self.lecture, head.row, "a known head of this row does not carry our signature")
            if head.row == self.row and head.hash != self.hash:
                raise LedgerBroken(self.lecture, head.row, DIFFERS)
            self._heads.setdefault(head.row, set()).add(head.hash)

    def check(self, row: Row) -> Fact:
        expected = self.row + 1
        if row.lecture != self.lecture:
            raise LedgerBroken(self.lecture, expected, "the row belongs to another lecture")
        if row.row != expected:
            raise LedgerBroken(self.lecture, expected, f"the row is missing (row {row.row} follows row {self.row})")
        if row.previous != self.hash:
            raise LedgerBroken(self.lecture, expected, "the row does not continue the row before it")
        digest = _digest(
            row.previous, row.lecture, row.row, row.node, row.boot, row.counter, row.happened, row.stored, row.body
        )
        if digest != row.hash:
            raise LedgerBroken(self.lecture, expected, "the row was changed: its content does not match its hash")
        if self._heads.get(expected, {digest}) != {digest}:
            raise LedgerBroken(self.lecture, expected, DIFFERS)
        fact = row.fact()
        self.row, self.hash = expected, digest
        return fact

    def finish(self) -> None:
        """After the last row: whatever a known head tells of beyond it was removed."""
        beyond = max(self._heads, default=0)
        if beyond > self.row:
            raise LedgerBroken(
                self.lecture,
                self.row + 1,
                f"the row is missing: a signed head knows {beyond} rows, {self.row} are left",
            )


def verify(
    lecture: str, rows: Iterable[Row], heads: Iterable[Head] = (), key: Ed25519PublicKey | None = None
) -> tuple[int, bytes]:
    """The number of rows and the last hash. Raises `LedgerBroken` with the first bad row and why."""
    checker = Checker(lecture, heads, key)
    for row in rows:
        checker.check(row)
    checker.finish()
    return checker.row, checker.hash
