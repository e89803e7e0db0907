"""Answers: what came of one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.packaging import Bundle
    from headstart.streaming.record import Output, Record


@dataclass(frozen=True, kw_only=True)
class AnsweringModel:
    """A model that answers.

    Attributes
    ----------
    name, version : as a server would call it
    seal : what tells it from any other
    """

    name: str
    version: str
    seal: str
    bundle: Bundle


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What came of one batch, in its order.

    Attributes
    ----------
    records : with the keys of their outputs
    items : as the model read them, or why it could not
    rows : outputs of the model, shape (n, k), float32; NaN where there are none
    features : of the model's pretrained sources, shape (n, d), float32, NaN likewise; None where nobody reads them
    outputs : what is written; a dead letter where `is_dead`
    latencies_s : from receiving each record to its output being written; none before they are written
    model : that answered all of them; None where nobody needs to know
    """

    records: Sequence[Record]
    items: Sequence[Any]
    rows: FloatArray
    features: FloatArray | None = None
    outputs: Sequence[Output]
    is_dead: Sequence[bool]
    latencies_s: Sequence[float] = ()
    model: AnsweringModel | None = None
