"""Small data as people have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_data import write_photo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 2 classes with 6 photos each."""
    rng = np.random.default_rng(0)
    for label in ("kiwi", "plum"):
        for number in range(6):
            red, green, blue = (int(value) for value in rng.integers(0, 255, 3))
            write_photo(tmp_path / "photos" / label / f"{number}.jpg", (red, green, blue))
    return tmp_path / "photos"
