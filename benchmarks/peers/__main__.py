"""Our relay beside Janus and Pion: the same stream, the same viewers, the same machine, turn by turn.

    python -m benchmarks.peers --viewers 400 --repeats 3 [--route local|veth|both] [--largest]

`make bench-peers` installs what is needed and runs it. Every turn starts its relay anew, lets the audience of
benchmarks/viewers join while the stream flows, and measures once all are there. Everything happens in network
namespaces of the run's own (network.py). `--largest` looks for the audience that each relay still carries without a
lost packet; a turn in which the viewers' own sockets overflowed says nothing and is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.peers import relay_janus, relay_ours, relay_pion
from benchmarks.peers.comparison import OURS, Turn, largest, orders, side_by_side, table
from benchmarks.peers.load import PROFILE, NoAudience, turn
from benchmarks.peers.network import INSIDE, Network, enter, network
from benchmarks.peers.subject import Subject
from benchmarks.viewers.processes import machine
from tests.servers.process import folder

RESULTS = Path(__file__).parents[1] / "results"
ROUTES = {"local": ("local",), "veth": ("veth",), "both": ("local", "veth")}
FIRST_SIZE = {OURS: 1_600, "janus": 400, "pion": 800, "pion-bare": 800}
"""Audiences that the search for the largest one starts with."""
STEP = 80
PACKAGES = ("janus", "libnice10", "libsrtp2-1", "golang-go", "golang-github-pion-webrtc.v3-dev")

Start = Callable[[Path, Network, int], AbstractContextManager[Subject]]


def relays(names: list[str], built: Path) -> dict[str, Start]:
    """How each relay is started: with a folder of its own, for so many viewers."""
    program = relay_pion.build(built) if any(name.startswith("pion") for name in names) else built
    known: dict[str, Start] = {
        OURS: relay_ours.relay,
        "janus": lambda where, net, viewers: relay_janus.relay(where, net),
        "pion": lambda where, net, viewers: relay_pion.relay(where, net, program, interceptors=True),
        "pion-bare": lambda where, net, viewers: relay_pion.relay(where, net, program, interceptors=False),
    }
    return {name: known[name] for name in names}


class Comparison:
    """Takes turns and keeps what they gave."""

    def __init__(self, starts: dict[str, Start], seconds: float) -> None:
        self.turns: list[Turn] = []
        self.details: list[dict[str, object]] = []
        self.failures: list[str] = []
        self._starts = starts
        self._seconds = seconds

    def take(self, name: str, net: Network, viewers: int) -> Turn | None:
        """None: the relay did not start, or did not take that audience; `failures` says why."""
        try:
            with folder("peers") as where, contextlib.ExitStack() as stack:
                subject = _begin(stack, self._starts[name](where, net, viewers))
                taken, detail = asyncio.run(turn(subject, net, viewers, self._seconds))
        except NoAudience as error:
            self.failures.append(f"{name}, {viewers} viewers, {net.route}: {error}")
            print(self.failures[-1], flush=True)
            return None
        self.turns.append(taken)
        self.details.append(detail)
        print(
            f"{name}, {viewers} viewers, {net.route}: {taken.microseconds:.2f} µs a packet, {_ended(taken)}", flush=True
        )
        return taken

    def largest(self, name: str, net: Network, most: int) -> Found:
        """Looks for the largest audience that the relay carries. A turn that is void is taken once more."""
        beyond: dict[int, str] = {}

        def carries(viewers: int) -> bool:
            taken = self.take(name, net, viewers)
            if taken is not None and taken.void:
                taken = self.take(name, net, viewers)
            if taken is None or not taken.carried:
                beyond[viewers] = self.failures[-1] if taken is None else _ended(taken)
            return viewers not in beyond

        size = largest(carries, FIRST_SIZE[name], most, STEP)
        first = min((viewers for viewers in beyond if viewers > size), default=None)
        return Found(size, "" if first is None else f"with {first}: {beyond[first]}")


@dataclass(frozen=True)
class Found:
    viewers: int
    beyond: str  # what happened with the next larger audience that was tried; empty where none was


def _begin(stack: contextlib.ExitStack, relay: AbstractContextManager[Subject]) -> Subject:
    try:
        return stack.enter_context(relay)
    except RuntimeError as error:
        raise NoAudience(f"did not start: {error}") from error


def _ended(taken: Turn) -> str:
    return taken.void or f"{taken.lost} lost of {taken.sent * taken.viewers}"


def run(given: argparse.Namespace) -> dict[str, object]:
    """Takes all turns, prints the table, and returns what goes into the JSON."""
    before = machine()
    with folder("peers-build") as built:
        comparison = Comparison(relays(given.relays, built), given.seconds)
        measured: list[Turn] = []
        audiences: dict[str, dict[str, Found]] = {}
        for route in ROUTES[given.route]:
            with network(route) as net:
                for name in orders(given.relays, given.repeats):
                    taken = comparison.take(name, net, given.viewers)
                    measured += [] if taken is None else [taken]
                if given.largest:
                    audiences[route] = {name: comparison.largest(name, net, given.most) for name in given.relays}
    rows = side_by_side(measured)
    print(_report(rows, audiences))
    return {
        "what": "relays side by side",
        "command": _command(given),
        "machine": before,
        "versions": _versions(),
        "srtp_profile": PROFILE,
        "rows": rows,
        "largest": {route: {name: asdict(one) for name, one in found.items()} for route, found in audiences.items()},
        "failures": comparison.failures,
        "turns": [
            {**asdict(one), "microseconds_per_packet": round(one.microseconds, 3), "figures": detail}
            for one, detail in zip(comparison.turns, comparison.details, strict=True)
        ],
    }


def _command(given: argparse.Namespace) -> str:
    command = f"python -m benchmarks.peers --viewers {given.viewers} --seconds {given.seconds:g}"
    command += f" --repeats {given.repeats} --route {given.route} --relays {' '.join(given.relays)}"
    return command + (f" --largest --most {given.most}" if given.largest else "")


def _versions() -> dict[str, str]:
    found = subprocess.run(
        ["dpkg-query", "--show", *PACKAGES], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    return dict(line.split("\t", 1) for line in found if "\t" in line)


def _report(rows: list[dict[str, object]], audiences: dict[str, dict[str, Found]]) -> str:
    lines = [table(rows)]
    for route, found in audiences.items():
        lines.append(f"\nthe largest audience without a lost packet ({route}, to {STEP} viewers):")
        lines += [
            f"  {name}: {one.viewers}" + (f" ({one.beyond})" if one.beyond else "") for name, one in found.items()
        ]
    return "\n".join(lines)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--viewers", type=int, default=400)
    parser.add_argument(
        "--seconds", type=float, default=16.0, help="measured time of a turn (a key frame comes every 4 s)"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--route", choices=list(ROUTES), default="local", help="veth: each packet passes a device pair")
    parser.add_argument("--relays", nargs="+", choices=list(FIRST_SIZE), default=list(FIRST_SIZE))
    parser.add_argument("--largest", action="store_true", help="look for the largest audience of each, too")
    parser.add_argument("--most", type=int, default=3_200, help="where that search ends")
    parser.add_argument("--output", type=Path, help="where the JSON goes (default: benchmarks/results)")
    return parser.parse_args(words)


def main() -> None:
    inside = sys.argv[1:2] == [INSIDE]
    words = sys.argv[2:] if inside else sys.argv[1:]
    given = _arguments(words)
    if not inside:
        enter("benchmarks.peers", words)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that relays are stopped in order
    result = run(given)
    output = given.output or RESULTS / f"peers-{given.viewers}{'-largest' if given.largest else ''}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
