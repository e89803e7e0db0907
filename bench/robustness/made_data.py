"""Made-up data of the bench of inputs: short shop messages of four topics, and photos of colored shapes."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

TOPICS = {
    "delivery": ["parcel", "courier", "tracking number", "doorstep", "package", "postman", "shipment"],
    "billing": ["invoice", "credit card", "refund", "receipt", "payment", "bank charge", "fee"],
    "login": ["password", "account name", "email code", "username", "sign-in page", "reset link"],
    "repair": ["screen", "battery", "hinge", "charger", "fan", "keyboard", "speaker"],
}
_HEADS = ["Hello, my", "The", "Since Monday the", "I wonder about the", "Please look at my", "Again the"]
_TAILS = [
    "is not here",
    "gives me trouble",
    "looks wrong to me",
    "makes me angry",
    "needs your help",
    "cannot be found",
]
_COLORS = {"ring": (200, 30, 30), "box": (30, 30, 200)}


def messages(n: int, *, topics: Sequence[str] = tuple(TOPICS), seed: int = 0) -> list[tuple[str, str]]:
    """Make n different texts with their topics, in turn."""
    rng, made = random.Random(seed), dict[str, str]()
    while len(made) < n:
        topic = topics[len(made) % len(topics)]
        words = f"{rng.choice(_HEADS)} {rng.choice(TOPICS[topic])} {rng.choice(_TAILS)}, reference {rng.randrange(1000, 9999)}."
        made.setdefault(words, topic)
    return list(made.items())


def photos(folder: Path, names: Callable[[int, str], str], n: int = 24, *, seed: int = 0) -> list[tuple[str, str]]:
    """Draw n photos of rings and boxes into a folder; gives the name and the shape of each."""
    rng, made = random.Random(seed), []
    for number in range(n):
        shape = ("ring", "box")[number % 2]
        path = folder / names(number, shape)
        path.parent.mkdir(parents=True, exist_ok=True)
        _draw(shape, rng).save(path, "JPEG")
        made.append((names(number, shape), shape))
    return made


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], *, first: str = "", **how: Any) -> Path:
    """Write a table; `first` is a line above the header, `how` is for `csv.writer`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(first)
        csv.writer(file, **how).writerows([header, *rows])
    return path


def write_json_lines(path: Path, records: Sequence[Any]) -> Path:
    """Write a JSON value a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def _draw(shape: str, rng: random.Random) -> Any:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (96, 96), tuple(rng.randrange(180, 256) for _ in range(3)))
    x, y, radius = rng.randrange(30, 66), rng.randrange(30, 66), rng.randrange(14, 28)
    around, pen = (x - radius, y - radius, x + radius, y + radius), ImageDraw.Draw(picture)
    if shape == "ring":
        pen.ellipse(around, outline=_COLORS[shape], width=6)
    else:
        pen.rectangle(around, fill=_COLORS[shape])
    return picture
