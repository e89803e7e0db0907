"""Embeddings as an answer: what people have in, one vector an item out."""

from __future__ import annotations

import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.errors import DataError, OptionError, UserError
from headstart.data.given import listed_items
from headstart.data.items import STDIN, read_items
from headstart.data.modalities import get_modality
from headstart.data.own_columns import one_table
from headstart.data.readers.columns import take
from headstart.data.readers.frames import is_frame
from headstart.data.recognition import recognise_items, recognise_json_lines, recognise_path
from headstart.data.unreadable_items import UnreadableItems
from headstart.engines.context import RunContext
from headstart.features.embedding import embed as compute_features
from headstart.sources.defaults import default_source
from headstart.sources.opening import open_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headstart.data.readers.columns import TableSource
    from headstart.engines.reporters import ProgressOutput
    from headstart.sources import AnySource
    from headstart.sources.opening import SourceLike


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """One vector for each item that could be read.

    Attributes
    ----------
    values : shape (n, d), float32; the sources' features side by side, as they are: neither scaled nor normalised
    ids : n names for people: a path, or `tickets.csv row 214` (rows counted from 1, the header not counted)
    source : what gave them
    n_computed : how many forward passes it took; the other items were in the cache
    seconds : how long it took, reading and opening included
    notices : the source if it was guessed, and the items that were set aside, by name
    table : the one table that the items came from, for its other columns; None if they came from elsewhere
    """

    values: NDArray[np.float32]
    ids: Sequence[str]
    source: AnySource
    n_computed: int
    seconds: float
    notices: tuple[Notice, ...] = ()
    table: TableSource | None = None

    def __repr__(self) -> str:
        n, d = self.values.shape
        return f"Embeddings({n} items of {d} dimensions by {self.source.name})"


def embed(
    items: Any,
    source: SourceLike | None = None,
    *,
    input: str | None = None,
    progress: ProgressOutput = None,
    context: RunContext | None = None,
) -> NDArray[np.float32]:
    """Embed items by a pretrained network: row i is the vector of item i.

    Parameters
    ----------
    items : n items, or where they lie
        A list, tuple, array or Series of texts; of images, each a path, the bytes of a file, an array (h, w, 3) or a Pillow image;
        an array (n, h, w, 3); a frame or dict of columns; or one path: a table, a folder of photos or of .txt files.
    source : a name (`headstart sources`), names with commas between or a list of them, a card, or what `open_source` gave;
        the usual source of texts or of images if None
    input : column of a frame or table that holds the text or the image; guessed if None
    progress : where to say how far it is, as a rule `sys.stderr`; a stream or a reporter
    context : how it is run; it goes before `progress`

    Returns
    -------
    shape (n, d), float32, in the order of the items; several sources side by side, d being the sum of their dimensions. Rows are
    the network's own features: divide them by their norm for cosine similarity.

    Raises
    ------
    DataError
        An item cannot be read; `headstart embed --max-unreadable` sets such items aside.
    OptionError
        No source or column has that name.
    SourceError
        A source cannot be fetched.
    """
    if input is not None and not isinstance(input, str):
        raise OptionError(f"input is the name of one column, got {input!r}. Embed each column by itself.")
    context = context or RunContext.default(progress=progress)
    if isinstance(items, str | Path):
        _refuse_lone_text(items)
        return embed_inputs(items, source, input=input, max_unreadable=0.0, context=context).values
    is_table = is_frame(items) or isinstance(items, dict)
    if not is_table:
        _check_shape(items)
    cells = items if is_table else list(listed_items(items))
    opened = open_sources(source or default_source(recognise_items(cells, input=input)), stream=context.reporter)
    if is_table:
        cells = read_items(items, modality=opened.modality, input=input, max_unreadable=0.0).items
    else:
        cells = _readable(cells, opened)
    return compute_features(cells, opened, context=context, on_bad=_refuse).values


def embed_inputs(
    inputs: str | Path | Sequence[str | Path],
    source: SourceLike | None = None,
    *,
    input: str | None = None,
    images: str | Path | None = None,
    max_unreadable: float = 0.01,
    context: RunContext | None = None,
    stdin: TextIO | None = None,
) -> Embeddings:
    """Embed files, folders, a table, or JSON Lines from `stdin` (named '-'); labels are not needed and not looked at.

    Parameters
    ----------
    images : folder in which the files lie that a table names; that of the table if not given
    max_unreadable : fraction of the items that may be set aside because they cannot be read
    context : how it is run; silently if None

    Raises
    ------
    DataError
        More cannot be read than that; the message names the first of them.
    """
    started, context = time.perf_counter(), context or RunContext.default(progress=None)
    named = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    if STDIN in named:
        stdin = io.StringIO((stdin or sys.stdin).read())
    guess = None if source else _recognise(named, input, images, stdin)
    opened = open_sources(default_source(guess) if guess else source or (), stream=context.reporter)
    items = read_items(
        named, modality=opened.modality, input=input, images=images, max_unreadable=max_unreadable, stdin=stdin
    )
    failures: dict[int, UserError] = {}
    features = compute_features(items.items, opened, context=context, on_bad=failures.__setitem__)
    bad = UnreadableItems(max_unreadable=max_unreadable, found=list(items.unreadable))
    for position, error in sorted(failures.items()):
        bad.add_error(items.ids[position], items.items[position], error)
    bad.check(len(items) + len(items.unreadable), "the inputs")
    good = np.array([i for i in range(len(items)) if i not in failures], dtype=np.int64)
    if not len(good):
        raise DataError(f"none of the {len(items)} items can be read: {bad.found[0][0]} {bad.found[0][1]}.")
    others = [notice for notice in items.notices if notice.kind != "unreadable"]
    return Embeddings(
        values=features.values[good] if failures else features.values,
        ids=take(items.ids, good) if failures else items.ids,
        source=opened,
        n_computed=features.n_computed,
        seconds=time.perf_counter() - started,
        notices=(*_said(guess, opened), *others, *filter(None, [bad.notice()])),
        table=one_table(named, input),
    )


def _said(guess: str | None, source: AnySource) -> list[Notice]:
    if guess is None:
        return []
    return [
        Notice(kind="guess", message=f"the source is {source.name}, the usual one of {guess}s (change with --source).")
    ]


def _recognise(named: Sequence[str | Path], column: str | None, images: str | Path | None, stdin: TextIO | None) -> str:
    if not named:
        raise DataError("no input was named. Name files, folders or a table, or '-' for JSON Lines.")
    if named[0] != STDIN:
        return recognise_path(named[0], input=column, images=images)
    assert stdin is not None
    modality = recognise_json_lines(stdin, input=column)
    stdin.seek(0)
    return modality


def _refuse_lone_text(items: str | Path) -> None:
    """A string alone is a path; one that names nothing is most likely a text."""
    if isinstance(items, str) and (" " in items or not items) and not _exists(items):
        raise DataError(f"'{items[:60]}' is no file or folder. To embed one text, give a list of it: [text].")


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # a long text is no path
        return False


def _check_shape(items: Any) -> None:
    """Refuse an array that is one image, or no items at all."""
    if getattr(items, "ndim", 1) not in (1, 4):
        raise DataError(
            f"items in an array have shape (n,) or (n, height, width, 3); these have {items.shape}. Give a list of one image as "
            "[image], or name the column."
        )


def _readable(items: list[Any], source: AnySource) -> Sequence[Any]:
    """Check that items are what a source reads; files are looked at before any is computed."""
    modality = get_modality(source.modality)
    wrong = modality.misfit(items)
    if wrong is not None:
        raise DataError(
            f"item {wrong + 1} is a {type(items[wrong]).__name__}, but source '{source.name}' reads {modality.plural}. "
            f"Give {modality.python_values}."
        )
    cleaned = modality.clean(items, None)
    for position, reason in cleaned.wrong.items():
        raise DataError(f"item {position + 1} {reason}.")
    return cleaned.items


def _refuse(position: int, error: DataError) -> None:
    raise DataError(f"item {position + 1}: {error}") from error
