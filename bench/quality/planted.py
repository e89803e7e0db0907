"""Planted near-duplicates: edits of photos and of texts that people would call the same thing."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    Rng = np.random.Generator
    Edit = Callable[[Any, Rng], Any]

NAMES = [
    "Anna",
    "Berg",
    "Carlos",
    "Dana",
    "Emil",
    "Farah",
    "Goran",
    "Hanna",
    "Ivo",
    "Jana",
    "Kofi",
    "Lena",
    "Milan",
    "Nora",
    "Oskar",
    "Priya",
    "Quinn",
    "Rosa",
    "Sven",
    "Tara",
]


def photo_edits() -> dict[str, Edit]:
    """Edits of a photo, each of an open image to an array (h, w, 3) or the bytes of a file."""
    from PIL import ImageEnhance
    from PIL.Image import Transpose

    def mirrored(photo: Image, _: Rng) -> Any:
        return np.asarray(photo.transpose(Transpose.FLIP_LEFT_RIGHT))

    def resized(photo: Image, _: Rng) -> Any:
        return np.asarray(photo.resize((max(16, photo.width // 2), max(16, photo.height // 2))))

    def brighter(photo: Image, _: Rng) -> Any:
        return np.asarray(ImageEnhance.Brightness(photo).enhance(1.4))

    def darker(photo: Image, _: Rng) -> Any:
        return np.asarray(ImageEnhance.Brightness(photo).enhance(0.6))

    def several(photo: Image, rng: Rng) -> Any:
        turned = _cropped(photo, rng, 0.9).transpose(Transpose.FLIP_LEFT_RIGHT)
        return _compressed(ImageEnhance.Brightness(turned).enhance(1.2), 50)

    return {
        "compressed again, quality 25": lambda photo, _: _compressed(photo, 25),
        "mirrored": mirrored,
        "half the size": resized,
        "brighter, 1.4": brighter,
        "darker, 0.6": darker,
        "cropped to 90 % a side": lambda photo, rng: np.asarray(_cropped(photo, rng, 0.9)),
        "cropped to 80 % a side": lambda photo, rng: np.asarray(_cropped(photo, rng, 0.8)),
        "cropped, mirrored, brighter, compressed": several,
    }


def text_edits() -> dict[str, Edit]:
    """Edits of a text."""
    return {
        "case, punctuation, blanks": _retyped,
        "a typo in 40 characters": lambda text, rng: _typed(text, rng, 40),
        "typed again, a typo in 20 characters": lambda text, rng: _typed(_retyped(text, rng), rng, 20),
        "template: other numbers and names": _template,
        "cut to 70 %": lambda text, _: text[: max(1, round(0.7 * len(text)))],
    }


def _compressed(photo: Image, quality: int) -> bytes:
    jpeg = io.BytesIO()
    photo.save(jpeg, "JPEG", quality=quality)
    return jpeg.getvalue()


def _cropped(photo: Image, rng: Rng, share: float) -> Image:
    width, height = (round(side * share * rng.uniform(0.97, 1.03)) for side in photo.size)
    left, top = rng.integers(0, photo.width - width + 1), rng.integers(0, photo.height - height + 1)
    return photo.crop((int(left), int(top), int(left) + width, int(top) + height))


def _retyped(text: str, rng: Rng) -> str:
    text = re.sub(r"[.,;:!?\"'()-]+", " ", text)
    return (text.lower() if rng.random() < 0.5 else text.upper()).replace(" ", "  ") + " ..."


def _typed(text: str, rng: Rng, characters: int) -> str:
    """Letters left out, doubled or exchanged with the next."""
    letters = list(text)
    for place in rng.integers(0, max(1, len(letters) - 1), max(1, len(letters) // characters)):
        kind = rng.integers(3)
        here, after = letters[place], letters[min(place + 1, len(letters) - 1)]
        letters[place] = ("", here + here, after + here)[kind]
        if kind == 2 and place + 1 < len(letters):
            letters[place + 1] = ""
    return "".join(letters)


def _template(text: str, rng: Rng) -> str:
    """Every number another, and one word in ten a name."""
    text = re.sub(r"\d", lambda _: str(rng.integers(10)), text)
    words = text.split(" ")
    for place in rng.permutation(len(words))[: max(1, len(words) // 10)]:
        words[place] = str(rng.choice(NAMES))
    return " ".join(words)
