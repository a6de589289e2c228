"""What a demonstration makes of its options, and what it keeps."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import stat
from pathlib import Path

import pytest

from classroom.command import demo
from classroom.command.demo import configure, own_address
from classroom.command.publish import trust
from classroom.io.certificate_cryptography import read, self_signed
from classroom.io.demonstration_file import Demonstration, keep, kept
from classroom.io.media_av import examine
from classroom.settings import load

NOW = datetime.datetime(2031, 1, 31, 12, 0, tzinfo=datetime.UTC)
SAMPLE = Path(__file__).parents[3] / "classroom" / "sample"


def test_alone_it_serves_loopback_without_a_certificate(tmp_path: Path) -> None:
    environment, settings = configure(load(data_dir=tmp_path, http_port=18080), None)
    assert settings.http_host == "127.0.0.1"
    assert settings.tls_cert is None
    assert "127.0.0.1" in settings.advertise
    assert environment["CLASSROOM_HTTP_PORT"] == "18080"
    assert environment["CLASSROOM_ADVERTISE"].split(",") == list(settings.advertise)


def test_for_others_it_makes_a_certificate_that_names_the_address(tmp_path: Path) -> None:
    environment, settings = configure(load(data_dir=tmp_path, http_port=18080), "127.0.0.2")
    assert (settings.http_host, settings.advertise[0]) == ("127.0.0.2", "127.0.0.2")
    assert own_address() in settings.advertise, "answers leave from the route's own address"
    assert settings.tls_cert is not None
    assert environment["CLASSROOM_TLS_CERT"] == str(settings.tls_cert)
    assert "127.0.0.2" in read(settings.tls_cert).names
    assert stat.S_IMODE((settings.tls_cert.parent / "key.pem").stat().st_mode) == 0o600


def test_a_name_is_what_people_are_sent_to(tmp_path: Path) -> None:
    _, settings = configure(load(data_dir=tmp_path, http_port=18080), "localhost")
    assert settings.public_url == "https://localhost:18080"


def test_the_certificate_is_kept_while_it_fits(tmp_path: Path) -> None:
    cert, _ = self_signed(tmp_path, ("192.0.2.7", "localhost"), NOW)
    first = read(cert).fingerprint
    assert read(self_signed(tmp_path, ("192.0.2.7",), NOW)[0]).fingerprint == first
    assert read(self_signed(tmp_path, ("192.0.2.8",), NOW)[0]).fingerprint != first
    second = read(cert).fingerprint
    assert read(self_signed(tmp_path, ("192.0.2.8",), NOW + datetime.timedelta(days=390))[0]).fingerprint != second


def test_a_browser_that_trusts_the_certificate_may_use_it(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, ("127.0.0.1",), datetime.datetime.now(datetime.UTC))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    context = trust(cert)
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert trust(None) is None


def test_links_and_sign_in_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    demonstration = Demonstration("abc", "demo1234", "a password")
    keep(tmp_path, demonstration)
    keep(tmp_path, demonstration)
    assert kept(tmp_path) == demonstration
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("{", encoding="utf-8")
    assert kept(tmp_path) is None


def test_the_sample_is_copied_as_it_is_and_ends_together() -> None:
    film = examine(SAMPLE / "lecture.mp4")
    assert [(medium.kind, medium.copy) for medium in film.media] == [("video", True), ("audio", True)]
    assert 60 <= film.seconds <= 90
    assert (SAMPLE / "lecture.mp4").stat().st_size < 1_700_000


@pytest.mark.parametrize("file", ["roster.csv", "lecture.mp4", "slides.html", "make.py"])
def test_the_sample_has_its_parts(file: str) -> None:
    assert (SAMPLE / file).is_file()


async def test_the_service_is_waited_for_no_longer_than_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    said, ended, silent = asyncio.StreamReader(), asyncio.StreamReader(), asyncio.StreamReader()
    said.feed_data(b"http://127.0.0.1:8080\n")
    ended.feed_eof()
    stop = asyncio.Event()
    assert await demo.ready(said, stop)
    assert not await demo.ready(ended, stop)
    monkeypatch.setattr(demo, "READY_SECONDS", 0.01)
    assert not await demo.ready(silent, stop)
    stop.set()
    assert await demo.ready(silent, stop)
