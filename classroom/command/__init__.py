"""`classroom` on the command line: one file per subcommand; each parses, calls and prints.

What takes long to import (the service, the media libraries, reports) is imported by the function that needs it, so
that `classroom --help` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """The program's entry. Exit status: 0 done, 1 it could not be done (a sentence says why), 2 wrong usage."""
    from classroom.command.app import run

    run()
