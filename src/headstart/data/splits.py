"""Recognise a division into train, validation and test that the user made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from headstart.core.errors import DataError
from headstart.data.values import is_missing, label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headstart.core.dataset import Split

UNLABELED = "unlabeled"
"""The part of rows that are kept apart without a label."""

Part = Literal["train", "validation", "test", "unlabeled"]

_SPELLINGS: Mapping[Part, str] = {
    "train": "train training trn",
    "validation": "val valid validation dev devel development eval evaluation",
    "test": "test testing tst holdout heldout hold-out held-out",
    "unlabeled": "unlabeled unlabelled unsupervised",
}
_WORDS: Mapping[str, Part] = {word: part for part, words in _SPELLINGS.items() for word in words.split()}
_NEUTRAL = frozenset({"data", "dataset", "set", "split", "part", "subset", "images", "image", "imgs", "img", "photos",
    "pictures", "pics", "texts", "files", "folder", "public", "private"})  # fmt: skip
_ENDING = re.compile(r"(?<=[a-z])(?:set|split|data)$")
_SURE_NAMES = frozenset({"split", "splits", "data_split", "dataset_split", "train_test_split", "train_test"})
_LIKELY_NAMES = frozenset({"subset", "partition", "usage", "phase", "set", "fold", "folds", "kfold", "cv", "cv_fold"})
_SWITCH = re.compile(r"(?:(is|in|for)_)?(\w+?)(_flag|_set|_split|_data|_row)?")
_ALSO_OTHERWISE = frozenset(
    {"test", "valid", "eval", "dev"}
)  # as a column of 0 and 1 alone, such as the outcome of a test
_MAX_WORDS = 8  # of a column that divides rows
_SWITCHED = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_N_SHOWN = 3
_N_FOLDS = 20


def part_of(word: str) -> Part | None:
    """Read a folder's, a file's or a cell's word; None if it names no part.

    >>> part_of("Valid"), part_of("train_images"), part_of("held out"), part_of("kiwi"), part_of("train station")
    ('validation', 'train', 'test', None, None)
    """
    plain = word.strip().casefold()
    joined = re.sub(r"[\s_]+", "-", plain)
    if joined in _WORDS:
        return _WORDS[joined]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word).casefold()
    words = [one for one in re.split(r"[^a-z]+", spaced) if one and one not in _NEUTRAL]
    return _WORDS.get(words[0], _WORDS.get(_ENDING.sub("", words[0]))) if len(words) == 1 else None


def parts_in(stem: str) -> Part | None:
    """Read the part out of a file's name, where one word of it names one.

    >>> parts_in("tickets-train"), parts_in("sample_submission"), parts_in("train_test")
    ('train', None, None)
    """
    found = {_WORDS[word] for word in re.split(r"[^a-z]+", stem.casefold()) if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def split_of(word: str) -> Split | None:
    """Read the word of a part that has labels.

    >>> split_of("test_set"), split_of("unlabeled")
    ('test', None)
    """
    part = part_of(word)
    return None if part == UNLABELED else cast("Split | None", part)


def is_split_column(name: str, cells: Sequence[Any]) -> bool:
    """Whether a column says which rows are for training: by its name, or since it holds words for parts.

    A column with words for two parts, training one of them, is one whatever else it holds; `parse_splits` then names what it cannot read.

    >>> is_split_column("split", ["0", "1"]), is_split_column("used", ["train", "test"]), is_split_column("fold", [1, 2])
    (True, True, False)
    """
    present = {label_of(cell) for cell in cells if not is_missing(cell)}
    if not present or len(present) > _MAX_WORDS:
        return bool(present) and _plain(name) in _SURE_NAMES
    parts = {part_of(word) for word in present} - {None}
    if _plain(name) in _SURE_NAMES:
        return True
    if _switched_part(name) is not None and _are_switches(present):
        return True
    return "train" in parts and (len(parts) > 1 or _plain(name) in _LIKELY_NAMES)


def may_divide(name: str, cells: Sequence[Any]) -> bool:
    """Whether a column that is no split column is called like one, so that it is to be said that it is not used."""
    present = {label_of(cell) for cell in cells if not is_missing(cell)}
    if not 1 < len(present) <= _N_FOLDS or is_split_column(name, cells):
        return False
    return _plain(name) in _LIKELY_NAMES or (part_of(name) is not None and _are_switches(present))


def parse_splits(cells: Sequence[Any], ids: Sequence[str], column: str) -> NDArray[np.str_]:
    """Turn a column of words, or of 0 and 1 where it is called like `is_test`, into parts; a blank one is for training.

    Returns
    -------
    shape (n,): 'train', 'validation', 'test' or 'unlabeled'.

    Raises
    ------
    DataError
        A cell holds another word.
    """
    read = {label_of(cell): _part_in(column, label_of(cell)) for cell in cells if not is_missing(cell)}
    unknown = [word for word, part in read.items() if part is None]
    if unknown:
        place = next(i for i, cell in enumerate(cells) if not is_missing(cell) and label_of(cell) in unknown)
        shown = ", ".join(f"'{word[:40]}'" for word in unknown[:_N_SHOWN]) + (" …" if len(unknown) > _N_SHOWN else "")
        raise DataError(
            f"{ids[place]}: column '{column}' holds {shown}, where 'train', 'validation', 'test' or 'unlabeled' was expected. "
            "Write these words; or name another column with --split, or none with --split none."
        )
    found = ["train" if is_missing(cell) else str(read[label_of(cell)]) for cell in cells]
    return np.array(found, dtype="<U10")


def _part_in(column: str, word: str) -> Part | None:
    switched = _switched_part(column)
    if switched is None or word.casefold() not in _SWITCHED:
        return part_of(word)
    if switched == "train":
        return "train" if _SWITCHED[word.casefold()] else "test"
    return switched if _SWITCHED[word.casefold()] else "train"


def _switched_part(name: str) -> Part | None:
    """The part of a column of 0 and 1 that is called like `is_test` or `holdout`."""
    match = _SWITCH.fullmatch(_plain(name))
    if match is None or (match[2] in _ALSO_OTHERWISE and not (match[1] or match[3])):
        return None
    return part_of(match[2])


def _are_switches(words: set[str]) -> bool:
    return all(word.casefold() in _SWITCHED for word in words)


def _plain(name: str) -> str:
    """The name in small letters with underscores: 'isValid' as 'is_valid'."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.casefold())
