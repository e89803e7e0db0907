"""Run context: the seed, the time, the memory, the place and the voice of one run, handed down the line as one thing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import OptionError
from headstart.engines.cancelling import CancelToken, Deadline
from headstart.engines.clock import Clock
from headstart.engines.events import NoticeGiven, Reporter, StageEnded, StageStarted
from headstart.engines.executor import Executor, ThreadExecutor
from headstart.engines.progress import Progress
from headstart.engines.reporters import RelayReporter, SilentReporter, reporter_for
from headstart.storage.files import cache_folder
from headstart.storage.result_cache import ResultCache

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from headstart.engines.reporters import ProgressOutput

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """How something is run, whatever it is; what is left out is silent, unlimited and remembers nothing.

    Attributes
    ----------
    seed : of everything that is drawn
    clock : times the stages and knows what is left of a budget
    cache : remembers long steps
    executor : decides where independent parts run
    reporter : hears of stages, progress and notices, and carries the token that cancels the run

    >>> RunContext.default(seed=3, progress=None).with_seed(4).seed
    4
    """

    seed: int = 0
    clock: Clock = field(default_factory=Clock)
    cache: ResultCache = field(default_factory=lambda: ResultCache(None))
    executor: Executor = field(default_factory=ThreadExecutor)
    reporter: Reporter = field(default_factory=SilentReporter)

    @classmethod
    def default(
        cls, *, seed: int = 0, budget_s: float | None = None, progress: ProgressOutput = sys.stderr
    ) -> RunContext:
        """Make the context of a verb: threads of this process, results kept in the cache folder.

        Raises
        ------
        OptionError
            The seed is no whole number from 0, or the budget is not above 0 seconds.
        """
        if budget_s is not None and not budget_s > 0:
            raise OptionError(
                f"budget_s must be above 0 seconds, but {budget_s!r} came. Give more, or None for no limit."
            )
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise OptionError(f"seed must be a whole number from 0, but {seed!r} came.")
        return cls(
            seed=seed,
            clock=Clock(budget_s),
            cache=ResultCache(cache_folder() / "results"),
            reporter=reporter_for(progress),
        )

    @property
    def cancel_token(self) -> CancelToken:
        """The reporter's; the run stops at its next step once it is cancelled."""
        return self.reporter.cancel_token

    def with_seed(self, seed: int) -> RunContext:
        """The same with another seed."""
        return replace(self, seed=seed)

    def with_budget(self, budget_s: float | None) -> RunContext:
        """The same with a clock of its own, which starts now."""
        return replace(self, clock=Clock(budget_s))

    def silent(self) -> RunContext:
        """The same without a word, with a token of its own that the run's token cancels too."""
        return replace(self, reporter=SilentReporter(cancel_token=CancelToken(self.cancel_token)))

    def stopping_after(self, seconds: float) -> RunContext:
        """The same with a token of its own, which is cancelled after some seconds: the work stops at its next step."""
        token = Deadline(seconds, self.cancel_token)
        return replace(self, reporter=RelayReporter(self.reporter, cancel_token=token))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and tell of its start and end.

        Raises
        ------
        Stopped
            The run was cancelled.
        """
        self.cancel_token.raise_if_cancelled(name)
        self.reporter.receive(StageStarted(stage=name))
        before_s, is_complete = self.clock.seconds().get(name, 0.0), False
        try:
            with self.clock.stage(name):
                yield
            self.cancel_token.raise_if_cancelled(name)
            is_complete = True
        finally:
            seconds = round(self.clock.seconds()[name] - before_s, 3)
            self.reporter.receive(StageEnded(stage=name, seconds=seconds, is_complete=is_complete))

    def progress(self, label: str, total: int, *, done: int = 0) -> Progress:
        """Tell how far a long step is; see `Progress`."""
        return Progress(label, total, self.reporter, done=done)

    def notice(self, kind: str, message: str) -> None:
        """Tell something in a sentence; `kind` is a stable word for machines."""
        self.reporter.receive(NoticeGiven(notice=Notice(kind=kind, message=message)))

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Generator[Result]:
        """Call the function on each task where the executor decides, and give the results in order; see `Executor.map`."""
        return self.executor.map(function, tasks, cancel_token=self.cancel_token)
