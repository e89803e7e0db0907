"""Bounds on a `tokenizer.json` of unknown origin, checked before a library builds it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.sources.pattern_limits import is_quick_pattern, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TOKENIZER_BYTES = 64 << 20  # the largest vocabularies in use take 35 MiB
_MAX_PARTS = 200  # of what is done before and after the vocabulary is asked
_MAX_TEXT = 2_000  # characters of a pattern
_MAX_ADDED = 200  # characters or tokens that a part may put in the place of one
_MAX_GROWTH = 64  # times that all replacements together may lengthen a text
_MAX_WORD = 1_000  # characters of a word that is searched for the longest pieces, whose cost grows with their square
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


def check_tokenizer(content: bytes) -> bool:
    """Refuse a tokenizer that may take endless time or memory; say whether it is surely quick, or has to be tried.

    Raises
    ------
    SourceError
        It is no tokenizer, or has parts beyond the bounds.
    """
    if len(content) > MAX_TOKENIZER_BYTES:
        raise SourceError(f"a tokenizer of {len(content)} bytes is too large; {MAX_TOKENIZER_BYTES} are allowed.")
    try:
        described = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"the tokenizer file is not readable JSON ({error}). Fetch or save it again.") from error
    if not isinstance(described, dict):
        raise SourceError("the tokenizer file is not a JSON object. Fetch or save it again.")
    _check_model(described.get("model"))
    parts = list(_objects({name: described.get(name) for name in _PARTS}))
    if len(parts) > _MAX_PARTS:
        raise refused(f"{len(parts)} parts, {_MAX_PARTS} are allowed")
    growth = 1.0
    for part in parts:
        _check_part(part)
        growth *= _growth(part)
    if growth > _MAX_GROWTH:
        raise refused(f"replacements that make a text {growth:.0f} times as long, {_MAX_GROWTH} times are allowed")
    quick = [is_quick_pattern(pattern) for pattern in patterns_of(described)]  # each may be refused
    return all(quick)


def patterns_of(described: dict[str, Any]) -> list[str]:
    """All regular expressions of a tokenizer, given as its JSON object."""
    parts = _objects({name: described.get(name) for name in _PARTS})
    return [str(part["Regex"]) for part in parts if "Regex" in part]


def _check_model(model: Any) -> None:
    if not isinstance(model, dict):
        raise SourceError("the tokenizer file has no model. Fetch or save it again.")
    longest = model.get("max_input_chars_per_word", 0)
    if not isinstance(longest, int) or longest > _MAX_WORD:
        raise refused(f"max_input_chars_per_word {longest!r:.40}, {_MAX_WORD} is allowed")
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        if len(str(model.get(name) or "")) > _MAX_ADDED:
            raise refused(f"a {name} of {len(model[name])} characters, {_MAX_ADDED} are allowed")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value, outer ones first."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inner)


def _check_part(part: dict[str, Any]) -> None:
    """Bound the texts and the lists in one part; a character map is bounded by what it puts in the place of a character."""
    for name, value in part.items():
        if name == "precompiled_charsmap":
            _check_character_map(value)
        elif isinstance(value, str) and len(value) > _MAX_TEXT:
            raise refused(f"'{name[:40]}' of {len(value)} characters, {_MAX_TEXT} are allowed")
        elif isinstance(value, list) and len(value) > _MAX_ADDED:
            raise refused(f"'{name[:40]}' of {len(value)} entries, {_MAX_ADDED} are allowed")


def _check_character_map(encoded: Any) -> None:
    """The map of SentencePiece: the length of a search tree, the tree, and the replacements, each with a zero byte behind it."""
    try:
        content = base64.b64decode(encoded or "", validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise SourceError(f"the tokenizer's character map is damaged ({error}). Fetch or save it again.") from error
    replacements = content[4 + int.from_bytes(content[:4], "little") :].split(b"\0")
    longest = max(map(len, replacements))
    if longest > _MAX_ADDED:
        raise refused(f"a character map with a replacement of {longest} bytes, {_MAX_ADDED} are allowed")


def _growth(part: dict[str, Any]) -> float:
    """How many times as long a part may make a text: one that replaces a pattern may find it between any two characters."""
    if part.get("type") == "Prepend":
        return 1.0 if len(str(part.get("prepend", ""))) <= _MAX_ADDED else float(_MAX_GROWTH + 1)
    if part.get("type") != "Replace":
        return 1.0
    pattern = part.get("pattern")
    fixed = str(pattern.get("String", "")) if isinstance(pattern, dict) else ""
    return max(1.0, len(str(part.get("content", ""))) / max(1, len(fixed)))
