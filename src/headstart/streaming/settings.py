"""How a stream runs: sizes, times, keys and forms, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError, unknown_name
from headstart.storage.files import check_folder
from headstart.streaming.cloud_events import MODES

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.streaming.windows.settings import WindowSettings

_MOST_WORKERS = 256


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """What the options of `headstart stream` say.

    Attributes
    ----------
    batch : records that are answered together at most
    latency_ms : how long the first record of a batch waits for others
    top : how many of the likeliest labels an answer has
    key : the field that is the key of a record; None: the event's source and id, or its position
    dead : address of records that cannot be read; None: they stand among the answers, with `error`
    cloudevents : the form of answers that are CloudEvents, `structured` or `binary`; None: they are none
    state : folder in which positions are remembered between runs
    workers : processes that share the stream
    give_up_s : how long a place may be away before the stream ends with an error
    max_megapixels : of one photo
    metrics_port : where Prometheus may ask, on this machine's own address; None: nowhere
    windows : which windows are made of the answers; None: none
    trust : file of public keys of which one must have signed the bundle
    trust_graphs : whether its graph may have loops and conditionals
    """

    batch: int = 64
    latency_ms: float = 20.0
    top: int = 3
    key: str | None = None
    dead: str | None = None
    cloudevents: str | None = None
    state: Path | None = None
    workers: int = 1
    give_up_s: float = 60.0
    max_megapixels: float = 50.0
    metrics_port: int | None = None
    windows: WindowSettings | None = None
    trust: str | None = None
    trust_graphs: bool | None = None

    @property
    def max_pixels(self) -> int:
        """Of one photo."""
        return int(self.max_megapixels * 1e6)

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        OptionError
            A number is too small, or a form is unknown.
        """
        for name, least in {"batch": 1, "top": 1, "workers": 1, "latency_ms": 0, "give_up_s": 0}.items():
            value = getattr(self, name)
            if not value >= least:
                raise OptionError(f"{name} must be {least} or more, not {value!r}.")
        if not 0 < self.max_megapixels < inf:
            raise OptionError(f"max_megapixels must be a number above 0, not {self.max_megapixels!r}.")
        if self.workers > _MOST_WORKERS:
            raise OptionError(f"workers are processes, of which {_MOST_WORKERS} are the most; {self.workers} came.")
        if self.cloudevents is not None and self.cloudevents not in MODES:
            raise unknown_name("form of CloudEvents", self.cloudevents, MODES)
        if self.state is not None:
            check_folder(self.state, "state")
        if self.windows is not None:
            self.windows.check()
