"""Events: what a run tells about itself while it goes on, and who listens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from headstart.core.dataset import Notice
    from headstart.engines.cancelling import CancelToken


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all; `kind` is the word for machines."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        >>> StageStarted(stage="embed").to_dict()
        {'event': 'stage-started', 'stage': 'embed'}
        """
        return {"event": self.kind, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class StageStarted(Event):
    """A stage of the line begins: `load`, `rank`, `embed`, `adapt`, `tune`, `prove`, `package` and others."""

    kind = "stage-started"

    stage: str


@dataclass(frozen=True, kw_only=True)
class StageEnded(Event):
    """A stage is over; `is_complete` is false where an error or a cancellation ended it."""

    kind = "stage-ended"

    stage: str
    seconds: float
    is_complete: bool


@dataclass(frozen=True, kw_only=True)
class StepStarted(Event):
    """A long step inside a stage begins.

    Attributes
    ----------
    label : what is being done, with its unit: 'embedding photos'
    done : how many of the `total` were there before, in a cache
    """

    kind = "step-started"

    label: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class ProgressMade(Event):
    """A step has come further.

    Attributes
    ----------
    n_new : how many of `done` came with this event
    seconds_left : the time to go, guessed from the pace so far; None while there is no pace
    """

    kind = "progress-made"

    label: str
    done: int
    total: int
    n_new: int
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class StepEnded(Event):
    """A step is over, whether or not all was done."""

    kind = "step-ended"

    label: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class NoticeGiven(Event):
    """Something that the user may want to know now: what is tried next, what was found, what was left out."""

    kind = "notice-given"

    notice: Notice


@runtime_checkable
class Reporter(Protocol):
    """Receives the events of a run, from any thread, and can stop it.

    A reporter that raises stops the run, like any error.
    """

    @property
    def cancel_token(self) -> CancelToken:
        """The run stops once it is cancelled."""
        ...

    def receive(self, event: Event) -> None:
        """Take note of an event; quickly, for the work waits."""
        ...
