"""One measured run of any server.

    python -m benchmarks.viewers --viewers 400 --seconds 20
    python -m benchmarks.viewers --whep http://127.0.0.1:9000/whep --whip http://127.0.0.1:9000/whip --pid relay=1234

Without --whep the real `classroom serve` is started in a temporary folder, with a link for every viewer.
"""

from __future__ import annotations

import argparse
import asyncio

from benchmarks.viewers.report import console, grid, keep, summary, warn_if_void
from benchmarks.viewers.scenario import arguments, options_of, run
from benchmarks.viewers.stage import Other


def _other(given: argparse.Namespace) -> Other | None:
    if given.whep is None:
        return None
    rtp_to = None
    if given.rtp_to:
        host, audio, video = given.rtp_to.split(",")
        rtp_to = (host, int(audio), int(video))
    processes: dict[str, list[int]] = {}
    for one in given.pid:
        name, pid = one.split("=")
        processes.setdefault(name, []).append(int(pid))
    return Other(given.whep, given.ticket, given.whip, given.whip_ticket, rtp_to, processes, given.host)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.viewers", description=(__doc__ or "").splitlines()[0])
    arguments(parser, viewers=100, seconds=15.0)
    parser.add_argument("--loss", type=float, default=0.0, help="share of packets that lossy viewers throw away")
    parser.add_argument("--lossy", type=float, default=0.0, help="share of the viewers with loss")
    parser.add_argument("--whep", help="another server's WHEP address")
    parser.add_argument("--whip", default="", help="its WHIP address")
    parser.add_argument("--rtp-to", help="its ports for plain RTP, instead of WHIP: HOST,SOUND,PICTURE")
    parser.add_argument("--ticket", default="", help="the viewers' bearer token")
    parser.add_argument("--whip-ticket", default="", help="the publisher's, where it is another")
    parser.add_argument("--pid", action="append", default=[], metavar="NAME=PID", help="a process whose CPU counts")
    parser.add_argument("--host", default="127.0.0.1", help="our own address towards it")
    given = parser.parse_args(words)
    options = options_of(given, loss=given.loss, lossy=given.lossy, other=_other(given))
    figures = asyncio.run(run(options, given.seconds))
    grid(f"{figures['viewers']} viewers", summary(figures))
    warn_if_void(figures)
    if given.name:
        console.print(str(keep(given.name, "viewers at one server", {"runs": [figures]})))


if __name__ == "__main__":
    main()
