"""NoPreprocessor: for a constant model, which needs only the number of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.model import Batch


@dataclass(frozen=True)
class NoPreprocessor:
    """A zero per item; items are not read.

    >>> NoPreprocessor().transform(["a", "b"])["rows"]
    array([0, 0])
    """

    kind: ClassVar[str] = "nothing"
    modality: ClassVar[str | None] = None

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> NoPreprocessor:  # noqa: ARG003  (all preprocessors share one signature)
        """Rebuild it; it has neither settings nor files."""
        return cls()

    def transform(self, items: Sequence[Any]) -> Batch:
        """Count the items: `rows`, int64, shape (n,)."""
        return {"rows": np.zeros(len(items), np.int64)}

    def settings(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def files(self) -> Mapping[str, bytes]:
        """There are none."""
        return {}
