"""TextShape: turn texts into counts of characters, words, digits, capitals, signs and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.model import Batch

BLANKS = (
    "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680"  # what `str.split` splits at
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_CAPITALS = "A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΩА-Я"

PATTERNS: dict[str, str] = {
    "characters": f"[{BLANKS}]|[^{BLANKS}]",
    "words": f"[^{BLANKS}]+",
    "lines": "\n",
    "digits": "[0-9]",
    "numbers": "[0-9]+",
    "capitals": f"[{_CAPITALS}]",
    "capital_words": f"[{_CAPITALS}][{_CAPITALS}]+",
    "long_words": "[A-Za-z]{9,}",
    "punctuation": r"[!-/:-@\[-`{-~]",
    "sentence_ends": "[.!?]+",
    "commas": ",",
    "exclamation_marks": "!",
    "question_marks": r"\?",
    "quotes": "[\"'\u2018\u2019“”«»]",
    "currency_signs": "[$¢£¥€₹]",
    "addresses": r"https?://|www\.|@",
    "other_scripts": "[^\x01-\x7f]",
}
"""What is counted, as regular expressions that mean the same in Python, in RE2 and in JavaScript."""
_COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


@dataclass(frozen=True, kw_only=True)
class TextShape:
    """How often each pattern occurs in a text.

    Attributes
    ----------
    counted : names of `PATTERNS`

    >>> TextShape(counted=("words", "digits", "capital_words")).transform(["CALL 0800 now", ""])["shape"].tolist()
    [[3.0, 4.0, 1.0], [0.0, 0.0, 0.0]]
    """

    kind: ClassVar[str] = "text-shape"
    modality: ClassVar[str] = "text"
    counted: tuple[str, ...] = tuple(PATTERNS)

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> TextShape:  # noqa: ARG003  (all preprocessors share one signature)
        """Rebuild it from its settings; there are no files.

        Raises
        ------
        SourceError
            The settings lack what is counted, or name something else.
        """
        counted = settings.get("counted")
        if not isinstance(counted, list) or not counted or not all(str(name) in PATTERNS for name in counted):
            raise SourceError(
                f"counted must list some of {', '.join(PATTERNS)}, got {counted!r}. Save the model again."
            )
        return cls(counted=tuple(counted))

    def transform(self, items: Sequence[Any]) -> Batch:
        """Count: `shape`, float32, (n, number of patterns)."""
        rows = [[len(_COMPILED[name].findall(str(item))) for name in self.counted] for item in items]
        return {"shape": np.array(rows, np.float32).reshape(len(rows), len(self.counted))}

    def settings(self) -> dict[str, Any]:
        """What is counted."""
        return {"counted": list(self.counted)}

    def files(self) -> Mapping[str, bytes]:
        """There are none."""
        return {}
