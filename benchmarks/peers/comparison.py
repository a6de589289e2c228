"""What the turns of a comparison say, side by side. No IO."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

OURS = "classroom"


@dataclass(frozen=True)
class Turn:
    """One relay, one audience, one measured time. Seconds of CPU are user and system time together unless said."""

    relay: str
    route: str
    viewers: int
    seconds: float
    sent: int  # packets that each viewer should get
    delivered: int  # packets, to all viewers together
    lost: int  # after recovery, of all viewers
    worst_viewer: float  # share of its packets that the viewer with the fewest got
    cpu: float  # of the relay's process, all threads
    cpu_in_kernel: float
    signaling_cpu: float  # of the other processes that belong to it
    joining_seconds: float
    joining_cpu: float  # of the relay and its signaling
    resident_bytes: int  # of the relay, with all viewers
    void: str = ""  # why this turn says nothing of the relay

    @property
    def microseconds(self) -> float:
        """CPU of the relay for each packet delivered to a viewer."""
        return 1e6 * self.cpu / max(self.delivered, 1)

    @property
    def carried(self) -> bool:
        """Every viewer got every packet."""
        return not self.void and self.lost == 0


def orders(relays: Sequence[str], repeats: int) -> Iterator[str]:
    """Who is next: each relay once a repeat, and each time another one first, so that what else the machine does and
    what a predecessor leaves behind falls on all."""
    for repeat in range(repeats):
        first = repeat % len(relays)
        yield from (*relays[first:], *relays[:first])


def side_by_side(turns: Sequence[Turn]) -> list[dict[str, object]]:
    """A row for each relay, route and size: medians of the turns in which nothing was lost, or of all where there is no
    such turn; never of void ones. `lost` and `worst_viewer` are those of the worst turn. The ratio is to ours on the
    same route with as many viewers."""
    groups: dict[tuple[str, int, str], list[Turn]] = {}
    for turn in turns:
        groups.setdefault((turn.route, turn.viewers, turn.relay), []).append(turn)
    rows = []
    for (route, viewers, relay), all_turns in groups.items():
        row: dict[str, object] = {"route": route, "viewers": viewers, "relay": relay}
        told = [turn for turn in all_turns if not turn.void]
        row |= {"turns": len(told), "turns_without_loss": sum(turn.carried for turn in told)}
        if told:
            row |= _figures(_best(told))
            row["lost"] = max(turn.lost for turn in told)
            row["worst_viewer"] = round(min(turn.worst_viewer for turn in told), 4)
            ours = _best([turn for turn in groups.get((route, viewers, OURS), []) if not turn.void])
            row["times_ours"] = round(_median(_best(told)) / _median(ours), 2) if ours else None
        rows.append(row)
    return rows


def _best(turns: list[Turn]) -> list[Turn]:
    return [turn for turn in turns if turn.carried] or turns


def _figures(turns: list[Turn]) -> dict[str, object]:
    costs = sorted(turn.microseconds for turn in turns)
    return {
        "microseconds_per_packet": round(_median(turns), 2),
        "from_to": [round(costs[0], 2), round(costs[-1], 2)],
        "of_these_in_the_kernel": round(
            statistics.median(1e6 * turn.cpu_in_kernel / max(turn.delivered, 1) for turn in turns), 2
        ),
        "percent_of_a_core": round(statistics.median(100 * turn.cpu / turn.seconds for turn in turns), 1),
        "percent_of_a_core_signaling": round(
            statistics.median(100 * turn.signaling_cpu / turn.seconds for turn in turns), 1
        ),
        "packets_per_second": round(statistics.median(turn.delivered / turn.seconds for turn in turns)),
        "milliseconds_per_join": round(statistics.median(1e3 * turn.joining_cpu / turn.viewers for turn in turns), 2),
        "kilobytes_per_viewer": round(statistics.median(turn.resident_bytes / turn.viewers / 1024 for turn in turns)),
    }


def _median(turns: list[Turn]) -> float:
    return statistics.median(turn.microseconds for turn in turns)


COLUMNS = {
    "route": "route",
    "viewers": "viewers",
    "relay": "relay",
    "microseconds_per_packet": "µs a packet",
    "from_to": "from, to",
    "of_these_in_the_kernel": "in the kernel",
    "times_ours": "times ours",
    "percent_of_a_core": "% of a core",
    "percent_of_a_core_signaling": "% signaling",
    "packets_per_second": "packets/s",
    "lost": "lost",
    "worst_viewer": "worst viewer",
    "milliseconds_per_join": "ms a join",
    "kilobytes_per_viewer": "KiB a viewer",
    "turns": "turns",
    "turns_without_loss": "without loss",
}


def table(rows: Sequence[dict[str, object]]) -> str:
    lines = [tuple(COLUMNS.values()), *(tuple(_cell(row.get(key)) for key in COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "–".join(str(each) for each in value)
    return "" if value is None else str(value)


def largest(carries: Callable[[int], bool], start: int, most: int, step: int) -> int:
    """The largest audience that `carries`, to `step` viewers: doubled (or halved) from `start` until the answer
    changes, then by halves. 0 where not even `step` is carried. Asks at most some fifteen times."""
    good, bad = 0, most + step
    size = min(start, most)
    while bad - good > step:
        if carries(size):
            good = size
        else:
            bad = size
        if good == 0:
            size = bad // 2
        elif bad > most:
            size = min(2 * good, most)
        else:
            size = (good + bad) // 2
        size = max(step, size // step * step)
        if size <= good or size >= bad:
            break
    return good
