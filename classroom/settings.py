"""Everything that can be configured: flags over `CLASSROOM_…` over one TOML file over defaults, checked at start."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from classroom.errors import SettingsError
from signaling.session.turnstile import AT_ONCE

Port = Annotated[int, Field(ge=0, le=65_535)]
PREFIX = "CLASSROOM_"
LEAST_UPLINK = 1_000_000
"""Less is a number of megabits, taken for bits."""


class Settings(BaseSettings):
    """The service's settings; the key `http_port` is CLASSROOM_HTTP_PORT in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Path("data")
    """Holds everything: the embedded database, keys, the spool, the service's Unix sockets."""
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    """0 takes a free one; the line that `serve` prints says which."""
    udp_port: Port = 8189
    advertise: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses that browsers are told to send media to; this machine's own when empty."""
    public_url: str | None = None
    """How people reach the service, where a proxy stands before it: https://class.example.org"""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    database_url: SecretStr | None = None
    """sqlite:///path or postgresql://…; a SQLite file in the data folder when empty."""
    redis_url: SecretStr | None = None
    """Joins several nodes to one service: redis://host:6379/0. They share one PostgreSQL and the same keys."""
    node_url: str | None = None
    """With Redis: how pages reach this very node, for media; `public_url`, or its own address, when empty."""
    node_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """With Redis: `node_url` of every node. Pages send their media to these, and to no other address."""
    keys_dir: Path | None = None
    """Where the keys are; `keys` in the data folder when empty."""
    viewer_limit: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    """Viewers of all lectures together; whoever comes after that is told that the lecture is full."""
    entering_at_once: Annotated[int, Field(ge=1, le=10_000)] = AT_ONCE
    """So many tickets, sockets and offers (each counted by itself) are dealt with at the same time; whoever comes
    beyond is asked to come again in a few seconds, and pages do."""
    uplink_limit: Annotated[int, Field(ge=0)] = 0
    """Bits a second that may leave this machine; 0: no limit is kept, for what a line carries cannot be found out and a
    guess too low would spoil every picture."""
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Days after which chat, questions and polls of a lecture go, and people who left the roster; 0: they are kept."""
    packet_path: Literal["auto", "compiled", "reference"] = "auto"
    """How the relay encrypts and sends: `auto` is compiled code where this machine can, and falls back where not."""
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"

    @field_validator("advertise", "node_urls", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("advertise")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            ipaddress.ip_address(address)
        return value

    @field_validator("uplink_limit")
    @classmethod
    def _uplink(cls, value: int) -> int:
        if 0 < value < LEAST_UPLINK:
            raise ValueError(f"it is in bits a second: 900000000 for 900 Mbps; {LEAST_UPLINK} at least, or 0 for none")
        return value

    @field_validator("public_url", "node_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        return None if value is None else _origin(value)

    @field_validator("node_urls")
    @classmethod
    def _urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_origin(url) for url in value)

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("write it like redis://host:6379/0")
        return value

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _pair(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: set both or neither")
        return self

    @model_validator(mode="after")
    def _nodes(self) -> Settings:
        if self.redis_url is None and (self.node_url is not None or self.node_urls):
            raise ValueError("node_url and node_urls are for several nodes: set redis_url too")
        if self.redis_url is not None and not self.database.startswith("postgres"):
            raise ValueError("redis_url joins nodes, which share one PostgreSQL: set database_url to it")
        if self.node_urls and self.node_url not in self.node_urls:
            raise ValueError("node_urls are those of all nodes: node_url must be one of them")
        return self

    @property
    def keys(self) -> Path:
        return self.data_dir / "keys" if self.keys_dir is None else self.keys_dir

    @property
    def database(self) -> str:
        """The database's URL, with its password."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir.absolute() / 'classroom.sqlite3'}"
        return self.database_url.get_secret_value()

    @property
    def scheme(self) -> str:
        return "http" if self.tls_cert is None else "https"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, file_secret_settings, toml


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("write it like https://class.example.org, without a path")
    return url.rstrip("/")


def load(file: Path | None = None, **flags: Any) -> Settings:
    """Settings from flags (those that are not None), the environment and a TOML file.

    Raises `SettingsError`, which names each key that cannot be used, by its name in the environment.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if file is not None and not file.is_file():
        raise SettingsError(f"there is no configuration file {file}")

    class FromFile(Settings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, toml_file=file)

    try:
        return FromFile(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_complaint(each) for each in error.errors())) from None
    except ValueError as error:  # tomllib's own
        raise SettingsError(f"{file}: {error}") from None


def _complaint(error: Any) -> str:
    """One line: the key, what is wrong; never the value, which may be a secret."""
    key = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{key.upper()}: {message}" if key else message
