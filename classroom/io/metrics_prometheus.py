"""What the service measures of itself, for Prometheus. No label ever names a member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from classroom.room.messages import Quality
from signaling.control import Load


class Meter:
    """Gauges are read when they are asked for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        make: dict[str, Any] = {"namespace": "classroom", "registry": self._registry}
        self._fps = Histogram(
            "viewer_fps", "Frames a second, as pages report", buckets=(1, 5, 10, 15, 20, 25, 30, 60), **make
        )
        self._loss = Histogram(
            "viewer_loss", "Share of packets lost, as pages report", buckets=(0.001, 0.01, 0.02, 0.05, 0.1, 0.3), **make
        )
        self._freezes = Counter("viewer_freezes", "Freezes that pages reported", **make)
        self._publications = Gauge("relay_publications", "Publications open at the relay", **make)
        self._viewers = Gauge("relay_viewers", "Viewers open at the relay", **make)
        self._packets_in = Gauge("relay_packets_in", "Packets received since the relay started", **make)
        self._packets_out = Gauge("relay_packets_out", "Packets sent since the relay started", **make)
        self._bytes_out = Gauge("relay_bytes_out", "Bytes sent since the relay started", **make)
        self._cpu = Gauge("relay_cpu_seconds", "CPU time of the relay since it started", **make)
        self._uplink_used = Gauge("relay_uplink_used_bits", "Bits a second that leave the relay", **make)
        self._uplink_limit = Gauge("relay_uplink_limit_bits", "Bits a second that may; 0: no limit is set", **make)
        self._dropped = Gauge("relay_dropped", "Packets dropped before numbering", ["reason"], **make)

    def watch(self, name: str, help_: str, value: Callable[[], float]) -> None:
        """A gauge whose value is asked for at each reading."""
        Gauge(name, help_, namespace="classroom", registry=self._registry).set_function(value)

    def quality(self, quality: Quality) -> None:
        """What a page says of its own picture."""
        if quality.fps is not None:
            self._fps.observe(quality.fps)
        if quality.loss is not None:
            self._loss.observe(quality.loss)
        if quality.freezes:
            self._freezes.inc(quality.freezes)

    def load(self, load: Load) -> None:
        self._publications.set(load.publications)
        self._viewers.set(load.viewers)
        self._packets_in.set(load.packets_in)
        self._packets_out.set(load.packets_out)
        self._bytes_out.set(load.bytes_out)
        self._cpu.set(load.cpu_seconds)
        self._uplink_used.set(load.uplink_used)
        self._uplink_limit.set(load.uplink_limit)
        for reason, count in load.dropped.items():
            self._dropped.labels(reason).set(count)

    def exposition(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)
