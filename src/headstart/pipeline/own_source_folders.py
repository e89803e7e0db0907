"""Which of the names that are given as `source` are folders of the user's own sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.core.words import listed_words
from headstart.packaging.manifest import is_bundle
from headstart.packaging.own_source import SOURCE, is_own_source

if TYPE_CHECKING:
    from collections.abc import Sequence


def split_own_sources(
    given: str | Sequence[str] | None, match: str | Sequence[str] | None = None, *, has_data: bool = False
) -> tuple[tuple[str, ...], str | Sequence[str] | None]:
    """Take the folders of own sources out of what is given as `source`; what is left is None if that was all.

    Parameters
    ----------
    match : of columns, which says nothing without such a folder or other rows
    has_data : whether other rows are given

    Raises
    ------
    OptionError
        One is a path, and no source is there; or columns are matched to none.

    >>> split_own_sources("all-minilm-l6-v2")
    ((), 'all-minilm-l6-v2')
    """
    words = () if given is None else listed_words(given)
    folders = tuple(word for word in words if is_own_source(word))
    rest = [word for word in words if word not in folders]
    for word in rest:
        _refuse_path(word)
    if match and not folders and not has_data:
        raise OptionError(
            "--match says which columns are those of a source of your own, and none is given. Add --source FOLDER, a folder that "
            "headstart pretrain wrote, or --source-data FILE, or leave --match out."
        )
    return folders, (rest or None) if folders else given


def _refuse_path(word: str) -> None:
    """Say what is wrong with a path that is no source; a name of a public one passes, and the word for none."""
    path, make = Path(word), f"headstart pretrain DATA --out {word}"
    if path.is_dir() and is_bundle(path):
        raise OptionError(
            f"{word} is a bundle, but no source for other data: it lacks what is known of its columns. Make a source of "
            f"the same data with: {make}-source"
        )
    if word == "none" or "=" in word or not (path.exists() or len(path.parts) > 1):
        return
    if (path / SOURCE).is_file():
        raise OptionError(
            f"{word} was a source, but its manifest.json is missing. Copy the whole folder again, or make it again with: {make}"
        )
    if path.is_dir():
        raise OptionError(
            f"{word} is a folder, but no source: it has no manifest.json. Make one in another folder with: {make}-source"
        )
    if path.exists():
        raise OptionError(
            f"{word} is a file, and a source of your own is a folder. Make one with: headstart pretrain {word} --out SOURCE"
        )
    raise OptionError(f"there is no source at {word}. Make one with: {make}")
