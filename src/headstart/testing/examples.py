"""What the built-in parts need to be tried out, registered as a plugin registers its own.

A part of the kind `examples.modalities` is a `ModalityExample`, one of `examples.preprocessors` a `PreprocessorExample`, one of
`examples.report_sections` a section. One of `examples.onnx_networks` is called with a folder and gives a `Source` of that network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from headstart.core.dataset import Field
from headstart.sources.preprocessors import columns, modality_of
from headstart.sources.preprocessors.characters import CharacterVectorizer
from headstart.sources.preprocessors.joint import JointPreprocessor
from headstart.sources.preprocessors.ngrams import NgramVectorizer
from headstart.sources.preprocessors.nothing import NoPreprocessor
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.sources.preprocessors.renamed import FilledField, RenamedFields
from headstart.sources.preprocessors.text_shape import TextShape
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.testing.tiny_sources import tokenizer_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headstart.core.model import Batch, Preprocessor

_WORDS = ("kiwi", "apple", "shelf")
_FILLERS = ("a", "is", "the", "race", "start")
_COLORS = np.array([[230, 40, 40], [40, 230, 40], [40, 40, 230]])
_TEXTS = ("the kiwi", "", "a good bad apple before the race is given " * 3, "unheard of")


@dataclass(frozen=True, kw_only=True)
class ModalityExample:
    """How values of a modality are made up.

    Attributes
    ----------
    draw : called with a generator and a class from 0 to 2, gives a value by whose content the class can be told
    write : called with a path and a number, writes a file whose content depends on the number; None where there are no such files
    suffix : of such a file, with the dot
    network : of `examples.onnx_networks`, one that reads such values; empty where there is none
    unusual : values unlike those that `draw` gives, empty ones and very small ones among them
    """

    draw: Callable[[np.random.Generator, int], Any]
    write: Callable[[Path, int], None] | None = None
    suffix: str = ""
    network: str = ""
    unusual: Sequence[Any] = ()


@dataclass(frozen=True, kw_only=True)
class PreprocessorExample:
    """A preprocessor with items that it takes.

    Attributes
    ----------
    modality : of the items
    fields : of the items, where they are rows
    compared : brings prepared arrays to a form in which those of the graph can be compared with those of Python
    """

    preprocessor: Preprocessor
    items: Sequence[Any]
    modality: str
    fields: tuple[Field, ...] = ()
    compared: Callable[[Batch], Batch] = dict


def _write_image(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def _write_text(path: Path, seed: int) -> None:
    path.write_text(f"this is the text with the number {seed}", encoding="utf-8")


def _draw_image(rng: np.random.Generator, code: int) -> Any:
    """Noise whose color tells the class."""
    return np.clip(_COLORS[code] + rng.normal(0, 40, (40, 40, 3)), 0, 255).astype(np.uint8)


def _draw_text(rng: np.random.Generator, code: int) -> str:
    """Words in any order, of which one that comes twice tells the class."""
    return " ".join(rng.permutation([_WORDS[code]] * 2 + list(rng.choice(_FILLERS, rng.integers(1, 6)))))


def _draw_number(rng: np.random.Generator, code: int) -> float:
    return float(10.0 * code + rng.normal())


def _draw_category(rng: np.random.Generator, code: int) -> str:
    return f"{_WORDS[code]} {rng.choice(_FILLERS)}"


def _draw_date(rng: np.random.Generator, code: int) -> float:
    """A second of one of three years."""
    return float(1.6e9 + 4e7 * code + rng.integers(0, 20_000_000))


def _photos() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((40, 60), (40, 30), (32, 32), (7, 90))]


def _counts(batch: Batch) -> Batch:
    """How often each of three terms stands in each text, whether the rows are ragged or not."""
    dense = np.zeros((len(batch["ids"]), 3))
    for row, ids, counts in zip(dense, batch["ids"], batch["counts"], strict=True):
        np.add.at(row, ids, counts)
    return {"counts": dense}


IMAGE = ModalityExample(
    write=_write_image,
    suffix=".png",
    draw=_draw_image,
    network="efficientnet-lite",
    unusual=[np.full((*size, 3), level, np.uint8) for size, level in (((1, 1), 0), ((3, 200), 255), ((50, 40), 127))],
)
TEXT = ModalityExample(
    write=_write_text,
    suffix=".txt",
    draw=_draw_text,
    network="static-embeddings",
    unusual=("", " \n\t", "漢字 👍", "x" * 3000, "CALL 0800!!! £5?"),
)

NUMBER = ModalityExample(draw=_draw_number, unusual=(float("nan"), 0.0, -0.0, -1.5e300, 5e-324))
CATEGORY = ModalityExample(draw=_draw_category, unusual=("", "漢字 👍", "x" * 3000))
DATE = ModalityExample(draw=_draw_date, unusual=(float("nan"), 0.0, -6e10, 1.25))

PIXELS = PreprocessorExample(
    preprocessor=ImagePreprocessor(height_px=8, width_px=6), items=_photos(), modality=str(modality_of("pixels"))
)
TOKENS = PreprocessorExample(
    preprocessor=TextTokenizer(tokenizer_json(), max_tokens=5), items=_TEXTS, modality=str(modality_of("tokens"))
)
NGRAMS = PreprocessorExample(
    preprocessor=NgramVectorizer(vocabulary=("kiwi", "the kiwi", "race")),
    items=_TEXTS,
    modality=TOKENS.modality,
    compared=_counts,
)
CHARACTERS = PreprocessorExample(
    preprocessor=CharacterVectorizer(vocabulary=(" ki", "ce ", "en")),
    items=_TEXTS,
    modality=TOKENS.modality,
    compared=_counts,
)
TEXT_SHAPE = PreprocessorExample(
    preprocessor=TextShape(),
    items=(*_TEXTS, "CALL 0800-555 NOW!!\nwww.a.b costs £3.50, “really”?", " Ünïcode 漢字\u00a0👍\t Ärger ÄÖ "),
    modality=TOKENS.modality,
)
NOTHING = PreprocessorExample(preprocessor=NoPreprocessor(), items=_TEXTS, modality=TOKENS.modality)
JOINT = PreprocessorExample(
    preprocessor=JointPreprocessor(inputs=(PIXELS.preprocessor, ImagePreprocessor(height_px=9, width_px=9))),
    items=PIXELS.items,
    modality=PIXELS.modality,
)
_FIELDS = (
    Field("age", columns.NUMBER),
    Field("größe", columns.NUMBER),
    Field("job", columns.CATEGORY),
    Field("seen", columns.DATE),
)
_ROWS = (
    {"age": 31.5, "größe": 1e300, "job": "Köchin", "seen": 1.6e9},
    {"age": float("nan"), "größe": -0.1, "job": "", "seen": float("nan")},
    {"age": -7.0, "größe": 1 / 3, "job": "smith", "seen": -86_400.5},
    {"age": 2.0**70, "größe": float("nan"), "job": "unheard of", "seen": 4e9},
)
COLUMNS = PreprocessorExample(
    preprocessor=columns.learn_columns(_ROWS[:3], _FIELDS),
    items=_ROWS,
    modality=columns.ColumnReader.modality,
    fields=_FIELDS,
)
RENAMED = PreprocessorExample(
    preprocessor=RenamedFields(
        inner=COLUMNS.preprocessor,
        fields=(
            FilledField(field=_FIELDS[0], given="größe", scale=0.25),
            FilledField(field=_FIELDS[1], given="age"),
            FilledField(field=_FIELDS[2], given=None),
            FilledField(field=_FIELDS[3], given=None),
        ),
    ),
    items=_ROWS,
    modality=COLUMNS.modality,
    fields=_FIELDS,
)
