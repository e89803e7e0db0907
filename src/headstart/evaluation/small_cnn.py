"""Train a compact convolutional network from scratch, deterministically; batch norms are folded in at the end.

References
----------
Ioffe and Szegedy, Batch normalization, ICML 2015. Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
Smith and Topin, Super-convergence, 2018 (one cycle). Szegedy et al., Rethinking the Inception architecture, 2016 (label smoothing).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.class_weights import item_weights
from headstart.engines.heap import keeping_freed_memory
from headstart.engines.threads import limit_torch
from headstart.tuning.learning_rate import warm_up_and_cosine

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from headstart.core.dataset import FloatArray
    from headstart.core.tasks import TaskSpec
    from headstart.engines.context import RunContext
    from headstart.engines.progress import Progress

    State = dict[str, torch.Tensor]

WIDTHS = (16, 32, 64, 96, 128)
STRIDES = (2, 2, 2, 2, 1)
RECIPE = "small cnn 3"  # changed when the same data and seed would give other weights
BATCH_ITEMS = 32
_N_SEEN = 12_000  # photos in total, within the bounds on the epochs: about ten seconds on one core
_LEARNING_RATE = 4e-3
_WEIGHT_DECAY = 0.05
_SMOOTHING = 0.1
_WARM_UP = 0.2  # share of the training
_MIN_RATE = 0.02  # share of the largest, in the first steps
_EPSILON = 1e-5
_MOMENTUM = 0.1
# sums depend on the number of threads, so with one thread a seed gives the same weights on every machine; two threads on the
# cores of a busy machine wait for each other: 15 times slower was measured
_N_THREADS = 1


def n_epochs(n_items: int) -> int:
    """Number of epochs, 8 to 80: fewer with more photos, independent of measured time.

    >>> n_epochs(100), n_epochs(675), n_epochs(10_000)
    (80, 18, 8)
    """
    return min(80, max(8, math.ceil(_N_SEEN / max(n_items, 1))))


def train(pixels: Any, targets: FloatArray, task: TaskSpec, *, context: RunContext) -> dict[str, Any]:
    """Train on photos.

    Parameters
    ----------
    pixels : uint8, shape (n, size, size, 3)
    targets : shape (n, k), indicators or values; values are standardized internally

    Returns
    -------
    `kernel.i`, `bias.i` of each block with its batch norm folded in, `coef` (128, k), `intercept` (k,); float32
    """
    import torch

    centre, scale = _standardisation(targets, task)
    with _deterministic(), limit_torch(_N_THREADS), keeping_freed_memory():
        generator = torch.Generator().manual_seed(context.seed)
        photos = torch.from_numpy(pixels)
        standardized = torch.from_numpy((targets - centre) / scale).float()
        weights = torch.from_numpy(item_weights(targets, task)).float()
        state = _initial(targets.shape[1], generator)
        n_seen = n_epochs(len(photos)) * len(photos)
        with context.progress("training the convolutional baseline, photos", n_seen) as steps:
            _optimise(state, photos, standardized, weights=weights, task=task, generator=generator, steps=steps)
        folded = _folded(state)
    folded["coef"] = (folded["coef"] * scale).astype(np.float32)
    folded["intercept"] = (folded["intercept"] * scale + centre).astype(np.float32)
    return folded


def scores(state: Any, pixels: Any) -> FloatArray:
    """Scores without the intercept, shape (n, k), from folded weights."""
    import torch
    import torch.nn.functional as F  # noqa: N812  (its usual name)

    from headstart.tuning.augmentation import centred

    with torch.no_grad(), limit_torch(_N_THREADS):
        x = centred(torch.from_numpy(pixels))
        for block, stride in enumerate(STRIDES):
            kernel, bias = (torch.from_numpy(state[f"{part}.{block}"]) for part in ("kernel", "bias"))
            x = F.relu(F.conv2d(x, kernel, bias, stride=stride, padding=1))
        return np.asarray((x.mean((2, 3)) @ torch.from_numpy(state["coef"])).numpy())


def _optimise(
    state: State,
    photos: torch.Tensor,
    targets: torch.Tensor,
    *,
    weights: torch.Tensor,
    task: TaskSpec,
    generator: torch.Generator,
    steps: Progress,
) -> None:
    """Train the trainable parts of `state` in place, with one cycle of AdamW."""
    import torch

    from headstart.tuning.augmentation import centred, distorted

    trained = [value for value in state.values() if value.requires_grad]
    epochs, n = n_epochs(len(photos)), len(photos)
    n_batches = math.ceil(n / BATCH_ITEMS)
    optimiser = torch.optim.AdamW(trained, lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY, fused=True)
    for epoch in range(epochs):
        order = torch.randperm(n, generator=generator)
        for batch, index in enumerate(torch.chunk(order, n_batches)):  # near-equal sizes: no batch of one item
            _set_learning_rate(optimiser, (epoch + batch / n_batches) / epochs)
            x = distorted(centred(photos[index]), generator)
            loss = (_losses(_forward(state, x), targets[index], task) * weights[index]).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            steps.advance(len(index))


def _forward(state: State, x: torch.Tensor) -> torch.Tensor:
    """Scores in training mode: batch norms use batch statistics and update the running ones."""
    import torch.nn.functional as F  # noqa: N812

    for block, stride in enumerate(STRIDES):
        x = F.conv2d(x, state[f"kernel.{block}"], stride=stride, padding=1)
        mean, variance = state[f"mean.{block}"], state[f"variance.{block}"]
        scale, shift = state[f"scale.{block}"], state[f"shift.{block}"]
        x = F.relu(F.batch_norm(x, mean, variance, scale, shift, training=True, momentum=_MOMENTUM, eps=_EPSILON))
    return x.mean((2, 3)) @ state["coef"] + state["intercept"]


def _losses(scores: torch.Tensor, targets: torch.Tensor, task: TaskSpec) -> torch.Tensor:
    smoothing = _SMOOTHING if task.is_single_label else 0.0
    losses = task.torch_losses(scores, targets, label_smoothing=smoothing, is_robust=True)
    return losses / task.n_decisions(scores.shape[1])


def _set_learning_rate(optimiser: torch.optim.Optimizer, done: float) -> None:
    """Rise linearly for a fifth of the training, then fall along a cosine."""
    height = warm_up_and_cosine(done, warm_up=_WARM_UP, lowest=_MIN_RATE)
    optimiser.param_groups[0]["lr"] = _LEARNING_RATE * height


def _initial(n_outputs: int, generator: torch.Generator) -> State:
    """He initialisation; batch norms at identity; the last layer at zero."""
    import torch

    state: State = {}
    for block, (n_in, width) in enumerate(zip((3, *WIDTHS), WIDTHS, strict=False)):
        kernel = torch.randn(width, n_in, 3, 3, generator=generator) * math.sqrt(2 / (9 * n_in))
        state[f"kernel.{block}"] = kernel.to(memory_format=torch.channels_last).requires_grad_()
        state[f"scale.{block}"] = torch.ones(width, requires_grad=True)
        state[f"shift.{block}"] = torch.zeros(width, requires_grad=True)
        state[f"mean.{block}"], state[f"variance.{block}"] = torch.zeros(width), torch.ones(width)
    state["coef"] = torch.zeros(WIDTHS[-1], n_outputs, requires_grad=True)
    state["intercept"] = torch.zeros(n_outputs, requires_grad=True)
    return state


def _folded(state: State) -> dict[str, Any]:
    arrays = {name: value.detach().numpy() for name, value in state.items()}
    folded: dict[str, Any] = {"coef": arrays["coef"], "intercept": arrays["intercept"]}
    for block in range(len(WIDTHS)):
        factor = arrays[f"scale.{block}"] / np.sqrt(arrays[f"variance.{block}"] + _EPSILON)
        folded[f"kernel.{block}"] = np.ascontiguousarray(arrays[f"kernel.{block}"] * factor[:, None, None, None])
        folded[f"bias.{block}"] = arrays[f"shift.{block}"] - arrays[f"mean.{block}"] * factor
    return folded


def _standardisation(targets: FloatArray, task: TaskSpec) -> tuple[FloatArray, FloatArray]:
    k = targets.shape[1]
    if task.has_probabilities:
        return np.zeros(k), np.ones(k)
    deviation = targets.std(axis=0)
    return targets.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


@contextmanager
def _deterministic() -> Iterator[None]:
    import torch

    settings: Any = torch.utils.deterministic  # its one attribute has no type
    before = torch.are_deterministic_algorithms_enabled(), settings.fill_uninitialized_memory
    torch.use_deterministic_algorithms(mode=True)
    settings.fill_uninitialized_memory = False  # no uninitialized memory is read here
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before[0])
        settings.fill_uninitialized_memory = before[1]
