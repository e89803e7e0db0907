"""The running loss of a training run, and when it means that training has failed."""

from __future__ import annotations

RunningLoss = tuple[float, float]  # the mean loss of the warm-up, and the running mean of all steps

_DIVERGED = (4.0, 1.0)  # the running mean exceeds this many times that of the warm-up, plus this much
_COLLAPSED = (
    1.25,
    0.05,
)  # likewise at an evaluation point: what the network had learned is lost and does not come back


class Diverged(Exception):  # noqa: N818  (not an error: the method is not kept)
    """The loss grew without bound or is NaN, or the run lost what the network knew at the start."""


def updated(running_loss: RunningLoss | None, loss: float, *, step: int, n_warm_up: float) -> RunningLoss:
    """Add the loss of a step, counted from 0; the first `n_warm_up` steps are the warm-up.

    Raises
    ------
    Diverged
        The loss is NaN, or far above that of the warm-up.
    """
    first, mean = running_loss or (loss, loss)
    if step <= n_warm_up:
        first += (loss - first) / (step + 1)
    running_loss = first, 0.9 * mean + 0.1 * loss
    _check(running_loss, _DIVERGED)
    return running_loss


def check_not_collapsed(running_loss: RunningLoss) -> None:
    """Check the loss against a stricter bound than at each step.

    Raises
    ------
    Diverged
        The loss is NaN, or above that of the warm-up.
    """
    _check(running_loss, _COLLAPSED)


def _check(running_loss: RunningLoss, bound: tuple[float, float]) -> None:
    (first, mean), (times, more) = running_loss, bound
    if not mean <= times * abs(first) + more:  # true for NaN too
        raise Diverged
