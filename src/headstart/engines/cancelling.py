"""Cancelling: a token that any thread may set, and that long work looks at."""

from __future__ import annotations

import threading
import time


class Stopped(Exception):  # noqa: N818  (no error: whoever cancelled asked for it)
    """A run was stopped from outside."""


class CancelToken:
    """Set once and for good; `parent`, when it is cancelled, cancels this one too.

    >>> token = CancelToken()
    >>> token.is_cancelled, token.cancel(), token.is_cancelled
    (False, None, True)
    """

    def __init__(self, parent: CancelToken | None = None) -> None:
        self._parent = parent
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next step; any thread may call it, and a signal handler."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody has asked."""
        return self._cancelled.is_set() or (self._parent is not None and self._parent.is_cancelled)

    def raise_if_cancelled(self, where: str = "") -> None:
        """Stop here if somebody has asked; `where` says what was being done.

        Raises
        ------
        Stopped
            The token was cancelled.
        """
        if self.is_cancelled:
            raise Stopped(where)


class Deadline(CancelToken):
    """A token that is cancelled once its seconds are over, if nobody did it before.

    >>> Deadline(0.0).is_cancelled, Deadline(60.0).is_cancelled, Deadline(0.0).is_over
    (True, False, True)
    """

    def __init__(self, budget_s: float, parent: CancelToken | None = None) -> None:
        super().__init__(parent)
        self._until = time.perf_counter() + budget_s

    @property
    def is_over(self) -> bool:
        """Whether the seconds are over."""
        return time.perf_counter() >= self._until

    @property
    def is_cancelled(self) -> bool:
        """Whether they are over, or somebody has asked."""
        return self.is_over or super().is_cancelled
