"""A second device for torch, which stands in for a GPU: it computes on the processor, and refuses to mix.

What lies on it is a tensor that wraps one of the processor's. An operation that meets tensors of both devices fails, as it would on a
GPU, but for those that a GPU lets pass: copies, numbers, positions in an index. The autograd engine treats it as any other device.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

_NAME = "second"
_PASS = ("aten::copy_", "aten::index.Tensor")
if not hasattr(torch, _NAME):  # a collection of doctests imports this file once more, under another name
    backend_registration._setup_privateuseone_for_python_backend(_NAME)
DEVICE = torch.device(_NAME, 0)


class MixedDevicesError(RuntimeError):
    """Tensors of both devices met."""


class SecondDevice(TorchDispatchMode):
    """Inside, `DEVICE` can be used."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute any operation."""
        return _compute(operation, args, kwargs or {})


class _There(torch.Tensor):
    """A tensor on the second device; `here` is the same on the processor."""

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> Self:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=DEVICE,
        )
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(operation, args, kwargs or {})


def _compute(operation: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
    there = [one for one in tensors if isinstance(one, _There)]
    here = [one for one in tensors if not isinstance(one, _There) and one.dim()]
    name, goes_there = operation.name(), bool(there)
    if (device := kwargs.pop("device", None)) is not None:
        goes_there = torch.device(device).type == _NAME
    elif there and here and name not in _PASS:
        raise MixedDevicesError(f"{name} meets {[tuple(one.shape) for one in here]} of the processor")
    args, kwargs = tree_map(lambda one: one.here if isinstance(one, _There) else one, (args, kwargs))
    known = {id(one.here): one for one in there}
    found = operation(*args, **kwargs)
    if not goes_there or name == "aten::_local_scalar_dense":
        return found
    return tree_map(lambda one: _there(one, known) if isinstance(one, torch.Tensor) else one, found)


def _there(tensor: torch.Tensor, known: dict[int, _There]) -> _There:
    """What stands for the tensor on the second device: the one that did before, if it was written to in place."""
    return known[id(tensor)] if id(tensor) in known else _There(tensor)
