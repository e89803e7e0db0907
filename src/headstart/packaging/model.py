"""Load a bundle and predict with it: NumPy and ONNX Runtime, without torch, scikit-learn or pandas."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, OptionError, UserError, first_line
from headstart.core.prediction import Prediction, item_name
from headstart.core.report import Report
from headstart.data.given import given_items, numbered_error, unusable_items
from headstart.data.labels import typed_labels
from headstart.data.modalities import modality_of_fields
from headstart.engines.context import RunContext
from headstart.engines.executor import SerialExecutor
from headstart.engines.threads import n_threads
from headstart.onnx_graph.session import open_session
from headstart.packaging.bundle_fit import check_described
from headstart.packaging.bundle_parts import (
    build_input,
    check_outputs,
    decision_of,
    dtype_of,
    largest_ids_of,
    n_features_of,
    prediction_set_threshold_of,
    task_spec_of,
)
from headstart.packaging.bundle_schema import fields_of, input_column_of, label_rule_of
from headstart.packaging.many_items import BATCH_SIZE, Rows, batches_of, run_batches
from headstart.packaging.one_row import OneRow
from headstart.packaging.package_section import html_top
from headstart.packaging.session import open_bundle_session, run_outputs, run_session
from headstart.packaging.unfamiliar import unfamiliar_notices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import onnxruntime

    from headstart.core.dataset import Field, FloatArray, Notice
    from headstart.core.model import Batch, Preprocessor
    from headstart.data.modalities import Modality
    from headstart.packaging.manifest import Sealed

_SILENT = RunContext()  # to make one for each call costs as much as a row of a table
_MANY = 4 * BATCH_SIZE  # items from which a second session, whose batches run side by side, is worth opening


class Bundle:
    """A model that has travelled: what `load_bundle` gives.

    Attributes
    ----------
    manifest : what the bundle says of itself: `source`, `deployed`, `columns`, `libraries`, `created` …
    name, task, modality, labels : of the data it was fitted on
    fields : what an item is made of; one, or several of rows
    input_column : the column that it learnt from; '' where that had no name, as in a folder
    label_rule : which spellings are one label, and of which type labels are
    task_spec : what follows from the task: decision, answer, metrics
    decision : how much the probability of each label counts in a decision; None for all the same
    prediction_set_threshold : the probability from which on a label is in an item's prediction set; None where there are no such sets
    input : prepares items for the graph
    signer : whose trusted key signed it; '' where no signature was required
    """

    def __init__(
        self, sealed: Sealed, *, threads: int | None = None, spin: bool = True, trust_graphs: bool | None = None
    ) -> None:
        self._sealed = sealed
        self.manifest: Mapping[str, Any] = sealed.content
        self.signer = sealed.signer
        self.name: str = self.manifest["name"]
        self.task: str = self.manifest["task"]
        self.task_spec = task_spec_of(self.task)
        self.modality: str = self.manifest["modality"]
        self.fields: tuple[Field, ...] = fields_of(self.manifest)
        self.labels: tuple[str, ...] = tuple(self.manifest["labels"])
        self.input_column = input_column_of(self.manifest)
        self.label_rule = label_rule_of(self.manifest)
        self.decision = decision_of(sealed)
        self.prediction_set_threshold = prediction_set_threshold_of(sealed)
        self._weights = None if self.decision is None else self.decision.weights
        self.input: Preprocessor = build_input(sealed)
        self._threads = threads or n_threads()
        self._session: onnxruntime.InferenceSession = open_bundle_session(
            sealed.read("model.onnx"), threads=threads, spin=spin, trust_graphs=trust_graphs
        )
        check_outputs(self._session, len(self.labels))
        check_described(self.manifest, self.task_spec, self.fields, self.input)

    @cached_property
    def reads(self) -> Modality:
        """What its items are: how they are received, hashed, shown."""
        return modality_of_fields(self.fields)

    def __repr__(self) -> str:
        return f"Bundle({str(self._sealed.folder)!r}: {self.name}, {self.task}, {len(self.labels)} labels)"

    def _repr_html_(self) -> str | None:
        return html_top(self.report)

    @cached_property
    def report(self) -> Report:
        """What was proven when the bundle was made: `report.evaluation.metric`, `report.data.labels` … as in `report.json`.

        Raises
        ------
        BundleError
            It is not as this version writes it, nor an older one.
        """
        try:
            return Report.from_dict(json.loads(self._sealed.read("report.json")))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise BundleError(f"report.json is not a report of Headstart ({reason}). Make the bundle again.") from error

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return self._sealed.read("README.md").decode()

    @property
    def graph(self) -> bytes:
        """The packed ONNX model, as `model.onnx` holds it: what `input` prepares becomes `outputs`."""
        return self._sealed.read("model.onnx")

    def file(self, name: str) -> bytes | None:
        """One of its files, as the manifest seals it; None where it has none of that name."""
        return self._sealed.read(name) if name in self.manifest["files"] else None

    @cached_property
    def arrays(self) -> dict[str, tuple[np.dtype[Any], tuple[int | None, ...]]]:
        """Type and shape of each array that the graph takes, by name; None is a length that may vary."""
        return {
            one.name: (dtype_of(one.type), tuple(n if isinstance(n, int) else None for n in one.shape))
            for one in self._session.get_inputs()
        }

    @cached_property
    def largest_ids(self) -> dict[str, int]:
        """The largest token that may be in each array of tokens, by the name of the array."""
        return largest_ids_of(self.input)

    @cached_property
    def _single(self) -> onnxruntime.InferenceSession:
        """A session of one thread, for batches that run side by side; opened for the first call with many items."""
        return self._session if self._threads == 1 else open_session(self.graph, threads=1)

    @cached_property
    def _one_row(self) -> OneRow | None:
        """Prepares one row of a table by a short way; None where items are something else."""
        return OneRow.of(self.fields, self.input) if len(self.fields) > 1 else None

    def run(self, batch: Batch) -> FloatArray:
        """Run the graph on what `input.transform` made: outputs (n, k), probabilities or the value of a regression.

        Raises
        ------
        DataError
            The graph does not take these arrays; `arrays` says which it takes.
        """
        return run_session(self._session, "outputs", batch)

    def run_with_features(self, batch: Batch) -> list[FloatArray]:
        """Run the graph once, for outputs (n, k) and features (n, d); errors as for `run` and `features`."""
        n_features_of(self._session, self.manifest["deployed"])
        return run_outputs(self._session, ["outputs", "features"], batch)

    def predict(self, items: Any, *, context: RunContext | None = None) -> list[Any] | FloatArray:
        """Predict a label for each item; several labels where the task is multi-label; values (n,) in a regression.

        Labels have the type that they had in the data, as `label_rule.type` says: whole numbers are ints, true and false are bools. In a CSV
        file they have the type that pandas would read. Everywhere else, as in `labels` and `predictions`, they are texts.

        Parameters
        ----------
        items : a list of values, or of dicts with a value for each of `fields`; a frame, or a dict of columns, with a column for each
        context : who hears how far it is, and where batches run; silent if None

        Raises
        ------
        DataError
            An item is missing, blank or cannot be read; `predictions` reports it and answers the others.
        """
        return self.typed(self.decide(self._outputs(items, context)))

    def decide(self, outputs: FloatArray) -> list[str] | list[tuple[str, ...]] | FloatArray:
        """What `predict` says where `run` gave `outputs`, each label by its name."""
        return self.task_spec.decide(self.task_spec.weigh(outputs, self._weights), self.labels)

    def typed(self, decided: list[str] | list[tuple[str, ...]] | FloatArray) -> list[Any] | FloatArray:
        """Give what `decide` says with labels of the type that they had in the data."""
        return typed_labels(decided, self.label_rule) if self.task_spec.has_probabilities else decided

    def predict_proba(self, items: Any, *, context: RunContext | None = None) -> FloatArray:
        """Give the probability of each label, shape (n, k) in the order of `labels`.

        Raises
        ------
        DataError
            An item cannot be read.
        OptionError
            The task is a regression.
        """
        if not self.task_spec.has_probabilities:
            raise OptionError("a regression has no probabilities. Use predict, which gives the values.")
        return self._outputs(items, context)

    def features(self, items: Any) -> FloatArray:
        """Give the features that the bundle's network computes and its head reads, shape (n, d), float32.

        Those of a tuned network are tuned features; those of several sources stand side by side.

        Raises
        ------
        DataError
            An item cannot be read.
        BundleError
            The bundle gives none: it holds a baseline without a pretrained network.
        """
        return self._rows(
            "features", self._given(items), n_features_of(self._session, self.manifest["deployed"])
        ).values

    def predictions(
        self, items: Any, *, top: int = 3, names: Sequence[str] | None = None, context: RunContext | None = None
    ) -> list[Prediction]:
        """Answer for every item, with the `top` likeliest labels; an item that cannot be read carries its error."""
        quick = self._quick(items, context)
        items = self._given(items) if quick is None else items
        rows = (
            self._rows("outputs", items, len(self.labels), context, keeps_errors=True)
            if quick is None
            else Rows(quick, {})
        )
        names = [item_name(item, i) for i, item in enumerate(items)] if names is None else names
        given = enumerate(zip(names, rows.values, strict=True))
        return [self.answer(name, rows.errors.get(i, row), top) for i, (name, row) in given]

    def unfamiliar(self, items: Any) -> tuple[Notice, ...]:
        """Say which columns of a table hold categories that the model never saw, or numbers far outside of those that it learned from."""
        return unfamiliar_notices(self._given(items), self.reads, self.input, lambda: self.report)

    def outputs(self, items: Any, *, context: RunContext | None = None) -> Rows:
        """Give the outputs for all items, `values` (n, k), and of those that cannot be read the `errors` by their places."""
        return self._rows("outputs", self._given(items), len(self.labels), context, keeps_errors=True)

    def answer(self, name: str, row: FloatArray | UserError, top: int = 3) -> Prediction:
        """Put one row of outputs, or why there is none, into words."""
        if isinstance(row, UserError):
            return Prediction(item=name, error=str(row))
        return self.task_spec.answer(
            name, row, self.labels, top=top, weights=self._weights, set_threshold=self.prediction_set_threshold
        )

    def _outputs(self, items: Any, context: RunContext | None) -> FloatArray:
        quick = self._quick(items, context)
        return self._rows("outputs", self._given(items), len(self.labels), context).values if quick is None else quick

    def _quick(self, items: Any, context: RunContext | None) -> FloatArray | None:
        """The outputs of one row of a table that needs no closer look; None of other items."""
        batch = None if context is not None or self._one_row is None else self._one_row.batch(items)
        return None if batch is None else run_session(self._session, "outputs", batch)

    def _rows(
        self,
        output: str,
        items: Sequence[Any],
        width: int,
        context: RunContext | None = None,
        *,
        keeps_errors: bool = False,
    ) -> Rows:
        """Run all items: few in turn, by the session of all threads; many side by side, a thread a batch."""
        context = context or _SILENT
        errors = unusable_items(items, self.reads)
        if errors and not keeps_errors:
            raise numbered_error(*min(errors.items()))
        is_many = len(items) >= _MANY
        session = self._single if is_many else self._session
        if not is_many or self._threads == 1:
            context = replace(context, executor=SerialExecutor())
        if is_many:
            self.input.transform([])  # what it loads lazily is loaded once, not by each thread
        rows = run_batches(
            items,
            batches_of(items, self.reads, without=errors),
            lambda batch: run_session(session, output, self.input.transform(batch)),
            width=width,
            context=context,
            keeps_errors=keeps_errors,
        )
        return replace(rows, errors={**rows.errors, **errors})

    def _given(self, items: Any) -> Sequence[Any]:
        return given_items(items, self.reads, self.input_column)
