"""Champion: a stream of a registry is answered by its champion, also by the next one, which takes over between two batches."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from headstart.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.serving.repository import Champions
    from headstart.streaming.answering import Answerer
    from headstart.streaming.answers import Answers
    from headstart.streaming.loop import Recorder
    from headstart.streaming.record import Delivery

_LOOK_S = 1.0
_AGAIN_S = 10.0  # after one that could not be opened


class FollowingAnswerer:
    """Answers batches, one at a time. The next champion is opened on a thread while the former answers; one that cannot be opened is told.

    Parameters
    ----------
    first : that answers
    champions : watched since before `first` was opened
    opening : opens the champion of now
    recorders : are told of each before it answers
    tell : of what the user may want to know, with a word for machines
    """

    def __init__(
        self,
        first: Answerer,
        champions: Champions,
        opening: Callable[[], Answerer],
        *,
        recorders: Sequence[Recorder] = (),
        tell: Callable[[str, str], None] = lambda kind, message: None,  # noqa: ARG005
    ) -> None:
        self._current: Answerer = first
        self._next: Answerer | None = None
        self._lock = threading.Lock()
        self._champions, self._opening, self._recorders, self._tell = champions, opening, recorders, tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="headstart-champion", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def __call__(self, deliveries: Sequence[Delivery]) -> Answers:
        """Answer a batch, all of it by one version."""
        with self._lock:
            before, following = self._current, self._next
            self._current, self._next = following or before, None
        if following is not None:
            now, former = following.model.version, before.model.version
            self._tell(
                "champion", f"version {now} of {following.model.name} answers now, in the place of version {former}"
            )
        return self._current(deliveries)

    def _watch(self) -> None:
        again_s, said = None, ""
        while not self._stop.wait(_LOOK_S):
            if not self._champions.have_changed() and (again_s is None or time.monotonic() < again_s):
                continue
            try:
                self._open()
            except UserError as error:
                again_s = time.monotonic() + _AGAIN_S
                if str(error) != said:
                    said = str(error)
                    self._tell(
                        "champion",
                        f"the new champion cannot answer, so version {self._current.model.version} goes on: {said}",
                    )
            else:
                again_s, said = None, ""

    def _open(self) -> None:
        following = self._opening()
        latest = self._next or self._current
        if following.model.seal == latest.model.seal:
            return
        for recorder in self._recorders:
            recorder.expect(following.model)
        with self._lock:
            self._next = following
