"""DTLS 1.2 with DTLS-SRTP (RFC 6347, RFC 5764) over memory BIOs: bytes in, datagrams out, time as an argument.

Theory of operation: OpenSSL writes records into a memory BIO without datagram borders, so what is read is cut at record
boundaries and packed into datagrams of at most 1,200 bytes. OpenSSL's retransmission timer starts at one second and
reads the system's clock; a join would pause for seconds on a poor link. The last flight is therefore kept here and sent
again byte for byte, after 100 ms and then twice as late each time, and at once when the peer repeats itself (RFC 6347
§4.2.4: a repeated flight means that ours was lost); to the peer this is a duplicate of the network. OpenSSL's own timer
stays a second line. The last flight is kept after the handshake too, since the peer may not have it yet.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Sequence

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTP_PROFILES,
    X509_DIGEST_ALGORITHMS,
    SRTPProtectionProfile,
    certificate_digest,
    generate_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from signaling.ports import SrtpKeys
from signaling.session.offer import Fingerprint, Setup

MAX_DATAGRAM = 1_200
GIVE_UP = 10.0  # seconds for the whole handshake
FIRST_RESEND = 0.1  # seconds; doubled each time
LAST_RESEND = 1.6
MIN_REPEAT = 0.05  # seconds between two answers to a peer that repeats itself
RECORD_HEADER = 13

_DTLS_1_2 = 0xFEFD
_HANDSHAKE_RECORDS = (20, 22)  # change_cipher_spec, handshake
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
"""Forward secret, with an ECDSA certificate; RFC 8827 §6.5 asks for the first."""
_EXPORTER = b"EXTRACTOR-dtls_srtp"

_ORDER = (SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80)
PROFILES = {profile.openssl_profile.decode(): profile for profile in _ORDER if profile in SRTP_PROFILES}
"""SRTP profiles by name, in the order in which we choose (the server's order decides)."""


class HandshakeState(enum.Enum):
    HANDSHAKING = enum.auto()
    CONNECTED = enum.auto()
    CLOSED = enum.auto()  # close_notify, from either side
    FAILED = enum.auto()


_TRANSITIONS = {
    HandshakeState.HANDSHAKING: {HandshakeState.CONNECTED, HandshakeState.FAILED, HandshakeState.CLOSED},
    HandshakeState.CONNECTED: {HandshakeState.CLOSED, HandshakeState.FAILED},
    HandshakeState.CLOSED: set[HandshakeState](),
    HandshakeState.FAILED: set[HandshakeState](),
}


class DtlsIdentity:
    """This process's certificate (ECDSA P-256, made at start, never stored) and the context that all peers share."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = generate_certificate(key)
        self.fingerprint = fingerprint_of(certificate)
        self._context = make_context(key, certificate, tuple(PROFILES.values()))

    def connect(self, setup: Setup, fingerprints: Sequence[Fingerprint], now: float) -> DtlsTransport:
        """`setup` is our role: ACTIVE sends the ClientHello."""
        return DtlsTransport(self._context, setup, fingerprints, now)


def fingerprint_of(certificate: x509.Certificate) -> Fingerprint:
    return Fingerprint(algorithm="sha-256", value=certificate_digest(certificate, "sha-256"))


def make_context(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, profiles: Sequence[SRTPProtectionProfile]
) -> SSL.Context:
    """DTLS 1.2 alone: no browser offered 1.3, and its flights are not what is resent below. Any certificate passes
    here, since it is checked against the offer's fingerprints afterwards (RFC 8122 §6.2)."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_max_proto_version(_DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_cipher_list(_CIPHERS)
    context.set_tlsext_use_srtp(b":".join(profile.openssl_profile for profile in profiles))
    return context


class DtlsTransport:
    """One peer's DTLS. After each call the caller sends `take()` and looks at `state`.

    `sending` and `receiving` are set once `state` is CONNECTED; `detail` says why it FAILED, for the log.
    """

    def __init__(self, context: SSL.Context, setup: Setup, fingerprints: Sequence[Fingerprint], now: float) -> None:
        self._connection = SSL.Connection(context)
        self._connection.set_ciphertext_mtu(MAX_DATAGRAM)
        self._client = setup is Setup.ACTIVE
        if self._client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._fingerprints = fingerprints
        self.state = HandshakeState.HANDSHAKING
        self.detail = ""
        self.sending: SrtpKeys | None = None
        self.receiving: SrtpKeys | None = None
        self._outgoing: list[bytes] = []
        self._flight: list[bytes] = []
        self._deadline = now + GIVE_UP
        self._wait = FIRST_RESEND
        self._resend_at = now + FIRST_RESEND
        self._repeated_at = now
        if self._client:
            self._advance(now)

    def receive(self, datagram: bytes, now: float) -> None:
        """Feed one datagram whose first byte says DTLS."""
        if self.state in (HandshakeState.CLOSED, HandshakeState.FAILED):
            return
        self._connection.bio_write(datagram)
        progressed = self._advance(now) if self.state is HandshakeState.HANDSHAKING else self._read()
        repeats = datagram[0] in _HANDSHAKE_RECORDS and not progressed
        if repeats and self._flight and now - self._repeated_at >= MIN_REPEAT:
            self._repeated_at = now
            self._outgoing += self._flight

    def tick(self, now: float) -> None:
        """Resend what seems lost, give up after 10 s. Call at least every 50 ms while handshaking."""
        if self.state is not HandshakeState.HANDSHAKING:
            return
        if now >= self._deadline:
            self._fail("not done in 10 s")
        elif now >= self._resend_at:
            self._wait = min(2 * self._wait, LAST_RESEND)
            self._resend_at = now + self._wait
            self._outgoing += self._flight
            self._openssl_timer()

    def close(self) -> None:
        """Queue close_notify for the peer (RFC 5246 §7.2.1)."""
        if self.state is HandshakeState.CONNECTED:
            with contextlib.suppress(SSL.Error):
                self._connection.shutdown()
            self._outgoing += _datagrams(self._drain())
        if self.state in (HandshakeState.CONNECTED, HandshakeState.HANDSHAKING):
            self._change(HandshakeState.CLOSED)

    def take(self) -> list[bytes]:
        """Datagrams to send, each at most 1,200 bytes; each is given once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _advance(self, now: float) -> bool:
        """True where the handshake went on, that is where OpenSSL had something new to send."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return self._new_flight(now)
        except SSL.ZeroReturnError:
            self._change(HandshakeState.CLOSED)
            return True
        except (SSL.Error, ValueError) as error:
            self._outgoing += _datagrams(self._drain())  # the alert
            self._fail(reason_of(error))
            return True
        self._new_flight(now)
        self._finish()
        return True

    def _new_flight(self, now: float) -> bool:
        flight = _datagrams(self._drain())
        if not flight:
            return False
        self._flight = flight
        self._outgoing += flight
        self._wait = FIRST_RESEND
        self._resend_at = now + FIRST_RESEND
        self._repeated_at = now
        return True

    def _finish(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self._fail(refusal)
            return
        profile = PROFILES[self._connection.get_selected_srtp_profile().decode()]
        size = 2 * (profile.key_length + profile.salt_length)
        material = self._connection.export_keying_material(_EXPORTER, size)
        name = profile.openssl_profile.decode()
        keys = [SrtpKeys(profile=name, key_and_salt=profile.get_key_and_salt(material, side)) for side in (0, 1)]
        self.sending, self.receiving = keys if self._client else keys[::-1]  # RFC 5764 §4.2: the client's is first
        self._change(HandshakeState.CONNECTED)

    def _refusal(self) -> str | None:
        """Why a handshake that OpenSSL accepts is still not ours (RFC 8122 §6.2, RFC 5764 §4.1.1)."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        known = [one for one in self._fingerprints if one.algorithm in X509_DIGEST_ALGORITHMS]
        if certificate is None or not known:
            return "no certificate to check"
        if any(certificate_digest(certificate, one.algorithm) != one.value for one in known):
            return "the certificate is not the one of the offer"
        if self._connection.get_selected_srtp_profile().decode() not in PROFILES:
            return "no common SRTP profile"
        return None

    def _read(self) -> bool:
        """After the handshake only close_notify and repeated flights matter. True where OpenSSL answered itself."""
        try:
            while True:
                self._connection.recv(MAX_DATAGRAM)  # application data: none is negotiated, so it is dropped
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error as error:
            self._fail(reason_of(error))
        answer = _datagrams(self._drain())
        self._outgoing += answer
        return bool(answer)

    def _openssl_timer(self) -> None:
        if self._connection.DTLSv1_get_timeout() == 0:
            try:
                self._connection.DTLSv1_handle_timeout()
            except SSL.Error as error:
                self._fail(reason_of(error))
            self._outgoing += _datagrams(self._drain())

    def _drain(self) -> bytes:
        chunks = []
        while True:
            try:
                chunks.append(self._connection.bio_read(65_536))
            except SSL.WantReadError:
                return b"".join(chunks)

    def _fail(self, detail: str) -> None:
        self.detail = detail
        self._change(HandshakeState.FAILED)

    def _change(self, to: HandshakeState) -> None:
        if to in _TRANSITIONS[self.state]:
            self.state = to


def reason_of(error: Exception) -> str:
    """OpenSSL's own words, such as "wrong curve" for the P-224 certificate of FFmpeg builds with GnuTLS."""
    stack = error.args[0] if error.args else None
    if isinstance(stack, list):
        return "; ".join(str(entry[-1]) for entry in stack) or type(error).__name__
    return str(error) or type(error).__name__


def _datagrams(records: bytes) -> list[bytes]:
    """Cut at record boundaries (13 bytes of header, the last two their length) and pack into datagrams."""
    datagrams: list[bytes] = []
    start = end = 0
    while end + RECORD_HEADER <= len(records):
        after = end + RECORD_HEADER + int.from_bytes(records[end + 11 : end + RECORD_HEADER], "big")
        if after - start > MAX_DATAGRAM and end > start:
            datagrams.append(records[start:end])
            start = end
        end = after
    if end > start:
        datagrams.append(records[start:end])
    return datagrams
