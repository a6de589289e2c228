"""The doctor names what is wrong, and how to mend it."""

from __future__ import annotations

import datetime
import socket
from pathlib import Path
from typing import Any

import pytest

from classroom.io.certificate_cryptography import self_signed
from classroom.io.checkup_os import Finding, State, checkup
from classroom.settings import Settings, load
from signaling.io import packet_path


def free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(folder: Path, **given: Any) -> Settings:
    ports = {"http_port": free(socket.SOCK_STREAM), "udp_port": free(socket.SOCK_DGRAM)}
    return load(data_dir=folder / "data", **{**ports, **given})


async def found(chosen: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in await checkup(chosen)}


async def test_a_machine_that_serves_itself_needs_nothing(tmp_path: Path) -> None:
    findings = await found(settings(tmp_path))
    failing = [finding for finding in findings.values() if finding.state is State.FAIL and finding.name != "pages"]
    assert failing == []
    assert {"http port", "udp port", "certificate", "clock", "disk", "open files", "rmem_max", "wmem_max",
            "advertised address", "database", "packet path", "pages"} <= set(findings)  # fmt: skip
    assert not (tmp_path / "data").exists()  # a check makes nothing


async def test_a_port_in_use_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = (await found(settings(tmp_path, http_port=taken.getsockname()[1])))["http port"]
    assert finding.state is State.FAIL
    assert "CLASSROOM_HTTP_PORT" in finding.mend


async def test_serving_others_without_a_certificate_fails(tmp_path: Path) -> None:
    finding = (await found(settings(tmp_path, http_host="0.0.0.0")))["certificate"]
    assert finding.state is State.FAIL
    assert "CLASSROOM_TLS_CERT" in finding.mend


async def test_a_proxy_brings_its_own_certificate(tmp_path: Path) -> None:
    finding = (await found(settings(tmp_path, public_url="https://class.example.org")))["certificate"]
    assert finding.state is State.OK


@pytest.mark.parametrize(("days", "state"), [(300, State.OK), (390, State.WARN), (500, State.FAIL)])
async def test_a_certificate_that_runs_out_is_told(tmp_path: Path, days: int, state: State) -> None:
    made = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    cert, key = self_signed(tmp_path, ("class.example.org",), made)
    chosen = settings(tmp_path, tls_cert=cert, tls_key=key, public_url="https://class.example.org")
    assert (await found(chosen))["certificate"].state is state


async def test_a_certificate_for_another_name_fails(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, ("*.example.org",), datetime.datetime.now(datetime.UTC))
    for url, state in (("https://a.example.org", State.OK), ("https://a.b.example.org", State.FAIL)):
        chosen = settings(tmp_path, tls_cert=cert, tls_key=key, public_url=url)
        assert (await found(chosen))["certificate"].state is state


async def test_loopback_is_no_address_for_others(tmp_path: Path) -> None:
    chosen = settings(tmp_path, http_host="0.0.0.0", advertise="127.0.0.1")
    finding = (await found(chosen))["advertised address"]
    assert finding.state is State.FAIL
    assert "CLASSROOM_ADVERTISE" in finding.mend


async def test_a_database_that_does_not_answer_fails_without_its_password(tmp_path: Path) -> None:
    port = free(socket.SOCK_STREAM)
    chosen = settings(tmp_path, database_url=f"postgresql://clerk:hunter2@127.0.0.1:{port}/classroom")
    finding = (await found(chosen))["database"]
    assert finding.state is State.FAIL
    assert "hunter2" not in finding.found + finding.mend


async def test_a_database_and_a_redis_that_answer_are_named(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    findings = await found(settings(tmp_path, database_url=postgres_url, redis_url=redis_url))
    assert findings["database"].state is State.OK
    assert findings["database"].found.startswith("postgresql 1")
    assert findings["redis"].state is State.OK
    assert findings["nodes"].mend.startswith("set CLASSROOM_NODE_URLS")


async def test_a_node_that_does_not_answer_is_named(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    url = f"http://127.0.0.1:{free(socket.SOCK_STREAM)}"
    chosen = settings(tmp_path, database_url=postgres_url, redis_url=redis_url, node_url=url, node_urls=(url,))
    finding = (await found(chosen))["nodes"]
    assert (finding.state, finding.found.split(": ")[0]) == (State.WARN, url)


def test_the_example_configuration_can_be_used_and_every_setting_is_documented() -> None:
    root = Path(__file__).parents[3]
    chosen = load(root / "deploy" / "classroom.toml")
    assert (chosen.http_port, chosen.udp_port) == (8080, 8189)
    operations = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`CLASSROOM_{name.upper()}`" not in operations] == []


async def test_the_packet_path_in_use_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = (await found(settings(tmp_path, packet_path="reference")))["packet path"]
    assert (finding.state, finding.found.split()[0]) == (State.OK, "reference")
    assert (await found(settings(tmp_path)))["packet path"].found.split()[0] == "compiled"
    monkeypatch.setattr(packet_path, "offload_works", lambda port: False)
    finding = (await found(settings(tmp_path, packet_path="auto")))["packet path"]
    assert (finding.state, finding.found.split()[0]) == (State.WARN, "reference")
    finding = (await found(settings(tmp_path, packet_path="compiled")))["packet path"]
    assert finding.state is State.FAIL
    assert "CLASSROOM_PACKET_PATH" in finding.mend
