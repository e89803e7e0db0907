"""Images of any kind come out upright, RGB and 8 bits deep."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from headstart.data import check_image, load, open_image
from headstart.data.modalities import get_modality

if TYPE_CHECKING:
    from pathlib import Path

RED, GREEN = (255, 0, 0), (0, 255, 0)


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return value[0], value[1], value[2]


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_exif_rotation_puts_the_photo_upright() -> None:
    lying = Image.new("RGB", (16, 8), RED)
    lying.paste(GREEN, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    upright = open_image(encoded(lying, "PNG", exif=exif))
    assert upright.size == (8, 16)
    assert pixel(upright, 4, 0) == GREEN
    assert pixel(upright, 4, 15) == RED


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_every_orientation_is_as_pillow_says(orientation: int, kind: str) -> None:
    from PIL import ImageOps

    rng = np.random.default_rng(orientation)
    photo = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(photo, kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    assert np.array_equal(np.asarray(open_image(content)), np.asarray(expected))


def test_broken_exif_turns_nothing() -> None:
    assert open_image(encoded(Image.new("RGB", (16, 8)), "JPEG", exif=b"Exif\0\0nonsense")).size == (16, 8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "I;16", "F"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = open_image(encoded(Image.new(mode, (8, 8)), "TIFF"))
    assert image.mode == "RGB"
    assert image.size == (8, 8)


def test_cmyk_red_stays_red() -> None:
    red = open_image(encoded(Image.new("RGB", (16, 16), RED).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(np.array(pixel(red, 8, 8)) - RED).max() < 12


def test_sixteen_bits_keep_their_brightness() -> None:
    deep = Image.fromarray(np.full((4, 4), 32_896, dtype=np.uint16))
    assert pixel(open_image(encoded(deep, "PNG")), 0, 0) == (128, 128, 128)


def test_transparency_lies_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert pixel(open_image(encoded(clear, "PNG")), 0, 0) == (255, 255, 255)
    assert abs(pixel(open_image(encoded(half, "WEBP", lossless=True)), 0, 0)[0] - 127) <= 1
    palette = Image.new("RGB", (4, 4), RED).quantize(2)
    assert pixel(open_image(encoded(palette, "PNG", transparency=palette.getpixel((0, 0)))), 0, 0) == (255, 255, 255)


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixel(open_image(moving), 0, 0) == RED


@pytest.mark.parametrize(
    "array",
    [
        np.full((3, 5), 200, dtype=np.uint8),
        np.full((3, 5, 1), 200, dtype=np.uint8),
        np.full((3, 5, 3), 200, dtype=np.uint8),
        np.full((3, 5, 3), 200, dtype=np.int64),
        np.full((3, 5, 3), 200 / 255, dtype=np.float32),
        np.full((3, 5), 200 * 257, dtype=np.uint16),
        np.dstack([np.full((3, 5, 3), 200, dtype=np.uint8), np.full((3, 5), 255, dtype=np.uint8)]),
    ],
)
def test_arrays(array: np.ndarray[Any, Any]) -> None:
    image = open_image(array)
    assert image.size == (5, 3)
    assert pixel(image, 0, 0) == (200, 200, 200)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_check_knows_every_kind(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encoded(Image.new("RGB", (4, 4)), kind))
    assert check_image(path) is None
    assert open_image(path).mode == "RGB"


class TestPillowImages:
    """Images that Pillow holds are read as those of files, at every door."""

    def images(self) -> list[Image.Image]:
        rng = np.random.default_rng(0)
        return [Image.fromarray(rng.integers(0, 256, (20 + 3 * i, 30, 3), dtype=np.uint8)) for i in range(4)]

    def test_they_are_opened_as_copies(self) -> None:
        image = self.images()[0].convert("RGBA")
        opened = open_image(image)
        assert opened.mode == "RGB"
        opened.thumbnail((4, 4))
        assert image.size == (30, 20)

    def test_they_have_the_key_and_the_looks_of_their_pixels(self) -> None:
        image, other, *_ = self.images()
        modality = get_modality("image")
        assert modality.is_value(image)
        assert modality.key(image) == modality.key(image.copy())
        assert modality.key(image) != modality.key(other)
        assert modality.preview(image) == modality.preview(np.asarray(image))
        assert modality.give(image) == modality.give(np.asarray(image))

    def test_a_dataset_of_them_in_mixed_sizes(self) -> None:
        dataset = load((self.images() * 5, ["a", "b", "b", "a"] * 5))
        assert (dataset.modality, dataset.task, len(dataset)) == ("image", "binary", 20)
        np.testing.assert_array_equal(dataset.items[0], np.asarray(self.images()[0]))
