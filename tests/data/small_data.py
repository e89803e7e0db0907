"""Small data as people have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def write_photo(path: Path, colour: tuple[int, int, int] = (200, 40, 40), size: tuple[int, int] = (12, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def write_table(
    path: Path, n_rows: int = 40, *, separator: str = ",", encoding: str = "utf-8", extra: str = ""
) -> Path:
    lines = [separator.join(("text", "label"))]
    lines += [separator.join((f"message number {i} näh", ("spam", "ham")[i % 2])) for i in range(n_rows)]
    path.write_bytes(("\n".join(lines) + "\n" + extra).encode(encoding))
    return path
