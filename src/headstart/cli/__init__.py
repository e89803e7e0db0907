"""The command line: a command parses, calls one verb, and prints."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run a command; exit with 0 if all went well, 2 if the user can fix it, 1 if Headstart failed."""
    from headstart.core.errors import HeadstartError
    from headstart.engines.cancelling import Stopped

    try:
        exit_code = _run(sys.argv[1:])
        sys.stdout.flush()  # a reader who has gone is met here, not while the interpreter ends
    except HeadstartError as error:
        _stop(str(error), error.exit_code)
    except (KeyboardInterrupt, Stopped):
        _stop("interrupted; run the same command again and it goes on where it was", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("HEADSTART_DEBUG"):
            raise
        _stop(
            f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}. This is a fault of Headstart's; "
            "set HEADSTART_DEBUG=1 to see where, and please report it.",
            1,
        )
    sys.exit(exit_code)


def _run(arguments: list[str]) -> int:
    """Parse and call; what a command raises comes through, for typer's own handling would hide or frame it."""
    import typer

    from headstart.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("headstart", arguments) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except Exception as error:
        # typer brings its own click in some versions and uses the installed one in others: known by what it can do
        if not hasattr(error, "format_message"):
            raise
        return _usage(error.format_message(), getattr(error, "ctx", None))
    return 0


def _usage(message: str, context: object) -> int:
    """Say what was wrong with the words of the command, in one line; without any words, show the help."""
    if "\n" in message:
        sys.stderr.write(f"{message}\n")
    else:
        command = getattr(context, "command_path", "headstart")
        message = message[:1].lower() + message[1:].rstrip(".")
        sys.stderr.write(f"headstart: {message}{'' if message.endswith('?') else '.'} See '{command} --help'.\n")
    return 2


def _stop(message: str, exit_code: int) -> None:
    sys.stderr.write(f"headstart: {message}\n")
    sys.exit(exit_code)
