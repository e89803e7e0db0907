"""The command line: a command parses, calls one verb, and prints."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run a command; exit with 0 if all went well, 2 if the user can mend it, 1 if Headstart failed."""
    from headstart.core.errors import HeadstartError

    try:
        from headstart.cli.app import app

        app(prog_name="headstart")
    except HeadstartError as error:
        _stop(str(error), error.exit_code)
    except KeyboardInterrupt:
        _stop("interrupted; run the same command again and it goes on where it was", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if os.environ.get("HEADSTART_DEBUG"):
            raise
        _stop(
            f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}. This is a fault of Headstart's; "
            "set HEADSTART_DEBUG=1 to see where, and please report it.",
            1,
        )


def _stop(message: str, exit_code: int) -> None:
    sys.stderr.write(f"headstart: {message}\n")
    sys.exit(exit_code)
