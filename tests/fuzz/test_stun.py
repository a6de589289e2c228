"""STUN: a message, or `ProtocolError`, and nothing else."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling import wire
from signaling.errors import ProtocolError

REQUEST = wire.pack_binding_request(bytes(12), "ours:theirs", "password", 7)
RESPONSE = wire.pack_binding_response(wire.parse_stun(REQUEST), ("192.0.2.1", 4000), "password")


def read(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        message = wire.parse_stun(data)
        assert isinstance(message.username, str)
        assert len(message.transaction) == 12
        message.authentic("password")


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    read(data)


@given(st.sampled_from([REQUEST, RESPONSE]), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4))
@settings(max_examples=400, deadline=None)
def test_changed_messages(message: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(message)
    for place, value in changes:
        data[place % len(data)] = value
    read(bytes(data))


@given(st.sampled_from([REQUEST, RESPONSE]), st.integers(0, 120), st.binary(max_size=20))
@settings(max_examples=300, deadline=None)
def test_cut_and_grown_messages(message: bytes, length: int, tail: bytes) -> None:
    read(message[:length] + tail)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [1, 6, 8, 9, 0x0C, 0x0D, 0x12, 0x13, 0x16, 0x20, 0x24, 0x25, 0x8022, 0x8028, 0x8029, 0x802B]
            ),
            st.binary(max_size=40),
            st.none() | st.integers(0, 65535),
        ),
        max_size=12,
    ),
    st.sampled_from([0x0001, 0x0101, 0x0111, 0x0011, 0x0003, 0xFFFF]),
)
@settings(max_examples=400, deadline=None)
def test_attributes(attributes: list[tuple[int, bytes, int | None]], message_type: int) -> None:
    body = b"".join(
        kind.to_bytes(2, "big")
        + (len(value) if length is None else length).to_bytes(2, "big")
        + value
        + bytes(-len(value) % 4)
        for kind, value, length in attributes
    )
    read(message_type.to_bytes(2, "big") + len(body).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12) + body)
