"""What a report shows of one item."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from headstart.data.modalities import get_modality


@pytest.mark.parametrize("shape", [(300, 500, 3), (20, 30, 3), (4, 900, 3)])
def test_a_photo_becomes_a_small_jpeg(shape):
    uri = get_modality("image").preview(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))["thumbnail"]
    kind, data = uri.split(",")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/jpeg;base64"
    assert image.format == "JPEG"
    assert max(image.size) == min(128, max(shape[:2]))
    assert len(uri) < 25_000


def test_a_photo_that_cannot_be_read_is_said_so(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no")
    assert "a.jpg" in get_modality("image").preview(tmp_path / "a.jpg")["text"]


def test_a_long_text_is_cut():
    text = get_modality("text").preview("word \n" * 10_000)["text"]
    assert len(text) <= 280
    assert text.endswith("word…")
