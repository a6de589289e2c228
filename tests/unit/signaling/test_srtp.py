"""Both fan-outs and the inbound contexts against pylibsrtp sessions that play the browsers."""

from __future__ import annotations

import secrets
import select
import socket
import struct

import pytest
from pylibsrtp import Error, Policy, Session

from signaling.io.dtls_pyopenssl import PROFILES
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import InboundSrtp
from signaling.ports import Address, Fanout, SrtpKeys
from signaling.relay.ring import SIZE
from tests.unit.signaling.packet_paths import FANOUTS

SSRC = 0x1234
PERIOD, MARK = 1_729, 0xC0FFEE


def make_keys(profile: str = "SRTP_AEAD_AES_128_GCM") -> SrtpKeys:
    known = PROFILES[profile]
    return SrtpKeys(profile=profile, key_and_salt=secrets.token_bytes(known.key_length + known.salt_length))


def session(keys: SrtpKeys, direction: int) -> Session:
    return Session(
        Policy(key=keys.key_and_salt, ssrc_type=direction, srtp_profile=PROFILES[keys.profile].libsrtp_profile)
    )


def rtp(number: int, payload: bytes = b"payload") -> bytes:
    return struct.pack("!BBHLL", 0x80, 96, number, 90 * number, SSRC) + payload


def prepared(number: int, payload: bytes = b"payload", csrc: int = PERIOD) -> bytes:
    return struct.pack("!BBHLLL", 0x81, 96, number, 90 * number, SSRC, csrc) + payload


def own(number: int, payload: bytes = b"payload") -> bytes:
    """What a viewer decrypts of it."""
    return prepared(number, payload, MARK)


def add(fanout: Fanout, keys: SrtpKeys, address: Address) -> int:
    """A viewer with a mark."""
    viewer = fanout.add(keys, address)
    fanout.mark(viewer, PERIOD, MARK)
    return viewer


def receiver_report() -> bytes:
    return struct.pack("!BBHL", 0x80, 201, 1, 1)


class Browser:
    """A socket and the viewer's side of the keys."""

    def __init__(self, keys: SrtpKeys | None = None) -> None:
        self.keys = keys or make_keys()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self._session = session(self.keys, Policy.SSRC_ANY_INBOUND)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    def raw(self) -> bytes:
        return self.socket.recv(2048)

    def rtp(self) -> bytes:
        return self._session.unprotect(self.raw())

    def hears_nothing(self) -> bool:
        return not select.select([self.socket], [], [], 0.05)[0]


@pytest.fixture(params=FANOUTS)
def fanout(port: UdpPort, request: pytest.FixtureRequest) -> Fanout:
    return FANOUTS[request.param](port)


@pytest.mark.parametrize("profile", list(PROFILES))
def test_packets_arrive_in_order_at_every_viewer(fanout: Fanout, profile: str) -> None:
    browsers = [Browser(make_keys(profile)) for _ in range(3)]
    viewers = [add(fanout, browser.keys, browser.address) for browser in browsers]
    packets = [prepared(number) for number in range(5)]
    assert fanout.send(packets, viewers, [0, 0, 0]) == 15
    for browser in browsers:
        assert [browser.rtp() for _ in packets] == [own(number) for number in range(5)]


def test_a_packet_sent_again_has_the_same_bytes_as_long_as_the_ring_holds_it(fanout: Fanout) -> None:
    browser = Browser()
    viewer = add(fanout, browser.keys, browser.address)
    first = []
    for number in range(65_000, 65_000 + SIZE + 64):  # wraps around: the rollover count must hold
        fanout.send([prepared(number & 0xFFFF)], [viewer], [0])
        first.append(browser.raw())
    for place in (0, 64, 100, 535, 536, 1_000, SIZE + 63):
        assert fanout.send([prepared((65_000 + place) & 0xFFFF)], [viewer], [0]) == 1
        assert browser.raw() == first[place]


def test_a_moved_viewer_is_reached_at_the_new_address_with_the_same_context(fanout: Fanout) -> None:
    browser = Browser()
    viewer = add(fanout, browser.keys, browser.address)
    fanout.send([prepared(1)], [viewer], [0])
    assert browser.rtp() == own(1)
    elsewhere = Browser(browser.keys)
    fanout.move(viewer, elsewhere.address)
    fanout.send([prepared(2)], [viewer], [0])
    assert elsewhere.rtp() == own(2)
    assert browser.hears_nothing()


def test_a_freed_viewer_cannot_be_reached_and_its_number_is_given_again(fanout: Fanout) -> None:
    gone, stays = Browser(), Browser()
    numbers = [add(fanout, gone.keys, gone.address), add(fanout, stays.keys, stays.address)]
    fanout.remove(numbers[0])
    fanout.remove(numbers[0])
    assert fanout.send([prepared(1)], numbers, [0, 0]) == 1
    assert fanout.send_rtcp(receiver_report(), [numbers[0]]) == 0
    fanout.move(numbers[0], stays.address)
    assert gone.hears_nothing()
    new = Browser()
    assert add(fanout, new.keys, new.address) == numbers[0]
    assert add(fanout, new.keys, new.address) == 2
    fanout.send([prepared(2)], [numbers[0]], [0])
    assert new.rtp() == own(2)
    assert gone.hears_nothing()


def test_each_viewer_has_its_own_numbers_and_marks(fanout: Fanout) -> None:
    browsers, offsets = [Browser() for _ in range(3)], [0, 3, -5]
    viewers = [fanout.add(browser.keys, browser.address) for browser in browsers]
    for place, viewer in enumerate(viewers):
        fanout.mark(viewer, PERIOD, 0xFFFFFFF0 + place)
    assert fanout.send([prepared(65_535)], viewers, offsets) == 3
    for place, (browser, number) in enumerate(zip(browsers, (65_535, 2, 65_530), strict=True)):
        copy = bytearray(prepared(65_535, csrc=0xFFFFFFF0 + place))
        struct.pack_into("!H", copy, 2, number)
        assert browser.rtp() == copy


def test_offsets_are_one_for_each_viewer(fanout: Fanout) -> None:
    browser = Browser()
    viewer = add(fanout, browser.keys, browser.address)
    for offsets in ([], [0, 0]):
        with pytest.raises(ValueError, match="offsets"):
            fanout.send([prepared(1)], [viewer], offsets)


def test_without_a_mark_of_its_period_a_packet_is_not_sent(fanout: Fanout) -> None:
    browser = Browser()
    viewer = fanout.add(browser.keys, browser.address)
    packets = [prepared(number, csrc=PERIOD + number) for number in range(6)]
    assert fanout.send(packets, [viewer], [0]) == 0
    for number in range(5):
        fanout.mark(viewer, PERIOD + number, MARK)
    assert fanout.send(packets, [viewer], [0]) == 4  # the last four periods' marks are kept
    assert [browser.rtp() for _ in range(4)] == [own(number) for number in (1, 2, 3, 4)]
    fanout.remove(viewer)
    assert fanout.add(browser.keys, browser.address) == viewer
    assert fanout.send(packets, [viewer], [0]) == 0  # another viewer's marks are gone


def test_a_packet_that_srtp_cannot_take_is_counted_as_not_sent(fanout: Fanout) -> None:
    browser = Browser()
    viewer = add(fanout, browser.keys, browser.address)
    assert fanout.send([prepared(1, bytes(1_450)), b"\x80", prepared(2)], [viewer], [0]) == 1
    assert browser.rtp() == own(2)
    assert fanout.send_rtcp(b"\x80", [viewer]) == 0


def test_rtcp_goes_out_encrypted(fanout: Fanout) -> None:
    browsers = [Browser() for _ in range(40)]
    viewers = [fanout.add(browser.keys, browser.address) for browser in browsers]
    inbound = [session(browser.keys, Policy.SSRC_ANY_INBOUND) for browser in browsers]
    fanout.remove(viewers[7])
    for _ in range(2):
        assert fanout.send_rtcp(receiver_report(), [*viewers, 1_000]) == 39
        for place, browser in enumerate(browsers):
            if place != 7:
                datagram = browser.raw()
                assert datagram != receiver_report()
                assert inbound[place].unprotect_rtcp(datagram) == receiver_report()
    assert browsers[7].hears_nothing()


def test_inbound_takes_each_packet_once_and_nothing_forged() -> None:
    keys = make_keys()
    browser, inbound = session(keys, Policy.SSRC_ANY_OUTBOUND), InboundSrtp(keys)
    sent = browser.protect(rtp(7))
    report = browser.protect_rtcp(receiver_report())
    assert inbound.rtp(sent) == rtp(7)
    assert inbound.rtp(sent) is None
    assert inbound.rtcp(report) == receiver_report()
    assert inbound.rtcp(report) is None
    forged = bytearray(browser.protect(rtp(8)))
    forged[-1] ^= 1
    assert inbound.rtp(bytes(forged)) is None
    for junk in (b"", b"\x80", bytes(12), bytes([0x80]) + bytes(1_600), secrets.token_bytes(200)):
        assert inbound.rtp(junk) is None
        assert inbound.rtcp(junk) is None


def test_inbound_takes_late_packets_within_the_window() -> None:
    keys = make_keys()
    browser, inbound = session(keys, Policy.SSRC_ANY_OUTBOUND), InboundSrtp(keys)
    sent = [browser.protect(rtp(number)) for number in range(1_500)]
    assert inbound.rtp(sent[-1]) is not None
    assert inbound.rtp(sent[0]) is not None


def test_the_browsers_own_policy_would_refuse_a_repeat() -> None:
    """What `allow_repeat_tx` is for."""
    browser = session(make_keys(), Policy.SSRC_ANY_OUTBOUND)
    browser.protect(rtp(1))
    with pytest.raises(Error):
        browser.protect(rtp(1))
