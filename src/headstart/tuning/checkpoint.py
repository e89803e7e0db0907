"""Checkpoint: the state of a training run on disk, so that a killed run resumes exactly there."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.storage.sealed_file import read_sealed, write_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.dataset import FloatArray
    from headstart.tuning.running_loss import RunningLoss
    from headstart.tuning.trainable_model import TrainableModel

INTERVAL_S = 10.0
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Checkpoint:
    """One file, rewritten every `INTERVAL_S` seconds and removed by `done`; a damaged one counts as missing.

    Randomness depends only on the seed and the step number, so that no generator state has to be stored.

    Parameters
    ----------
    path : the file
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = time.monotonic()

    def restore(
        self, model: TrainableModel, optimiser: torch.optim.Optimizer
    ) -> tuple[RunningLoss | None, int, list[FloatArray]]:
        """Load weights and optimizer moments; return the running loss, the number of steps done and the evaluations so far."""
        from safetensors.torch import load

        content = read_sealed(self._path)
        if content is None:
            return None, 0, []
        kept = load(content)
        model.load({name.removeprefix("weight "): array for name, array in kept.items() if name.startswith("weight ")})
        for group, name in zip(optimiser.param_groups, model.trainable_parameters(), strict=True):
            (parameter,) = group["params"]
            moments = {kind: kept[f"{kind} {name}"] for kind in _MOMENTS if f"{kind} {name}" in kept}
            if moments:  # none if the parameter has not been unfrozen yet
                optimiser.state[parameter] = {
                    kind: array if kind == "step" else array.to(parameter.device) for kind, array in moments.items()
                }
        evaluated = [kept[f"evaluated {i}"].numpy() for i in range(sum(name.startswith("evaluated ") for name in kept))]
        first, mean = kept["running loss"].tolist()
        return (first, mean), int(kept["position"]), evaluated

    def keep(
        self,
        model: TrainableModel,
        optimiser: torch.optim.Optimizer,
        running_loss: RunningLoss,
        step: int,
        evaluated: list[FloatArray],
    ) -> None:
        """Write the state of the run, if the last time is long enough ago."""
        if time.monotonic() - self._written < INTERVAL_S:
            return
        from safetensors.torch import save

        arrays = {f"weight {name}": array for name, array in model.weights().items()}
        for group, name in zip(optimiser.param_groups, model.trainable_parameters(), strict=True):
            (parameter,) = group["params"]
            arrays |= {f"{kind} {name}": array for kind, array in optimiser.state[parameter].items()}
        arrays |= {
            f"evaluated {i}": torch.from_numpy(np.ascontiguousarray(values)) for i, values in enumerate(evaluated)
        }
        arrays |= {"running loss": torch.tensor(running_loss, dtype=torch.float64), "position": torch.tensor(step)}
        write_sealed(self._path, save({name: array.cpu().contiguous() for name, array in arrays.items()}))
        self._written = time.monotonic()

    def done(self) -> None:
        """Remove the file: the results of the run are stored elsewhere."""
        with suppress(OSError):  # of a cache that may not be written
            self._path.unlink(missing_ok=True)
