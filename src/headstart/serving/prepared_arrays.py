"""Arrays that a client has prepared itself, compared with what the graph takes and the bundle's own preparation makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.serving.asgi import RequestError

if TYPE_CHECKING:
    from headstart.core.model import Batch
    from headstart.packaging import Bundle

_LONGEST = 4_096  # an axis of free length, where the input does not say where it cuts


def check_arrays(batch: Batch, bundle: Bundle) -> int:
    """Compare prepared arrays with what is taken, and count their items.

    Raises
    ------
    RequestError
        400: names, types or shapes are others, an item is empty, or a token is none of the vocabulary.
    """
    wanted = bundle.arrays
    if set(batch) != set(wanted):
        raise RequestError(400, f"the inputs {sorted(batch)} came; {sorted(wanted)} were expected, or 'items'.")
    longest = bundle.manifest["input"]["settings"].get("max_tokens", _LONGEST)
    for name, (dtype, shape) in wanted.items():
        array = batch[name]
        fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape[1:], array.shape[1:], strict=True))
        if array.dtype != dtype or not fits or max(array.shape[1:], default=0) > max([longest, *filter(None, shape)]):
            shown = [-1 if n is None else n for n in shape]
            raise RequestError(
                400,
                f"input '{name}' is {array.dtype} {list(array.shape)}; {dtype} {shown} was expected, up to {longest}.",
            )
        if 0 in array.shape[1:]:
            raise RequestError(400, f"input '{name}' has the shape {list(array.shape)}: its items are empty.")
    lengths = {len(array) for array in batch.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise RequestError(400, "the inputs must all have the same number of items, 1 or more.")
    _check_tokens(batch, bundle)
    return lengths.pop()


def _check_tokens(batch: Batch, bundle: Bundle) -> None:
    """Refuse tokens that no tokenizer makes: the graph would fail, or count a negative one from the end of its table."""
    for name, largest in bundle.largest_ids.items():
        low, high = int(batch[name].min()), int(batch[name].max())
        if low < 0 or high > largest:
            raise RequestError(
                400, f"input '{name}' holds {low if low < 0 else high}; tokens from 0 to {largest} were expected."
            )
