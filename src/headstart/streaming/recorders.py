"""Recorders of others: named by where they are opened, so that each process of a stream can open its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.streaming.answers import AnsweringModel
    from headstart.streaming.loop import Recorder
    from headstart.streaming.meters import Figures


@dataclass(frozen=True, kw_only=True)
class RecorderSettings:
    """A recorder that is not open yet.

    Attributes
    ----------
    opener : 'module:function'; called with the `AnsweringModel`, the `figures` of the process, and the options
    options : as JSON has them
    reads_features : whether it wants the features of the answers
    """

    opener: str
    options: Mapping[str, Any] = field(default_factory=dict)
    reads_features: bool = False

    def open(self, model: AnsweringModel, figures: Figures) -> Recorder:
        """Open it in this process."""
        recorder: Recorder = resolve_name(self.opener)(model, figures=figures, **self.options)
        return recorder
