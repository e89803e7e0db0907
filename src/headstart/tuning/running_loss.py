"""The loss while a network is trained, and when it says that training has failed."""

from __future__ import annotations

RunningLoss = tuple[float, float]  # the mean loss of the warm-up, and the running mean of all steps

_DIVERGED = (4.0, 1.0)  # the running mean of the loss is so many times that of the warm-up, and so much more
_COLLAPSED = (
    1.25,
    0.05,
)  # likewise at a point of the run: what the network had learned is lost, and does not come back


class Diverged(Exception):  # noqa: N818  (no error of the user's or ours: the rung is not taken)
    """The loss grew beyond all bounds or is no number, or the run lost what it began with."""


def watched(watch: RunningLoss | None, loss: float, *, step: int, n_warm_up: float) -> RunningLoss:
    """Add the loss of a step, counted from 0; the first `n_warm_up` steps are the warm-up.

    Raises
    ------
    Diverged
        The loss is not a number, or far above that of the warm-up.
    """
    first, mean = watch or (loss, loss)
    if step <= n_warm_up:
        first += (loss - first) / (step + 1)
    watch = first, 0.9 * mean + 0.1 * loss
    _check(watch, _DIVERGED)
    return watch


def check_not_collapsed(watch: RunningLoss) -> None:
    """Hold the loss to a stricter bound than that of each step.

    Raises
    ------
    Diverged
        The loss is not a number, or above that of the warm-up.
    """
    _check(watch, _COLLAPSED)


def _check(watch: RunningLoss, bound: tuple[float, float]) -> None:
    (first, mean), (times, more) = watch, bound
    if not mean <= times * abs(first) + more:  # written so that it is true of a mean that is not a number
        raise Diverged
