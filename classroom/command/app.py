"""All subcommands in one program, and what it does with the errors they raise."""

from __future__ import annotations

import sys

import typer

from classroom.command import attendance, db, demo, doctor, lecture, links, publish, roster, rule, serve, site, staff
from classroom.command.output import explain

app = typer.Typer(
    name="classroom",
    help="A live online lecture service with attendance that can be defended.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(demo.demo)
app.add_typer(lecture.app, name="lecture")
app.add_typer(roster.app, name="roster")
app.add_typer(rule.app, name="rule")
app.add_typer(links.app, name="links")
app.add_typer(site.app, name="site")
app.command()(publish.publish)
app.add_typer(attendance.app, name="attendance")
app.add_typer(staff.app, name="staff")
app.add_typer(db.app, name="db")
app.command()(doctor.doctor)


def run() -> None:
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone; there is nobody to tell
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        typer.echo(f"classroom: {sentence}", err=True)
        sys.exit(1)
