"""Bounds on the regular expressions of a tokenizer of unknown origin: those whose time has no end are told by their form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headstart.core.errors import SourceError

_MAX_REPEATS = 1_000
_UNBOUNDED = 10**9
_ATOM = re.compile(r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_TOKEN = re.compile(r"\(\?[:=!<>]*|(?P<times>[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})|.", re.DOTALL)
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9k]")

_KNOWN = (
    # GPT-4's and Llama's, and Qwen's: what is repeated in them one after the other does not overlap
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)


def refused(what: str) -> SourceError:
    """The error for a tokenizer that has `what`."""
    return SourceError(f"the tokenizer has {what}. Use a tokenizer without it.")


def is_quick_pattern(pattern: str) -> bool:
    r"""Whether a regular expression surely takes no more than quadratic time; False where only a trial can tell.

    >>> is_quick_pattern(r" {2,}"), is_quick_pattern(r"\p{L}+|\s+(?!\S)"), is_quick_pattern(r"\s*\S*x")
    (True, True, False)
    >>> is_quick_pattern("")
    True

    Raises
    ------
    SourceError
        It repeats a repetition, refers back, or repeats very often: its time may be endless.
    """
    if pattern in _KNOWN:
        return True
    if _BACK_REFERENCE.search(pattern):
        raise refused(f"the pattern '{pattern[:60]}', which refers back to what it has found")
    reading = _Reading(pattern)
    tokens = list(_TOKEN.finditer(_ATOM.sub("a", pattern)))
    for place, token in enumerate(tokens):
        reading.take(token, tokens[place + 1] if place + 1 < len(tokens) else None)
    return reading.is_quick


@dataclass
class _Group:
    """What has been seen inside a pair of brackets: `n_unbounded` repetitions in the current branch, at most `most` in one before."""

    has_repetition: bool = False
    has_choice: bool = False
    n_unbounded: int = 0
    most: int = 0


class _Reading:
    """A pattern that is read from left to right, and the groups that are open."""

    def __init__(self, pattern: str) -> None:
        self.is_quick = True
        self._said = f"the pattern '{pattern[:60]}'"
        self._groups = [_Group()]

    def take(self, token: re.Match[str], after: re.Match[str] | None) -> None:
        """Take the next token; `after` is the one behind it."""
        group = self._groups[-1]
        if token[0].startswith("("):
            self._groups.append(_Group())
        elif token[0] == "|":
            group.most, group.n_unbounded, group.has_choice = max(group.most, group.n_unbounded), 0, True
        elif token[0] == ")" and len(self._groups) > 1:
            self._close(self._groups.pop(), after)
        elif token["times"]:
            self._repeat(group, _most(token))
        self.is_quick &= self._groups[-1].n_unbounded <= 1

    def _close(self, inner: _Group, after: re.Match[str] | None) -> None:
        if after is not None and _most(after) > 1:
            if inner.has_repetition:
                raise refused(f"{self._said}, which repeats a repetition")
            self.is_quick &= not inner.has_choice
        outer = self._groups[-1]
        outer.has_repetition |= inner.has_repetition
        outer.has_choice |= inner.has_choice
        outer.n_unbounded += max(inner.most, inner.n_unbounded)

    def _repeat(self, group: _Group, most: int) -> None:
        if _MAX_REPEATS < most < _UNBOUNDED:
            raise refused(f"{self._said}, which repeats more than {_MAX_REPEATS} times")
        group.has_repetition |= most > 1
        group.has_choice |= most == 1
        group.n_unbounded += most == _UNBOUNDED


def _most(token: re.Match[str]) -> int:
    """How often a quantifier lets what is before it occur; 0 if it is none."""
    words = token["times"]
    if not words:
        return 0
    if words in "*+?":
        return 1 if words == "?" else _UNBOUNDED
    if token["comma"] and not token["most"]:
        return _UNBOUNDED
    return int((token["most"] or token["least"] or "0")[:9])
