"""Make challengers one after the other, in the time that there is; what does not suit says why."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import HeadstartError, first_line
from headstart.engines.cancelling import Stopped
from headstart.packaging.opening import load_bundle
from headstart.updating.challenger import Occasion, get_challengers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.engines.context import RunContext
    from headstart.packaging.model import Bundle
    from headstart.updating.judging import Records

_LEAST_S = 1.0  # that must be left for another one
_MORE = "give more with --budget-s (in Python budget_s)"
_TOLD = 0.8  # of its share of the time that a way is told of: the rest is for steps that take longer than it expected
_LEAST_EARLY, _LEAST_LATE = 20, 10  # records that are learned from, and that judge


@dataclass(frozen=True, kw_only=True)
class Made:
    """A challenger, or why there is none.

    Attributes
    ----------
    bundle : None where there is none, and `error` says why
    """

    name: str
    folder: Path
    seconds: float
    bundle: Bundle | None = None
    error: str = ""


@contextmanager
def make_challengers(
    names: tuple[str, ...], champion: Bundle, early: Records, late: Records, context: RunContext
) -> Iterator[list[Made]]:
    """Make challengers of the early records, in a folder that goes when the block ends.

    Each is told to do with an equal share of the time that is left. One that takes more is stopped when nothing is left at all, and none is
    begun for which less is left than a cheaper one took.
    """
    ways, longest_s = get_challengers(names), _LEAST_S
    with tempfile.TemporaryDirectory(prefix="headstart-") as place:
        made = []
        for number, way in enumerate(ways):
            started, left_s = time.perf_counter(), context.clock.left_s
            folder = Path(place) / way.name
            why, bundle = _why_not(early, late, left_s, longest_s), None
            if not why:
                share_s = None if left_s is None else _TOLD * left_s / (len(ways) - number)
                own = (context if left_s is None else context.stopping_after(left_s)).with_budget(share_s)
                try:
                    way.make(Occasion(champion=champion, recent=early.dataset, context=own), folder)
                    bundle = load_bundle(folder, trust=(), trust_graphs=True)
                    longest_s = max(longest_s, time.perf_counter() - started)
                except HeadstartError as error:
                    why = first_line(error)
                except Stopped as stopped:
                    context.cancel_token.raise_if_cancelled(str(stopped))
                    why = f"stopped after {time.perf_counter() - started:.1f} s: the time was over; {_MORE}"
            seconds = round(time.perf_counter() - started, 2)
            made.append(Made(name=way.name, folder=folder, seconds=seconds, bundle=bundle, error=why))
        yield made


def _why_not(early: Records, late: Records, left_s: float | None, longest_s: float) -> str:
    if len(early) < _LEAST_EARLY or len(late) < _LEAST_LATE:
        return f"{len(early)} records to learn from and {len(late)} new ones to judge on; {_LEAST_EARLY} and {_LEAST_LATE} are needed."
    if left_s is None or left_s >= longest_s:
        return ""
    return f"no time: {max(left_s, 0):.1f} s are left, and {'a cheaper one took' if longest_s > _LEAST_S else 'it needs'} {longest_s:.1f} s; {_MORE}"
