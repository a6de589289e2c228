"""FFmpeg publishes by WHIP: DTLS by GnuTLS, where we are the active side; and its own P-224 certificate is named."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiortc.rtcdtlstransport import generate_certificate
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signaling.control import Closing, PeerClosed, PublicationFlowing
from signaling.session.offer import Codec
from tests.interop.relay_service import RelayService, until


async def ffmpeg(service: RelayService, *files: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.interop.ffmpeg_publisher",
        f"{service.url}/whip/evening/lecturer",
        "dean",
        *map(str, files),
        stderr=asyncio.subprocess.DEVNULL,
    )


async def test_ffmpeg_publishes_with_a_p256_certificate(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(generate_certificate(key).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    async with RelayService(tmp_path) as service:
        publisher = await ffmpeg(service, certificate, private)
        await until(lambda: any(isinstance(event, PublicationFlowing) for event in service.events))
        (flowing,) = [event for event in service.events if isinstance(event, PublicationFlowing)]
        assert flowing.video is Codec.H264
        publisher.kill()
        await publisher.wait()


async def test_the_certificate_that_gnutls_makes_is_refused_by_name(tmp_path: Path) -> None:
    async with RelayService(tmp_path) as service:
        publisher = await ffmpeg(service)
        await until(lambda: any(isinstance(event, PeerClosed) for event in service.events))
        (closed,) = [event for event in service.events if isinstance(event, PeerClosed)]
        assert (closed.reason, closed.detail) == (Closing.HANDSHAKE, "wrong curve")
        assert await asyncio.wait_for(publisher.wait(), 20) != 0
