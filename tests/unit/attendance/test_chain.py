from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from attendance import chain
from attendance.chain import GENESIS, Head, Row, sign, signed_by, verify
from attendance.errors import LedgerBroken
from attendance.facts import Beat, Fact, JoinFailed, MemberConnected, NodeStarted

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def fact(counter: int, lecture: str = "party") -> Fact:
    return Fact(lecture, "node", "boot", counter, 1_000_000 * counter, MemberConnected("m1", f"c{counter}"))


def chained(count: int, lecture: str = "party") -> list[Row]:
    rows: list[Row] = []
    for counter in range(1, count + 1):
        previous = rows[-1].hash if rows else GENESIS
        rows.append(chain.link(previous, counter, fact(counter, lecture), 5_000_000 + counter))
    return rows


def broken(rows: list[Row], heads: list[Head] | None = None) -> LedgerBroken:
    with pytest.raises(LedgerBroken) as caught:
        verify("party", rows, heads or [], KEY.public_key())
    return caught.value


def test_an_untouched_chain_verifies() -> None:
    rows = chained(5)
    heads = [sign(KEY, "party", row.row, row.hash, 1) for row in rows]
    assert verify("party", rows, heads, KEY.public_key()) == (5, rows[-1].hash)


def test_the_empty_chain_verifies() -> None:
    assert verify("party", []) == (0, GENESIS)


def test_the_hash_can_be_computed_by_anyone() -> None:
    """The formula of the module's theory of operation, written down a second time: it must never change."""
    assert chained(1)[0].hash.hex() == "1de45e3ffe0f3eb103b13821b755aced70da98f9932689b6973764f57dfb0df8"


changes = st.sampled_from(
    [
        {"lecture": "other"},
        {"node": "x"},
        {"boot": "x"},
        {"counter": 99},
        {"happened": 1},
        {"stored": 1},
        {"body": b"{}"},
        {"previous": bytes(32)},
        {"hash": bytes(32)},
        {"row": 7},
    ]
)


@given(st.integers(2, 5), changes)
def test_the_changed_row_is_named(row: int, change: dict[str, object]) -> None:
    rows = chained(5)
    rows[row - 1] = msgspec.structs.replace(rows[row - 1], **change)
    assert broken(rows).row == row


def test_a_removed_row_is_named() -> None:
    rows = chained(5)
    del rows[2]
    error = broken(rows)
    assert error.row == 3
    assert "missing" in error.reason


def test_rows_in_another_order_are_named() -> None:
    rows = chained(5)
    rows[1], rows[2] = rows[2], rows[1]
    assert broken(rows).row == 2


def test_a_removed_tail_is_found_by_a_head() -> None:
    rows = chained(5)
    head = sign(KEY, "party", 4, rows[3].hash, 1)
    assert broken(rows[:2], [head]).row == 3
    verify("party", rows[:4], [head], KEY.public_key())


def test_a_chain_computed_anew_is_found_by_a_head() -> None:
    head = sign(KEY, "party", 3, chained(3)[2].hash, 1)
    forged: list[Row] = []
    for counter in range(1, 6):
        forged.append(chain.link(forged[-1].hash if forged else GENESIS, counter, fact(counter), 6_000_000))
    verify("party", forged)  # by itself it is as good as the true one
    error = broken(forged, [head])
    assert (error.row, "rewritten" in error.reason) == (3, True)


def test_heads_of_other_lectures_do_not_matter() -> None:
    verify("party", chained(2), [sign(KEY, "other", 9, bytes(32), 1)], KEY.public_key())


@pytest.mark.parametrize("change", [{"row": 2}, {"hash": bytes(32)}, {"at": 2}, {"signature": bytes(64)}])
def test_a_head_that_was_changed_is_not_signed(change: dict[str, object]) -> None:
    rows = chained(3)
    head = sign(KEY, "party", 3, rows[2].hash, 1)
    assert signed_by(KEY.public_key(), head)
    changed = msgspec.structs.replace(head, **change)
    assert not signed_by(KEY.public_key(), changed)
    assert "signature" in broken(rows, [changed]).reason


def test_a_body_that_nobody_stored_is_named() -> None:
    for body in (b"", b"[]", b'{"type":"Unheard"}', b"\xff\xfe", b'{"type":"NodeStarted"'):
        row = chain.link(GENESIS, 1, fact(1), 1)
        digest = chain.link(GENESIS, 1, fact(1), 1).hash
        with pytest.raises(LedgerBroken) as caught:
            msgspec.structs.replace(row, body=body, hash=digest).fact()
        assert caught.value.row == 1


def test_what_cannot_be_stored_is_refused() -> None:
    with pytest.raises(ValueError, match="JoinFailed holds text that is not Unicode"):
        chain.encode_body(JoinFailed(None, "other", "\ud800"))
    with pytest.raises(ValueError, match="Beat has"):
        chain.encode_body(Beat({f"connection-{number:030}": 1 for number in range(120_000)}))


def test_the_order_of_a_beat_does_not_matter() -> None:
    assert chain.encode_body(Beat({"a": 1, "b": 2})) == chain.encode_body(Beat({"b": 2, "a": 1}))


def test_a_row_gives_back_its_fact() -> None:
    started = Fact("party", "node", "boot", 1, 2, NodeStarted())
    assert chain.link(GENESIS, 1, started, 3).fact() == started
