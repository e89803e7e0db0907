"""The networks of the sources as torch modules, for training; one file per architecture.

A part of the kind `torch_networks`, by the name of its architecture, is called with `(state, card)` and returns a `torch.nn.Module`

- whose `forward(**batch)` takes the arrays of the source's preprocessor as tensors, and returns the same features
  (n, dimensions) as the ONNX graph of the architecture, including normalization;
- whose parameters and buffers have the names and shapes of the state, without the arrays that the features do not need (a
  classifier); what is not in the state, such as the mean of the pixels, is not a persistent buffer;
- whose `blocks` map names to submodules from the input to the output, each parameter in exactly one, and whose `run` computes
  some of them (`networks.torch.stepwise`).

Shapes come from `state`; its values are loaded afterwards. So the architecture can write the state of a trained module as a graph
again, without an exporter.
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
        An array of the module is missing in the state, or has another shape.
    """
    import torch

    wanted = {name for name, tensor in module.state_dict().items() if tensor.is_floating_point()}
    missing = sorted(wanted - set(state))
    if missing:
        raise SourceError(f"the weights lack '{missing[0]}', which the trainable network has.")
    arrays = {name: torch.from_numpy(state[name].astype(np.float32)) for name in wanted}
    try:
        module.load_state_dict(arrays, strict=False)  # only integer batch counters are missing
    except RuntimeError as error:
        raise SourceError(
            f"the weights do not fit the trainable network ({str(error).splitlines()[-1].strip()})."
        ) from error


def state_of(module: torch.nn.Module) -> State:
    """Copy a module's weights, named as in the source's state, float32."""
    return {
        name: tensor.detach().cpu().numpy().copy()
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }
