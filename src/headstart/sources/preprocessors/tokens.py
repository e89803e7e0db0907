"""TextTokenizer: turn texts into token ids."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, SourceError, UserError, first_line, require
from headstart.sources.tokenizer_limits import check_tokenizer
from headstart.sources.tokenizer_trial import try_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headstart.core.model import Batch

_FILE = "tokenizer.json"
_MAX_TOKENS = 1 << 20  # of one text; no network reads as many
_CHARACTERS_PER_TOKEN = (
    64  # words are shorter; texts are truncated here first, so that a megabyte costs no more than a page
)


class TextTokenizer:
    """Token ids, truncated at `max_tokens` and padded to the longest text of the batch.

    Parameters
    ----------
    tokenizer : content of a `tokenizer.json`
    max_tokens : longer texts are truncated
    special_tokens : whether the tokenizer's special tokens are added
    """

    kind = "tokens"
    modality = "text"

    def __init__(self, tokenizer: bytes, *, max_tokens: int, special_tokens: bool = True) -> None:
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.special_tokens = special_tokens

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> TextTokenizer:
        """Rebuild it from its settings and its `tokenizer.json`."""
        try:
            tokenizer, max_tokens, special_tokens = files[_FILE], settings["max_tokens"], settings["special_tokens"]
        except KeyError as error:
            raise SourceError(f"a text tokenizer lacks {error}. Fetch or save it again.") from error
        if type(max_tokens) is not int or not 0 < max_tokens <= _MAX_TOKENS:
            raise SourceError(f"max_tokens must be 1 to {_MAX_TOKENS}, got {max_tokens!r}. Fetch or save it again.")
        return cls(tokenizer, max_tokens=max_tokens, special_tokens=bool(special_tokens))

    def transform(self, items: Sequence[Any]) -> Batch:
        """Tokenize texts: `input_ids` and `attention_mask`, int64, (n, length), length at least 1.

        An empty text is all padding, or only special tokens.
        """
        rows = [row.ids for row in self._encode(items)]  # each is copied when it is asked for
        lengths = [len(row) for row in rows]
        ids = np.zeros((len(rows), max([1, *lengths])), np.int64)
        mask = np.zeros(ids.shape, np.int64)
        for i, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            ids[i, :length] = row
            mask[i, :length] = 1
        return {"input_ids": ids, "attention_mask": mask}

    def largest_id(self) -> int:
        """The largest token id that it can make."""
        return max(self._tokenizer.get_vocab().values(), default=0)

    def is_cut(self, items: Sequence[Any]) -> list[bool]:
        """Whether each text is truncated."""
        return [bool(row.overflowing) for row in self._encode(items)]

    def settings(self) -> dict[str, Any]:
        """The limit, and whether special tokens are added."""
        return {"max_tokens": self.max_tokens, "special_tokens": self.special_tokens}

    def files(self) -> Mapping[str, bytes]:
        """The tokenizer, as `tokenizer.json`."""
        return {_FILE: self.tokenizer}

    def _encode(self, items: Sequence[Any]) -> list[Any]:
        longest = self.max_tokens * _CHARACTERS_PER_TOKEN
        texts = [_whole_characters(str(item)[:longest]) for item in items]
        tokenizer = self._tokenizer
        with _library_errors(DataError, "the tokenizer cannot read this text"):
            rows: list[Any] = tokenizer.encode_batch_fast(texts, add_special_tokens=self.special_tokens)
        return rows

    @cached_property
    def _tokenizer(self) -> Any:
        # batches run in our own threads; the tokenizer's threads on top would only compete with them
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        tokenizers = require("tokenizers", extra="train", purpose="reading texts")
        if not check_tokenizer(self.tokenizer):
            try_tokenizer(self.tokenizer)
        with _library_errors(SourceError, "the tokenizer file is damaged", "Fetch or save it again."):
            tokenizer = tokenizers.Tokenizer.from_buffer(self.tokenizer)
            tokenizer.no_padding()
            tokenizer.enable_truncation(self.max_tokens)
            tokenizer.encode("", add_special_tokens=self.special_tokens)
        return tokenizer


@contextmanager
def _library_errors(kind: type[UserError], problem: str, remedy: str = "") -> Iterator[None]:
    """Turn what the library raises, plain exceptions and Rust's panics, which are no exceptions, into an error of ours."""
    try:
        yield
    except UserError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise kind(f"{problem} ({first_line(error)}). {remedy}".rstrip()) from error


def _whole_characters(text: str) -> str:
    """Replace lone surrogates, which no tokenizer can encode."""
    return text.encode("utf-8", "replace").decode("utf-8")
