"""Find the tokenizer of a folder and give it as one `tokenizer.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import SourceError, require
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.sources.tokenizer_limits import MAX_TOKENIZER_BYTES
from headstart.storage.untrusted_folder import UntrustedFolder, check_beginning

if TYPE_CHECKING:
    from pathlib import Path

_MAX_TOKENS = 512  # any will do, to build it
_JSON, _VOCABULARY, _SETTINGS = "tokenizer.json", "vocab.txt", "tokenizer_config.json"


def tokenizer_of(folder: UntrustedFolder) -> bytes | None:
    """Read `tokenizer.json`, or make one of a WordPiece `vocab.txt`; None if the folder has neither.

    Raises
    ------
    SourceError
        The file is no tokenizer.
    """
    if folder.has(_JSON):
        return _checked(folder.read(_JSON, limit=MAX_TOKENIZER_BYTES), f"{folder.path / _JSON}")
    if not folder.has(_VOCABULARY):
        return None
    return _from_vocabulary(
        folder.read(_VOCABULARY, limit=MAX_TOKENIZER_BYTES), is_lower=folder.json(_SETTINGS).get("do_lower_case", True)
    )


def tokenizer_at(path: Path | None) -> bytes | None:
    """Read a tokenizer from a `tokenizer.json`, a `vocab.txt`, or the folder of one.

    Raises
    ------
    SourceError
        There is none, or the file is no tokenizer.
    """
    if path is None:
        return None
    if path.is_file() and path.name != _VOCABULARY:
        return _checked(UntrustedFolder.of(path.parent).read(path.name, limit=MAX_TOKENIZER_BYTES), str(path))
    found = tokenizer_of(UntrustedFolder.of(path if path.is_dir() else path.parent))
    if found is None:
        raise SourceError(f"there is no {_JSON} and no {_VOCABULARY} at {path}. Give the path of one of them.")
    return found


def _checked(content: bytes, where: str) -> bytes:
    check_beginning(where, content, expected="a tokenizer")
    try:
        TextTokenizer(content, max_tokens=_MAX_TOKENS).transform([])
    except SourceError as error:
        raise SourceError(f"{where} is no tokenizer that can be used: {error}") from error
    return content


def _from_vocabulary(content: bytes, *, is_lower: bool) -> bytes:
    tokenizers = require("tokenizers", extra="train", purpose="reading texts")
    words = content.decode("utf-8", "replace").splitlines()
    vocabulary = {word: number for number, word in enumerate(words)}
    missing = [word for word in ("[UNK]", "[CLS]", "[SEP]") if word not in vocabulary]
    if missing:
        raise SourceError(
            f"{_VOCABULARY} is no WordPiece vocabulary: it lacks {', '.join(missing)}. Add a {_JSON} instead."
        )
    made = tokenizers.BertWordPieceTokenizer(vocab=vocabulary, lowercase=is_lower)
    return str(made.to_str()).encode()
