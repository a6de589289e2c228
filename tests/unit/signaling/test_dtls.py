"""Two DTLS peers joined in memory, over a link that loses what a seeded generator says; time is a number."""

from __future__ import annotations

import gc
import random
import weakref

import pytest
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTPProtectionProfile,
    generate_certificate,
)
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from signaling.io import dtls_pyopenssl
from signaling.io.dtls_pyopenssl import DtlsIdentity, DtlsTransport, HandshakeState, fingerprint_of, make_context
from signaling.io.srtp_pylibsrtp import InboundSrtp, outbound_session
from signaling.session.offer import Fingerprint, Setup

BROWSER_PROFILES = (SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM, SRTP_AEAD_AES_128_GCM)


class Peer:
    """The other side: the same transport with a certificate, profiles and role of its own."""

    def __init__(
        self,
        setup: Setup,
        expects: Fingerprint,
        profiles: tuple[SRTPProtectionProfile, ...] = BROWSER_PROFILES,
        curve: ec.EllipticCurve | None = None,
    ) -> None:
        key = ec.generate_private_key(curve or ec.SECP256R1())
        certificate = generate_certificate(key)
        self.fingerprint = fingerprint_of(certificate)
        self._context = make_context(key, certificate, profiles)
        self._setup = setup
        self._expects = expects

    def start(self) -> DtlsTransport:
        return DtlsTransport(self._context, self._setup, (self._expects,), 0.0)


def pump(
    left: DtlsTransport,
    right: DtlsTransport,
    *,
    loss: float = 0.0,
    seed: int = 0,
    until: float = 12.0,
    split: int | None = None,
) -> float:
    """Carry datagrams both ways (10 ms each way) until both are done; returns the time that it took."""
    chance = random.Random(seed)
    now = 0.0
    while now < until:
        for sender, receiver in ((left, right), (right, left)):
            for datagram in sender.take():
                assert len(datagram) <= dtls_pyopenssl.MAX_DATAGRAM
                if chance.random() >= loss:
                    receiver.receive(datagram, now)
        states = {left.state, right.state}
        if HandshakeState.FAILED in states or states == {HandshakeState.CONNECTED}:
            return now
        now += 0.01
        left.tick(now)
        right.tick(now)
    return now


@pytest.mark.parametrize(("ours", "theirs"), [(Setup.PASSIVE, Setup.ACTIVE), (Setup.ACTIVE, Setup.PASSIVE)])
def test_both_roles_agree_on_keys(ours: Setup, theirs: Setup) -> None:
    identity = DtlsIdentity()
    peer = Peer(theirs, identity.fingerprint)
    left, right = identity.connect(ours, (peer.fingerprint,), 0.0), peer.start()
    pump(left, right)
    assert (left.state, right.state) == (HandshakeState.CONNECTED, HandshakeState.CONNECTED)
    assert left.sending is not None
    assert left.sending == right.receiving
    assert left.receiving == right.sending
    assert left.sending != left.receiving


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (BROWSER_PROFILES, "SRTP_AEAD_AES_128_GCM"),
        ((SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM), "SRTP_AEAD_AES_256_GCM"),
        ((SRTP_AES128_CM_SHA1_80,), "SRTP_AES128_CM_SHA1_80"),
    ],
)
def test_the_servers_order_of_profiles_decides(offered: tuple[SRTPProtectionProfile, ...], chosen: str) -> None:
    identity = DtlsIdentity()
    peer = Peer(Setup.ACTIVE, identity.fingerprint, offered)
    left, right = identity.connect(Setup.PASSIVE, (peer.fingerprint,), 0.0), peer.start()
    pump(left, right)
    assert left.sending is not None
    assert left.sending.profile == chosen


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("ours", [Setup.PASSIVE, Setup.ACTIVE])
def test_a_fifth_of_the_datagrams_lost(seed: int, ours: Setup) -> None:
    identity = DtlsIdentity()
    peer = Peer(Setup.ACTIVE if ours is Setup.PASSIVE else Setup.PASSIVE, identity.fingerprint)
    left, right = identity.connect(ours, (peer.fingerprint,), 0.0), peer.start()
    took = pump(left, right, loss=0.2, seed=seed)
    assert (left.state, right.state) == (HandshakeState.CONNECTED, HandshakeState.CONNECTED)
    assert took < 5.0


def test_a_client_hello_in_two_datagrams() -> None:
    identity = DtlsIdentity()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = generate_certificate(key)
    context = make_context(key, certificate, BROWSER_PROFILES)
    context.set_alpn_protos([b"webrtc", b"c-webrtc" * 16])
    client = SSL.Connection(context)
    client.set_ciphertext_mtu(256)
    client.set_connect_state()
    server = identity.connect(Setup.PASSIVE, (fingerprint_of(certificate),), 0.0)
    sent = _handshake(client)
    assert len(sent) == 2
    for _ in range(3):
        for record in sent:
            server.receive(record, 0.0)
        for datagram in server.take():
            client.bio_write(datagram)
        sent = _handshake(client)
    assert server.state is HandshakeState.CONNECTED


def test_another_certificate_than_the_offers_is_refused() -> None:
    identity = DtlsIdentity()
    peer, other = Peer(Setup.ACTIVE, identity.fingerprint), Peer(Setup.ACTIVE, identity.fingerprint)
    left, right = identity.connect(Setup.PASSIVE, (other.fingerprint,), 0.0), peer.start()
    pump(left, right)
    assert left.state is HandshakeState.FAILED
    assert left.detail == "the certificate is not the one of the offer"
    assert left.sending is None


def test_the_p224_certificate_of_gnutls_is_refused_by_name() -> None:
    identity = DtlsIdentity()
    peer = Peer(Setup.ACTIVE, identity.fingerprint, curve=ec.SECP224R1())
    left, right = identity.connect(Setup.PASSIVE, (peer.fingerprint,), 0.0), peer.start()
    pump(left, right)
    assert left.state is HandshakeState.FAILED
    assert "wrong curve" in left.detail


def test_nothing_in_common_fails_with_openssls_words() -> None:
    identity = DtlsIdentity()
    left = identity.connect(Setup.PASSIVE, (identity.fingerprint,), 0.0)
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_cipher_list(b"ECDHE-RSA-AES128-GCM-SHA256")
    client = SSL.Connection(context)
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    left.receive(client.bio_read(4096), 0.0)
    assert left.state is HandshakeState.FAILED
    assert left.detail
    assert left.take()  # the alert


def test_close_notify_reaches_the_other_side() -> None:
    identity = DtlsIdentity()
    for closes_first in (0, 1):
        peer = Peer(Setup.ACTIVE, identity.fingerprint)
        both = (identity.connect(Setup.PASSIVE, (peer.fingerprint,), 0.0), peer.start())
        pump(*both)
        closer, other = both[closes_first], both[1 - closes_first]
        other.take()
        closer.close()
        assert closer.state is HandshakeState.CLOSED
        for datagram in closer.take():
            other.receive(datagram, 1.0)
        assert other.state is HandshakeState.CLOSED


def test_a_peer_that_is_gone_is_freed_without_the_collector() -> None:
    """The relay lets the collector look at everything only rarely."""
    identity = DtlsIdentity()
    peer = Peer(Setup.ACTIVE, identity.fingerprint)
    ours = identity.connect(Setup.PASSIVE, (peer.fingerprint,), 0.0)
    pump(ours, peer.start())
    assert ours.receiving is not None
    assert ours.sending is not None
    held = [weakref.ref(one) for one in (ours, InboundSrtp(ours.receiving), outbound_session(ours.sending))]
    gc.disable()
    try:
        ours.close()
        del ours
        assert [one() for one in held] == [None, None, None]
    finally:
        gc.enable()


def test_given_up_after_ten_seconds() -> None:
    transport = DtlsIdentity().connect(Setup.ACTIVE, (), 100.0)
    now, sent = 100.0, len(transport.take())
    while transport.state is HandshakeState.HANDSHAKING:
        now += 0.02
        transport.tick(now)
        sent += len(transport.take())
    assert now == pytest.approx(110.0, abs=0.05)
    assert transport.detail == "not done in 10 s"
    assert 5 <= sent <= 20


def test_the_last_flight_is_sent_again_to_a_peer_that_lacks_it() -> None:
    identity = DtlsIdentity()
    peer = Peer(Setup.ACTIVE, identity.fingerprint)
    left, right = identity.connect(Setup.PASSIVE, (peer.fingerprint,), 0.0), peer.start()
    for sender, receiver in ((right, left), (left, right), (right, left)):
        for datagram in sender.take():
            receiver.receive(datagram, 0.0)
    assert left.state is HandshakeState.CONNECTED
    left.take()  # the network loses our last flight
    right.tick(0.2)
    for datagram in right.take():
        left.receive(datagram, 0.2)
    for datagram in left.take():
        right.receive(datagram, 0.2)
    assert right.state is HandshakeState.CONNECTED


@pytest.mark.parametrize("junk", [bytes([22]) * 40, bytes([20]) + bytes(60), bytes([63]) * 1200, bytes([22, 254, 253])])
def test_junk_is_ignored(junk: bytes) -> None:
    identity = DtlsIdentity()
    peer = Peer(Setup.ACTIVE, identity.fingerprint)
    left, right = identity.connect(Setup.PASSIVE, (peer.fingerprint,), 0.0), peer.start()
    left.receive(junk, 0.0)
    pump(left, right)
    left.receive(junk, 1.0)
    assert left.state is HandshakeState.CONNECTED


def _handshake(client: SSL.Connection) -> list[bytes]:
    """Let the client go on; each record that it writes, in a datagram of its own."""
    try:
        client.do_handshake()
        written = b""
    except SSL.WantReadError:
        written = client.bio_read(65_536) if client.want_read() else b""
    records = []
    while written:
        size = 13 + int.from_bytes(written[11:13], "big")
        records.append(written[:size])
        written = written[size:]
    return records
