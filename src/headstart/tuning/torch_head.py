"""TorchHead: a fitted linear head as a torch module, to be trained together with the network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.heads.transforms import TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray
    from headstart.heads.head import LinearHead

_STEEPEST_AT = 1e-3  # roots are infinitely steep at zero; below this the slope is constant


class TorchHead(nn.Module):
    """Scores (n, k) of features (n, d), equal to `LinearHead.scores` at first.

    Parameters
    ----------
    head : the initial values; it reads all features
    features : shape (n, d), to scale the transformed features to a root mean square of 1, so that one learning rate suits all heads
    """

    def __init__(self, head: LinearHead, features: FloatArray) -> None:
        super().__init__()
        self._initial = head
        self._transform = _TRANSFORMS[head.transform]
        for name in ("centre", "scale"):
            self.register_buffer(name, torch.tensor(getattr(head, name), dtype=torch.float32), persistent=False)
        with torch.no_grad():
            x = self._scaled(torch.as_tensor(features, dtype=torch.float32))
            spread = float(x.square().mean().sqrt())
            self._unit = spread if spread > 1e-6 else 1.0  # constant features have no scale
        self.coef = nn.Parameter(torch.tensor(head.coef * self._unit, dtype=torch.float32))
        self.intercept = nn.Parameter(torch.tensor(head.intercept, dtype=torch.float32))

    def forward(self, features: Tensor) -> Tensor:
        """Compute the scores."""
        return self._scaled(features) / self._unit @ self.coef + self.intercept

    def fitted(self) -> LinearHead:
        """Copy the trained values into a `LinearHead`."""
        coef, intercept = (tensor.detach().cpu().double().numpy() for tensor in (self.coef, self.intercept))
        return replace(self._initial, coef=coef / self._unit, intercept=intercept)

    def _scaled(self, features: Tensor) -> Tensor:
        x = (self._transform(features) - self.get_buffer("centre")) * self.get_buffer("scale")
        return functional.normalize(x) if self._initial.unit_length else x


class _Root(torch.autograd.Function):
    """sign(x) |x|^exponent, with a slope that stays finite at zero."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, exponent: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.exponent = exponent  # type: ignore[attr-defined]
        return x.sign() * x.abs().pow(exponent)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, slope: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        exponent: float = ctx.exponent  # type: ignore[attr-defined]
        return slope * exponent * x.abs().clamp(min=_STEEPEST_AT).pow(exponent - 1), None


_TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "power": lambda x: _Root.apply(x, 0.75),  # type: ignore[no-untyped-call]
    "sqrt": lambda x: _Root.apply(x, 0.5),  # type: ignore[no-untyped-call]
    "l2": functional.normalize,
}
assert set(_TRANSFORMS) == set(TRANSFORMS)
