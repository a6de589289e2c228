"""How a run is shown and kept: progress, a table, JSON in benchmarks/results."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from benchmarks.viewers import cache
from benchmarks.viewers.processes import machine

RESULTS = Path(__file__).parent.parent / "results"
console = Console()


def progress() -> Progress:
    """On the standard error output, so that figures can be redirected; gone when it ends."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def grid(title: str, rows: Sequence[tuple[str, object]]) -> None:
    """Two columns: what, and its figure."""
    made = Grid(title=title, show_header=False, title_justify="left")
    made.add_column(style="dim")
    made.add_column(justify="right")
    for name, figure in rows:
        made.add_row(name, str(figure))
    console.print(made)


def lay_out(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    made = Grid(title=title, title_justify="left")
    for head in heads:
        made.add_column(head, justify="right")
    for row in rows:
        made.add_row(*(str(one) for one in row))
    console.print(made)


def keep(name: str, what: str, figures: dict[str, Any], about: dict[str, Any] | None = None) -> Path:
    """Write benchmarks/results/NAME.json with machine and command; returns its path."""
    about = about or machine()
    look = about["cache_ns"]
    if isinstance(look, float) and look > cache.BUSY:
        console.print(
            f"[yellow]others use this host's cache[/]: {look} ns a look (below {cache.BUSY:g} where nobody does); "
            "compare with figures of this run alone"
        )
    document = {"what": what, "command": command(), "machine": about, **figures}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path


def command() -> str:
    """As it can be typed again."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    module = spec.name.removesuffix(".__main__") if spec is not None else Path(sys.argv[0]).name
    return " ".join(["python -m", module, *sys.argv[1:]])


def warn_if_void(figures: dict[str, Any]) -> None:
    if figures["void"]:
        console.print(
            f"[bold white on red] VOID [/] the viewers' own sockets dropped {figures['dropped_by_viewers_sockets']} "
            "packets: this program was too slow, and the run says nothing about the server"
        )


def summary(figures: dict[str, Any]) -> list[tuple[str, object]]:
    """The rows of a measured part."""
    received, generator = figures["received"], figures["generator"]
    rows: list[tuple[str, object]] = [
        ("viewers", figures["viewers"]),
        ("seconds", figures["seconds"]),
        ("packets sent (sound, picture)", f"{figures['sent']['audio']:,}, {figures['sent']['video']:,}"),
        ("packets delivered to all", f"{figures['packets_delivered']:,}"),
        ("a second", f"{figures['packets_per_second']:,}"),
        (
            "lost after recovery",
            f"{received['lost']:,} at {received['viewers_with_loss']} viewers",
        ),
        (
            "share received: least of any viewer, mean",
            f"{_share(received['share_least'])}, {_share(received['share_mean'])}",
        ),
        (
            "recovered, duplicates, late (> 1 s)",
            f"{received['recovered']}, {received['duplicates']}, {received['late']}",
        ),
    ]
    for name, cost in figures["cpu"].items():
        rows.append(
            (
                f"CPU of {name}, µs a packet (of these in the kernel); core",
                f"{cost['microseconds_per_packet']:.2f} ({cost['of_these_in_the_kernel']:.2f}); {cost['core']:.0%}",
            )
        )
    rows += [(f"memory of {name}, MB", size) for name, size in figures["memory_mb"].items()]
    rows += [
        (f"of these for each viewer, KiB, {name}", size) for name, size in figures.get("kib_per_viewer", {}).items()
    ]
    rows += [
        ("sound, in to out, last viewer: p50, p99, max", _delays(figures["audio_delay_last_viewer_ms"])),
        ("… while a key frame was on its way", _delays(figures["audio_delay_last_viewer_key_frames_ms"])),
        ("picture, begin of a frame to its end at the last viewer", _delays(figures["video_delay_last_viewer_ms"])),
        ("longest gap of sound: median and worst viewer", _gap(figures["longest_gap_ms"]["audio"])),
        ("longest gap of picture", _gap(figures["longest_gap_ms"]["video"])),
        ("dropped by the relay", figures.get("dropped_by_relay") or "nothing"),
        ("verified byte by byte, wrong", f"{figures['verified']['packets']:,}, {figures['verified']['wrong']}"),
        ("dropped by the viewers' sockets", figures["dropped_by_viewers_sockets"]),
        (
            "this program: core, µs a packet, slowest visit",
            f"{generator['core']:.0%}, {generator['microseconds_per_packet']}, {generator['slowest_visit_ms']} ms",
        ),
        *([("room", figures["room"])] if "room" in figures else []),
        ("machine busy", f"{figures['machine_busy']:.0%}"),
        ("publisher late at most", f"{generator['publisher_latest_ms']} ms"),
    ]
    return rows


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3f} %"


def _delays(found: dict[str, float]) -> str:
    return f"{found['p50']:.1f}, {found['p99']:.1f}, {found['max']:.1f} ms" if found else "-"


def _gap(found: dict[str, float]) -> str:
    return f"{found['p50']:.0f}, {found['max']:.0f} ms" if found else "-"
