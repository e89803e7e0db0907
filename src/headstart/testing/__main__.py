"""`python -m headstart.testing [KIND …]` checks all installed parts that are not built in; exit code 1 if a promise is broken."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import entry_points

from headstart.testing.checks import CheckFailed, CheckSkipped
from headstart.testing.running import KINDS, checks_of

_BUILT_IN = "headstart"


def main(arguments: list[str] | None = None) -> int:
    """Check, and print one line for each promise: kind, part, promise, and whether it is kept, broken or was skipped."""
    parser = argparse.ArgumentParser(prog="python -m headstart.testing", description="Check installed plugins.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"one of {', '.join(KINDS)}; all if not given")
    parser.add_argument("--built-in", action="store_true", help="check the parts of Headstart itself")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.kinds) - set(KINDS))
    if unknown:
        parser.error(f"there are no checks of '{unknown[0]}'. Known: {', '.join(KINDS)}.")
    parts = _installed(options.kinds or KINDS, built_in=options.built_in)
    n_broken = sum(_report(kind, name) for kind, name in parts)
    sys.stdout.write(f"{len(parts)} parts checked, {n_broken} promises broken\n")
    return int(n_broken > 0)


def _installed(kinds: list[str] | tuple[str, ...], *, built_in: bool) -> list[tuple[str, str]]:
    """Kinds and names of the parts that come with Headstart, or of those that do not."""
    points = [(kind, point) for kind in kinds for point in entry_points(group=f"{_BUILT_IN}.{kind}")]
    return [
        (kind, point.name)
        for kind, point in points
        if (point.dist is not None and point.dist.name == _BUILT_IN) is built_in
    ]


def _report(kind: str, name: str) -> int:
    """Check one part and print what it promises; give the number of broken promises."""
    n_broken = 0
    for check in checks_of(kind, name):
        on = f" ({check.case})" if check.case else ""
        try:
            check()
            sys.stdout.write(f"kept    {kind} {name}{on}: {check.promise}\n")
        except CheckSkipped as skipped:
            sys.stdout.write(f"skipped {kind} {name}{on}: {skipped}.\n")
        except CheckFailed as failure:
            n_broken += 1
            sys.stdout.write(f"BROKEN  {failure}\n")
    return n_broken


if __name__ == "__main__":
    sys.exit(main())
