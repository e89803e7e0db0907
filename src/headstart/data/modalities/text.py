"""Texts: strings, or .txt files in any encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import DataError
from headstart.data.column_names import rank
from headstart.data.column_packers import TextColumn
from headstart.data.language import guess_language
from headstart.data.modalities.cleaned import Cleaned
from headstart.data.modalities.modality import FixedItems, Modality
from headstart.data.similar_texts import normalized, similar_texts
from headstart.data.text import TextPacker, Texts, read_text_file
from headstart.data.topics import topics
from headstart.data.values import is_empty_text, is_missing, is_null, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from headstart.core.arrays import FloatArray
    from headstart.core.model import Batch
    from headstart.data.modalities.modality import Expectations
    from headstart.data.similar_pairs import SimilarPairs

_N_SHOWN = 280
_CHARACTERS_PER_BATCH = 1200  # about 256 tokens; chosen by docs/log.md, Speed: longer ones leave the processor's cache
_FED_TOGETHER = 16
_SENTENCE = "A head start is an advantage that is given before the race begins."
_WORD = "advantage "
_TOKENS_PER_WORD = 1.3  # of English, where the tokenizer is not at hand
_DISTINCTIVE = 80  # characters
_NOTEWORTHY = 0.1  # share of the texts from which on something is said


class Text(Modality):
    """A text: a string."""

    name: ClassVar[str] = "text"
    singular: ClassVar[str] = "text"
    plural: ClassVar[str] = "texts"
    file_noun: ClassVar[str] = ".txt files"
    cell_noun: ClassVar[str] = "texts"
    order: ClassVar[int] = 100
    column_names: ClassVar[tuple[str, ...]] = ("text", "message", "sentence", "review", "content", "body", "question",
        "comment", "document", "description", "title", "narrative", "utterance", "tweet", "query", "input")  # fmt: skip
    suffixes: ClassVar[frozenset[str]] = frozenset({".txt"})
    media_types: ClassVar[tuple[str, ...]] = ("text/plain",)
    could_be_label: ClassVar[bool] = True
    null_value: ClassVar[str | float | None] = ""
    python_values: str = "strings"
    default_source: ClassVar[str] = "all-minilm-l6-v2"
    wire_format: str = "texts"
    example: str = "They charged my card twice."
    mlflow_type: ClassVar[str] = "string"
    hub_task: ClassVar[str] = "text-classification"
    loading_code: str = '{"text": np.array(["a text"], dtype=object)}'

    def is_value(self, value: Any) -> bool:
        """Whether it is a string."""
        return isinstance(value, str)

    def recognises(self, cells: Sequence[Any], folder: Path | None = None) -> bool:  # noqa: ARG002
        """Whether more than half of the cells are strings that are no numbers."""
        present = [cell for cell in cells if not is_missing(cell)]
        texts = [cell for cell in present if isinstance(cell, str) and number_of(cell) is None]
        return len(texts) > 0.5 * len(present) and bool(texts)

    def choose(self, columns: Mapping[str, Sequence[Any]]) -> str:
        """The column with the best known name, of equal ones the longest; the longest of all where no name is known."""
        return min(columns, key=lambda name: (rank(name, self.column_names), -_mean_length(columns[name])))

    def read_file(self, path: Path) -> str:
        """Read a whole text file, whatever its encoding."""
        return read_text_file(path)

    def read_files(self, root: Path, names: Sequence[str]) -> Cleaned:
        """Read and pack text files; an empty one is a blank text."""
        wrong: dict[int, str] = {}
        packer = TextPacker()
        for place, name in enumerate(names):
            text = ""
            try:
                if (root / name).stat().st_size:
                    text = read_text_file(root / name)
            except DataError as error:
                wrong[place] = str(error).removeprefix(f"'{root / name}' ")
            packer.append(text)
        return Cleaned(items=packer.finish(), wrong=wrong)

    def clean(self, cells: Sequence[Any], folder: Path | None) -> Cleaned:  # noqa: ARG002
        """Take strings as they are; other cells become strings, missing ones blank."""
        is_clean = isinstance(cells, Texts) or all(isinstance(cell, str) for cell in cells)
        return Cleaned(items=cells if is_clean else self.pack(cells))

    def blanks(self, items: Sequence[Any]) -> list[int]:
        """Give the places of texts without a character that can be seen."""
        return [place for place, text in enumerate(items) if is_empty_text(text)]

    def misfit(self, values: Sequence[Any]) -> int | None:
        """Give the place of the first value that is no string."""
        return next((place for place, value in enumerate(values) if not isinstance(value, str)), None)

    def pack(self, items: Iterable[Any]) -> Texts:
        """Pack texts one after the other."""
        return Texts.of("" if is_null(item) else str(item) for item in items)

    def packer(self) -> TextColumn:
        """Pack the cells one after the other as they are read."""
        return TextColumn()

    def content(self, item: Any) -> bytes:
        """UTF-8; halves of characters stay apart."""
        return str(item).encode("utf-8", "surrogatepass")

    def size(self, item: Any) -> int:
        """The number of characters: batches are made of texts of like length, so that little padding is computed."""
        return len(str(item))

    def most_together(self, size: int) -> int:
        """As many as have 1200 characters together."""
        return _CHARACTERS_PER_BATCH // max(size, 1)

    def similar_pairs(self, items: Sequence[Any]) -> SimilarPairs:
        """Pair texts that share most of their character shingles."""
        return similar_texts([str(item) for item in items])

    def is_distinctive(self, item: Any) -> bool:
        """Whether it is long enough that nobody writes it twice."""
        return len(normalized(str(item))) >= _DISTINCTIVE

    def describe(self, items: Sequence[Any]) -> FloatArray:
        """The topics of texts."""
        return topics([str(item) for item in items])

    def fixed_items(self, settings: Mapping[str, Any]) -> FixedItems:
        """A sentence, one that is padded beside it, and as many words as the tokenizer takes tokens."""
        return FixedItems(reference=_SENTENCE, other=_WORD * 40, largest=_WORD * settings.get("max_tokens", 40))

    def differences(self, items: Sequence[Any], expected: Expectations) -> list[str]:
        """Say whether many are cut, and whether they are in a language that the source has not seen."""
        texts = [str(item) for item in items]
        return [*_lengths(texts, expected), *_language(texts, expected)]

    def receive(self, value: Any) -> str:
        """Take a string, or UTF-8."""
        if isinstance(value, str):
            return value
        if not isinstance(value, bytes):
            raise DataError(f"a text was expected, but a {type(value).__name__} came. Send a string.")
        try:
            return value.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError("the text is not UTF-8. Send it in that encoding.") from error

    def give(self, item: Any) -> str:
        """The string itself."""
        return str(item)

    def preview(self, item: Any) -> dict[str, str]:
        r"""Give the first 280 characters.

        >>> Text().preview("A   short\ntext.")
        {'text': 'A short text.'}
        """
        return {"text": shortened(str(item))}

    def from_preview(self, shown: Mapping[str, Any]) -> str | None:
        """The text that is shown."""
        text = shown.get("text")
        return text if isinstance(text, str) else None

    def stand_ins(self, words: Sequence[str]) -> list[str]:
        """The words."""
        return [*words]

    def declare(self, graph: Any, *, are_files: bool, name: str | None = None) -> str:  # noqa: ARG002
        """`text`, strings of shape (batch,)."""
        declared: str = graph.input(name or "text", "string", ["batch"])
        return declared

    def feeds(
        self,
        items: Sequence[Any],
        *,
        are_files: bool,  # noqa: ARG002
        name: str | None = None,
    ) -> Iterator[tuple[Batch, Sequence[str]]]:
        """Some texts at a time."""
        for first in range(0, len(items), _FED_TOGETHER):
            texts = [str(item) for item in items[first : first + _FED_TOGETHER]]
            yield {name or "text": np.array(texts, dtype=object)}, texts


def shortened(text: str) -> str:
    """The beginning of a text, its blanks made single: at most 280 characters."""
    words = " ".join(text[: 4 * _N_SHOWN].split())
    return words if len(words) <= _N_SHOWN else words[: _N_SHOWN - 1].rstrip() + "…"


def _mean_length(cells: Sequence[Any]) -> float:
    present = [len(str(cell)) for cell in cells if not is_missing(cell)]
    return sum(present) / max(len(present), 1)


def _lengths(texts: list[str], expected: Expectations) -> list[str]:
    longest = expected.settings.get("max_tokens")
    if longest is None or not texts:
        return []
    if expected.is_cut is None:
        is_long, how = [len(t.split()) * _TOKENS_PER_WORD > longest for t in texts], " (estimated from their words)"
    else:
        is_long, how = expected.is_cut(texts), ""
    share = float(np.mean(is_long))
    if share < _NOTEWORTHY:
        return []
    seen = f"the {longest} tokens that {expected.name} reads{how}"
    return [f"{share:.0%} of the texts are longer than {seen}: their ends are not seen."]


def _language(texts: list[str], expected: Expectations) -> list[str]:
    guess = guess_language(texts)
    if guess is None or not expected.languages or guess.codes & set(expected.languages):
        return []
    known = ", ".join(expected.languages)
    return [f"Most texts look like {guess.name}, but {expected.name} was trained on texts in: {known}."]
