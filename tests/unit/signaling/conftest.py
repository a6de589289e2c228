"""What tests of the packet paths have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signaling.io.port_udp import UdpPort


@pytest.fixture
def port() -> Iterator[UdpPort]:
    bound = UdpPort.bind("127.0.0.1", 0)
    yield bound
    bound.close()
