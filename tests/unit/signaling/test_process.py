"""The relay process's settings, and the addresses that its answers name."""

from __future__ import annotations

import ipaddress

import msgspec
import pytest

from signaling.io import process_epoll
from signaling.io.intake import ReferenceIntake
from signaling.io.intake_recvmmsg import CompiledIntake
from signaling.io.libsrtp_address import Unavailable
from signaling.io.port_udp import UdpPort
from signaling.io.process_epoll import RelaySettings, advertised, choose_intake


def test_settings_from_json() -> None:
    text = '{"control": "/run/control", "udp_descriptor": 5, "advertise": ["192.0.2.1"], "limits": {"viewers": 7}}'
    settings = msgspec.json.decode(text, type=RelaySettings)
    assert (settings.control, settings.udp_descriptor, settings.advertise) == ("/run/control", 5, ("192.0.2.1",))
    assert settings.limits.viewers == 7
    assert settings.fanout == "auto"
    assert settings.limits.publications == RelaySettings(control="").limits.publications


def test_configured_addresses_are_advertised_in_their_order() -> None:
    assert advertised(("2001:db8:0::1", "192.0.2.1"), "::", 5000) == (("2001:db8::1", 5000), ("192.0.2.1", 5000))


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7", "::1"])
def test_else_the_address_that_the_port_is_bound_to(host: str) -> None:
    assert advertised((), host, 5000) == ((host, 5000),)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_else_addresses_by_which_this_machine_is_reached(host: str) -> None:
    found = advertised((), host, 5000)
    assert found
    for address, port in found:
        assert port == 5000
        assert not ipaddress.ip_address(address).is_unspecified


def test_a_name_is_no_address() -> None:
    with pytest.raises(ValueError, match=r"lecture\.example"):
        advertised(("lecture.example",), "::", 5000)


def test_the_intake_follows_the_packet_path(monkeypatch: pytest.MonkeyPatch) -> None:
    port = UdpPort.bind("127.0.0.1", 0)
    reference, auto, compiled = (RelaySettings(control="", fanout=path) for path in ("reference", "auto", "compiled"))
    assert isinstance(choose_intake(port, reference), ReferenceIntake)
    assert isinstance(choose_intake(port, auto), CompiledIntake)
    assert isinstance(choose_intake(port, compiled), CompiledIntake)

    def missing() -> int:
        raise Unavailable("the C library: no recvmmsg")

    monkeypatch.setattr(process_epoll, "recvmmsg_address", missing)
    assert isinstance(choose_intake(port, auto), ReferenceIntake)
    with pytest.raises(Unavailable):
        choose_intake(port, compiled)
    port.close()
