"""Augmentation: random changes of each item in each epoch; photos are cropped, mirrored and recolored, texts lose words.

It works on whole batches, on any device, and uses only the generator that it is given. Libraries that work without torchvision
were slower and take no generator (docs/log.md, Augmentation).

References
----------
Zhong et al., Random erasing data augmentation, arXiv:1708.04896. Iyyer et al., Deep unordered composition baselines syntactic
methods for text classification, ACL 2015 (word dropout).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from headstart.core.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Generator, Tensor

KINDS = ("none", "flip", "crop", "light")
_PIXELS, _MASK = "pixels", "attention_mask"
_ERASED = 0.25  # of the photos
_DROPPED = 0.1  # of the tokens between the first and the last
_MIN_WINDOW, _MAX_STRETCH = 0.7, 0.08  # of a side
_MULTIPLE = 32  # pixels


def is_cacheable(kind: str) -> bool:
    """Whether each item has at most two views, itself and its mirror image, so that outputs of frozen blocks can be cached.

    >>> is_cacheable("flip"), is_cacheable("crop")
    (True, False)
    """
    return kind in ("none", "flip")


def augment(
    batch: Mapping[str, Tensor], kind: str, generator: Generator, *, resolution: float = 1.0
) -> dict[str, Tensor]:
    """Change the items of a preprocessed batch at random; the batch itself is not modified.

    Parameters
    ----------
    batch : as a source's preprocessor makes it: `pixels`, uint8, (n, height, width, 3), or `attention_mask`, (n, length)
    kind : 'none'; 'flip' mirrors half of the photos; 'crop' also cuts a random window out of each; 'light' also moves, zooms, recolours and partly erases photos, and
        hides a tenth of a text's tokens from the network
    generator : the only source of randomness: the same state gives the same bits
    resolution : side of the photos that 'crop' makes, as a share of the side of those in the batch

    Raises
    ------
    OptionError
        There is no such kind of augmentation.
    """
    if kind not in KINDS:
        raise unknown_name("augmentation", kind, KINDS)
    changed = dict(batch)
    if kind == "flip" and _PIXELS in batch:
        changed[_PIXELS] = _mirrored(batch[_PIXELS], generator)
    elif kind == "crop" and _PIXELS in batch:
        changed[_PIXELS] = _as_bytes(cropped(centred(batch[_PIXELS]), generator, resolution))
    elif kind == "light" and _PIXELS in batch:
        changed[_PIXELS] = _as_bytes(_erased(distorted(centred(batch[_PIXELS]), generator), generator))
    elif kind == "light" and _MASK in batch:
        changed[_MASK] = _thinned(batch[_MASK], generator)
    return changed


def centred(pixels: Tensor) -> Tensor:
    """Convert uint8 (n, height, width, 3) to float32 (n, 3, height, width) between -1 and 1, channels last in memory."""
    return (pixels.float() / 127.5 - 1).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def cropped(x: Tensor, generator: Generator, resolution: float) -> Tensor:
    """Cut a random window out of each photo, mirror half of them, and resize them to `resolution` times their side.

    Photos are as `centred` gives them. A window has 0.7 to 1 of each side; sides become multiples of 32 pixels, if they are larger.
    """
    n = len(x)
    scale, stretch, coin, move_x, move_y = _uniform((5, n), generator, x.device)
    share = _MIN_WINDOW + (1 - _MIN_WINDOW) * scale
    stretch = (stretch * 2 - 1) * _MAX_STRETCH
    share_x, share_y = (share * (1 + stretch)).clamp(max=1), (share * (1 - stretch)).clamp(max=1)
    height, width = (_resized(side, resolution) for side in x.shape[2:])
    grid = x.new_empty(n, height, width, 2)  # where each new pixel is sampled, from -1 to 1
    across, down = share_x[:, None] * _centres(width, x.device), share_y[:, None] * _centres(height, x.device)
    across = torch.where(coin[:, None] < 0.5, -across, across) + ((move_x * 2 - 1) * (1 - share_x))[:, None]
    grid[..., 0] = across[:, None, :]
    grid[..., 1] = (down + ((move_y * 2 - 1) * (1 - share_y))[:, None])[:, :, None]
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def distorted(x: Tensor, generator: Generator) -> Tensor:
    """Flip, move, zoom and recolour each photo at random; input and output are as `centred` gives them."""
    n = len(x)

    def draw(low: float, high: float) -> Tensor:
        return _uniform((n,), generator, x.device) * (high - low) + low

    zoom = draw(0.7, 1.05)
    flip = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    zoom_x, zoom_y = zoom * flip, zoom * draw(0.9, 1.1)
    room = (1 - zoom).clamp(min=0.1)
    move_x, move_y = draw(-1, 1) * room, draw(-1, 1) * room
    height, width = x.shape[2:]
    grid = x.new_empty(n, height, width, 2)  # where each new pixel is sampled, from -1 to 1
    grid[..., 0] = (zoom_x[:, None] * _centres(width, x.device) + move_x[:, None])[:, None, :]
    grid[..., 1] = (zoom_y[:, None] * _centres(height, x.device) + move_y[:, None])[:, :, None]
    x = functional.grid_sample(x, grid, align_corners=False)
    contrast, brightness, saturation = (v.view(n, 1, 1, 1) for v in (draw(0.7, 1.3), draw(-0.3, 0.3), draw(0.6, 1.4)))
    grey = x.mean(1, keepdim=True)
    return ((x - grey) * saturation + grey) * contrast + brightness


def _resized(side: int, resolution: float) -> int:
    """A side in pixels, rounded to what networks halve without a remainder, but never enlarged."""
    return min(side, max(_MULTIPLE, round(side * resolution / _MULTIPLE) * _MULTIPLE))


def _as_bytes(x: Tensor) -> Tensor:
    """The inverse of `centred`."""
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _erased(x: Tensor, generator: Generator) -> Tensor:
    """Grey out a rectangle, 0.1 to 0.4 of each side, in some of the photos."""
    height, width = x.shape[2:]
    chance, middle_x, middle_y, width_share, height_share = _uniform((5, len(x), 1), generator, x.device)
    columns = (_centres(width, x.device) / 2 + 0.5 - middle_x).abs() < (0.1 + 0.3 * width_share) / 2  # (n, width)
    rows = (_centres(height, x.device) / 2 + 0.5 - middle_y).abs() < (0.1 + 0.3 * height_share) / 2
    covered = (rows & (chance < _ERASED))[:, None, :, None] & columns[:, None, None, :]
    return x.masked_fill(covered, 0.0)


def _mirrored(pixels: Tensor, generator: Generator) -> Tensor:
    """Mirror half of the photos (n, height, width, 3), left to right."""
    coin = _uniform((len(pixels), 1, 1, 1), generator, pixels.device)
    return torch.where(coin < 0.5, pixels.flip(2), pixels)


def _thinned(mask: Tensor, generator: Generator) -> Tensor:
    """Mask tokens at random (n, length), never the first or the last of a text, which may be special tokens."""
    position = mask.cumsum(1)  # padding comes last
    is_inner = (position > 1) & (position < mask.sum(1, keepdim=True))
    return mask.masked_fill(is_inner & (_uniform(mask.shape, generator, mask.device) < _DROPPED), 0)


def _uniform(shape: tuple[int, ...], generator: Generator, device: torch.device) -> Tensor:
    """Draw from [0, 1) on the generator's device, so that runs on different devices see the same items."""
    return torch.rand(shape, generator=generator, device=generator.device).to(device)


def _centres(n: int, device: torch.device) -> Tensor:
    """Centers of n pixels along a side from -1 to 1, shape (n,)."""
    return (torch.arange(n, device=device) * 2 + 1) / n - 1
