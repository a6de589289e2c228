from __future__ import annotations

from pathlib import Path

import pytest

from classroom.errors import SettingsError
from classroom.settings import load


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in tuple(os.environ):
        if name.startswith("CLASSROOM_"):
            monkeypatch.delenv(name)


def test_defaults_serve_this_machine_alone() -> None:
    settings = load()
    assert settings.http_host == "127.0.0.1"
    assert settings.scheme == "http"
    assert settings.database.startswith("sqlite:////")


def test_flags_before_environment_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "classroom.toml"
    file.write_text('http_port = 1001\nudp_port = 1001\nhttp_host = "::"\nadvertise = ["192.0.2.7"]\n')
    monkeypatch.setenv("CLASSROOM_HTTP_PORT", "1002")
    monkeypatch.setenv("CLASSROOM_UDP_PORT", "1002")
    settings = load(file, udp_port=1003, http_host=None)
    assert (settings.http_host, settings.http_port, settings.udp_port) == ("::", 1002, 1003)
    assert settings.advertise == ("192.0.2.7",)


def test_addresses_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSROOM_ADVERTISE", "192.0.2.1, 2001:db8::1,")
    assert load().advertise == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "x"),
        ("HTTP_PORT", "65536"),
        ("UDP_PORT", "-1"),
        ("ADVERTISE", "example.org"),
        ("PUBLIC_URL", "class.example.org"),
        ("PUBLIC_URL", "https://class.example.org/path"),
        ("REDIS_URL", "http://host"),
        ("TLS_CERT", "/nowhere.pem"),
        ("VIEWER_LIMIT", "0"),
        ("UPLINK_LIMIT", "900"),
        ("UPLINK_LIMIT", "-1"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_an_error_names_the_key(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"CLASSROOM_{name}", value)
    with pytest.raises(SettingsError, match=f"CLASSROOM_{name}"):
        load()


def test_every_error_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSROOM_HTTP_PORT", "x")
    monkeypatch.setenv("CLASSROOM_UDP_PORT", "y")
    with pytest.raises(SettingsError, match=r"HTTP_PORT[^\n]*\n.*UDP_PORT"):
        load()


def test_a_certificate_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.touch()
    monkeypatch.setenv("CLASSROOM_TLS_CERT", str(certificate))
    with pytest.raises(SettingsError, match="belong together"):
        load()


def test_a_misspelt_key_in_the_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "classroom.toml"
    file.write_text("http_prot = 1\n")
    with pytest.raises(SettingsError, match="HTTP_PROT"):
        load(file)


@pytest.mark.parametrize("text", ["http_port = \n", "\x00"])
def test_a_broken_file_is_one_error(text: str, tmp_path: Path) -> None:
    file = tmp_path / "classroom.toml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        load(file)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no configuration file"):
        load(tmp_path / "nothing.toml")


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSROOM_DATABASE_URL", "postgresql://user:secret@host/name")
    monkeypatch.setenv("CLASSROOM_REDIS_URL", "redis://:hidden@host/0")
    settings = load()
    assert "secret" not in repr(settings)
    assert "hidden" not in repr(settings)
    assert settings.database == "postgresql://user:secret@host/name"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"redis_url": "redis://h/0"}, "one PostgreSQL"),
        ({"node_url": "https://a.example"}, "set redis_url"),
        (
            {
                "redis_url": "redis://h/0",
                "database_url": "postgresql://h/n",
                "node_url": "https://a.example",
                "node_urls": "https://b.example,https://c.example",
            },
            "node_url must be one of them",
        ),
        ({"redis_url": "redis://h/0", "database_url": "postgresql://h/n", "node_urls": "b.example"}, "NODE_URLS"),
    ],
)
def test_what_nodes_need_is_named(flags: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load(None, **flags)


def test_nodes_are_named_by_their_origins() -> None:
    settings = load(
        None,
        redis_url="redis://h/0",
        database_url="postgresql://h/n",
        node_url="https://a.example/",
        node_urls="https://a.example/, https://b.example",
        keys_dir="/keys",
    )
    assert settings.node_url == "https://a.example"
    assert settings.node_urls == ("https://a.example", "https://b.example")
    assert (settings.keys, load().keys) == (Path("/keys"), Path("data/keys"))
