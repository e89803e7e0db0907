"""The command line: a command parses, calls one verb, and prints."""

from __future__ import annotations

import os
import re
import sys

_MEMORY_WORDS = re.compile(
    r"bad_alloc|bad allocation|failed to allocate|unable to allocate|(can't|cannot) allocate|not enough memory|out of memory|"
    r"failed to map segment|can't start new thread",
    re.IGNORECASE,
)
_NO_MEMORY = (
    "memory ran out, or threads did: what the machine has, or what is allowed here (ulimit -v, a container's limit). "
    "Allow more, or need less with HEADSTART_THREADS=1, a smaller source or fewer items at once."
)


def main() -> None:
    """Run a command; exit with 0 if all went well, 2 if the user can fix it, 1 if Headstart failed."""
    from headstart.cli.streams import abandon_output, finish, open_streams
    from headstart.core.errors import HeadstartError
    from headstart.engines.cancelling import Stopped

    open_streams()
    try:
        exit_code = _run(sys.argv[1:])
        finish()
    except (KeyboardInterrupt, Stopped):
        _stop("interrupted; run the same command again and it goes on where it was", 130)
    except BrokenPipeError:
        abandon_output()
        sys.exit(0)
    except Exception as error:
        if _ran_out_of_memory(error):
            _stop(_NO_MEMORY, 2)
        if isinstance(error, HeadstartError):
            _stop(str(error), error.exit_code)
        if os.environ.get("HEADSTART_DEBUG"):
            raise
        _stop(
            f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}. This is a fault of Headstart's; "
            "set HEADSTART_DEBUG=1 to see where, and please report it.",
            1,
        )
    sys.exit(exit_code)


def _ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether it, or what it was raised from, says that there is no more memory: each library has its own words."""
    from headstart.core.errors import HeadstartError

    while error is not None:
        # our own messages may quote the user's data
        is_quoted = isinstance(error, HeadstartError)
        if isinstance(error, MemoryError) or (not is_quoted and _MEMORY_WORDS.search(str(error))):
            return True
        error = error.__cause__ or error.__context__
    return False


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
    from headstart.cli.output import say

    if "\n" in message:
        say(message)
    else:
        command = getattr(context, "command_path", "headstart")
        message = message[:1].lower() + message[1:].rstrip(".")
        say(f"headstart: {message}{'' if message.endswith('?') else '.'} See '{command} --help'.")
    return 2


def _stop(message: str, exit_code: int) -> None:
    from headstart.cli.output import say
    from headstart.cli.streams import abandon_output, finish
    from headstart.core.errors import StorageError

    say(f"headstart: {message}")
    try:
        finish()
    except (OSError, StorageError):
        abandon_output()
    sys.exit(exit_code)
