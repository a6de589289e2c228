"""`classroom serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", envvar="CLASSROOM_CONFIG", help="A TOML file.")]


def serve(
    config: Config = None,
    data: Annotated[Path | None, typer.Option("--data", help="The folder that holds everything.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to serve HTTP on.")] = None,
    port: Annotated[int | None, typer.Option(help="The HTTP port; 0 takes a free one.")] = None,
    udp_port: Annotated[int | None, typer.Option(help="The port of all media; 0 takes a free one.")] = None,
    advertise: Annotated[str | None, typer.Option(help="Addresses that browsers send media to, by commas.")] = None,
) -> None:
    """Run the service until it is told to stop; prints its address once it is ready."""
    from classroom.io.parent_subprocess import run

    flags = {
        "CLASSROOM_DATA_DIR": data,
        "CLASSROOM_HTTP_HOST": host,
        "CLASSROOM_HTTP_PORT": port,
        "CLASSROOM_UDP_PORT": udp_port,
        "CLASSROOM_ADVERTISE": advertise,
    }
    # Flags come before the environment, and the children are to see the same.
    os.environ.update({name: str(value) for name, value in flags.items() if value is not None})
    status = run(config)
    try:
        sys.stderr.flush()
    except BrokenPipeError:  # nobody reads the log: flushing it again at the end would turn the status into 120
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    sys.exit(status)
