"""Checkpoint: where a run of training stands, on disk, so that a killed one goes on exactly there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from headstart.storage.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.dataset import FloatArray
    from headstart.tuning.running_loss import RunningLoss
    from headstart.tuning.trainable_model import TrainableModel

INTERVAL_S = 10.0
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Checkpoint:
    """One file, written anew every `INTERVAL_S` seconds, and removed by `done`.

    What is random in a step depends on the seed and the step's number, so that no generator's state has to be kept.

    Parameters
    ----------
    path : the file
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spoke = time.monotonic()

    def restore(
        self, model: TrainableModel, optimiser: torch.optim.Optimizer
    ) -> tuple[RunningLoss | None, int, list[FloatArray]]:
        """Put weights and the optimiser's moments in place; give the watched loss, the number of steps done and what was seen."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            kept = load(self._path.read_bytes())
        except (FileNotFoundError, SafetensorError):
            return None, 0, []
        model.load({name.removeprefix("weight "): array for name, array in kept.items() if name.startswith("weight ")})
        for group, name in zip(optimiser.param_groups, model.trainable_parameters(), strict=True):
            (parameter,) = group["params"]
            moments = {kind: kept[f"{kind} {name}"] for kind in _MOMENTS if f"{kind} {name}" in kept}
            if moments:  # none where the parameter has not been unfrozen yet
                optimiser.state[parameter] = {
                    kind: array if kind == "step" else array.to(parameter.device) for kind, array in moments.items()
                }
        seen = [kept[f"seen {i}"].numpy() for i in range(sum(name.startswith("seen ") for name in kept))]
        first, mean = kept["watch"].tolist()
        return (first, mean), int(kept["position"]), seen

    def keep(
        self,
        model: TrainableModel,
        optimiser: torch.optim.Optimizer,
        watch: RunningLoss,
        step: int,
        seen: list[FloatArray],
    ) -> None:
        """Write where the run stands, if the last time is long enough ago."""
        if time.monotonic() - self._spoke < INTERVAL_S:
            return
        from safetensors.torch import save

        arrays = {f"weight {name}": array for name, array in model.weights().items()}
        for group, name in zip(optimiser.param_groups, model.trainable_parameters(), strict=True):
            (parameter,) = group["params"]
            arrays |= {f"{kind} {name}": array for kind, array in optimiser.state[parameter].items()}
        arrays |= {f"seen {i}": torch.from_numpy(np.ascontiguousarray(values)) for i, values in enumerate(seen)}
        arrays |= {"watch": torch.tensor(watch, dtype=torch.float64), "position": torch.tensor(step)}
        write_file(self._path, save({name: array.cpu().contiguous() for name, array in arrays.items()}))
        self._spoke = time.monotonic()

    def done(self) -> None:
        """Remove the file: what came of the run is kept elsewhere."""
        self._path.unlink(missing_ok=True)
