"""The networks of the sources once more as torch modules, to be trained; one file an architecture.

A part of the kind `modules`, by the name of its architecture, is called with `(state, card)` and gives a `torch.nn.Module`

- whose `forward(**batch)` takes the arrays that the source's input prepares, as tensors, and returns the features
  (n, dimensions) that the ONNX graph of the architecture gives, normalisation inside;
- whose parameters and buffers have the names and shapes of the state, less the arrays that the features do not need (a
  classifier); what is not in the state, such as the mean of the pixels, is no persistent buffer;
- whose `blocks` map names to submodules in the order from the input to the output, each parameter in exactly one, and whose
  `run` computes some of them (`modules.stepwise`).

The shapes are taken from `state`; its values are loaded afterwards. So a trained module's state can be written as a graph
again by the architecture, and no exporter is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    import torch

    from headstart.sources.weights import State


def load_state(module: torch.nn.Module, state: State) -> None:
    """Copy a source's weights into a module.

    Raises
    ------
    SourceError
        An array of the module is not in the state, or has another shape there.
    """
    import torch

    wanted = {name for name, tensor in module.state_dict().items() if tensor.is_floating_point()}
    missing = sorted(wanted - set(state))
    if missing:
        raise SourceError(f"the weights lack '{missing[0]}', which the trainable network has.")
    arrays = {name: torch.from_numpy(state[name].astype(np.float32)) for name in wanted}
    try:
        module.load_state_dict(arrays, strict=False)  # what is left out counts batches, in whole numbers
    except RuntimeError as error:
        raise SourceError(
            f"the weights do not fit the trainable network ({str(error).splitlines()[-1].strip()})."
        ) from error


def state_of(module: torch.nn.Module) -> State:
    """Copy a module's weights out again, named as in the source's state, float32."""
    return {
        name: tensor.detach().cpu().numpy().copy()
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }
