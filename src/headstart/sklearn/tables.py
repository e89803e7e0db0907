"""Frames of tabular columns for scikit-learn estimators: fitted by `headstart.fit`, kept as the bytes of the bundle that it writes."""

from __future__ import annotations

import shutil
import tempfile
import warnings
import weakref
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.tasks import get_task
from headstart.data.column_kinds import IGNORED
from headstart.data.given import given_items, numbered_error
from headstart.data.leaks import leaking_columns
from headstart.data.modalities import get_modality
from headstart.data.readers.frames import frame_columns, is_frame
from headstart.data.readers.tables import open_memory
from headstart.data.table_schema import given_fields, kinds_of
from headstart.data.values import is_null
from headstart.packaging import load_bundle
from headstart.pipeline import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import FloatArray, IntArray, Task
    from headstart.packaging import Bundle


class TableModel:
    """A model of a frame's columns; a pickle of it holds the bundle, which is checked again where it is opened.

    Parameters
    ----------
    files : of the bundle, by their paths in it
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self._bundle: Bundle | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files, "_bundle": None}

    def outputs(self, X: Any) -> FloatArray:  # noqa: N803  scikit-learn's name
        """Probabilities of the classes by their codes, of each label, or values, shape (n, k); a row of gaps alone is answered too.

        Raises
        ------
        DataError
            X is no frame, or lacks a column; or a cell cannot be read.
        """
        if not is_frame(X):
            raise DataError(f"this model was fitted on a frame, but a {type(X).__name__} came. Give a frame.")
        bundle = self.bundle
        items = given_items(X, bundle.reads, bundle.input_column)
        rows = bundle.outputs(items)
        gaps = self._rows_of_gaps(items) if rows.errors else []
        wrong = {place: error for place, error in rows.errors.items() if place not in gaps}
        if wrong:
            place, error = min(wrong.items())
            raise numbered_error(place, DataError(str(error)))
        found = np.array(rows.values)
        for place in gaps:
            found[place] = bundle.run(bundle.input.transform([items[place]]))[0]
        if not bundle.task_spec.is_single_label:
            return found
        order = np.argsort([int(label) for label in bundle.labels])
        return found[:, order]

    def _rows_of_gaps(self, items: Sequence[Any]) -> list[int]:
        """The places of rows without any value; none where one of the fields is a text or an image, which a network reads."""
        reads = self.bundle.reads
        if not all(get_modality(field.modality).is_tabular for field in self.bundle.fields):
            return []
        readable = [place for place, item in enumerate(items) if not isinstance(item, DataError)]
        return [readable[i] for i in reads.blanks([items[place] for place in readable])]

    @property
    def bundle(self) -> Bundle:
        """The bundle, written to a folder of its own when it is asked for first."""
        if self._bundle is None:
            folder = Path(tempfile.mkdtemp(prefix="headstart-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            for name, content in self.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            self._bundle = load_bundle(folder, trust=(), trust_graphs=True)
        return self._bundle


def is_table_of_columns(X: Any) -> bool:  # noqa: N803
    """Whether X is a frame with numbers, categories or dates to be read as such, and not features, nor texts and images alone."""
    if not is_frame(X):
        return False
    columns = dict(frame_columns(X))
    cells_of = columns.values()
    if not columns or all(isinstance(cell, Number) and not is_null(cell) for cells in cells_of for cell in cells):
        return False
    if not all(any(isinstance(cell, str | bytes) for cell in cells) for cells in cells_of):
        return True
    names = [*columns]
    fields = given_fields(open_memory(X).sample(), names, {}, None)
    return len(names) > 1 and any(get_modality(field.modality).is_tabular for field in fields)


def fit_table(
    X: Any,  # noqa: N803
    task: Task,
    targets: FloatArray,
    groups: IntArray | None,
    *,
    source: str,
    head: str,
    preset: str,
    seed: int,
) -> TableModel:
    """Fit a frame's columns as `headstart.fit` does; no column that can be read is set aside for what it knows of y.

    Raises
    ------
    ValueError
        There are several values to predict.
    UserError
        A column or an option is not as it must be.
    """
    columns: dict[str, Sequence[Any]] = dict(frame_columns(X))
    asked = _answers(task, targets, columns)
    kinds = _kinds(X, columns)
    _warn_of_leaks(columns, asked, kinds)
    group = _free("group", {**columns, **asked})
    known = {} if groups is None else {group: groups.tolist()}
    with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
        fitted = fit(
            {**columns, **asked, **known},
            out=Path(folder) / "model",
            target=[*asked],
            task=task,
            split="none",
            columns=kinds,
            source=None if source == "auto" else source,
            head=head,
            preset=preset,
            name="table",
            seed=seed,
            progress=None,
            group=group if known else None,
        )
        paths = (path for path in fitted.bundle.rglob("*") if path.is_file())
        return TableModel({path.relative_to(fitted.bundle).as_posix(): path.read_bytes() for path in paths})


def _kinds(X: Any, columns: Mapping[str, Sequence[Any]]) -> dict[str, str]:  # noqa: N803
    """What each column holds; said as the user's word, so that none is set aside for what it knows of y."""
    kinds = kinds_of(open_memory(X).sample(), [*columns], {}, None)
    if all(kind.kind == IGNORED for kind in kinds.values()):
        reasons = ", ".join(f"'{name}' ({kind.why})" for name, kind in kinds.items())
        raise DataError(f"X has no column to learn from: {reasons}. Give others.")
    return {name: kind.kind for name, kind in kinds.items()}


def _answers(task: Task, targets: FloatArray, columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The columns to predict, beside those of X: codes of classes, which of the labels, or values."""
    spec = get_task(task)
    if spec.is_single_label:
        return {_free("y", columns): targets.argmax(axis=1).tolist()}
    if spec.has_probabilities:
        return {_free(f"y{place}", columns): label.astype(int).tolist() for place, label in enumerate(targets.T)}
    if targets.shape[1] > 1:
        raise ValueError(
            f"y has {targets.shape[1]} columns, but one value of a row is predicted from a frame of columns. Wrap the estimator in "
            "sklearn.multioutput.MultiOutputRegressor, or give features."
        )
    return {_free("y", columns): targets[:, 0].tolist()}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """A name that no column has, whatever its letters' case."""
    known = {str(one).casefold() for one in taken}
    while name.casefold() in known:
        name += "_"
    return name


def _warn_of_leaks(
    columns: Mapping[str, Sequence[Any]], answers: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]
) -> None:
    """Warn of columns that know y; which columns there are is the user's choice here, so they are kept."""
    if len(answers) > 1:
        return
    (target,) = answers
    read = [name for name, kind in kinds.items() if kind != IGNORED]
    sample = open_memory({**columns, **answers}).sample()
    for name, said in leaking_columns(sample, target, kinds, read).items():
        warnings.warn(
            f"column '{name}' of X knows y ({said}). It is kept; leave it out if it is not known before y is.",
            stacklevel=5,
        )
