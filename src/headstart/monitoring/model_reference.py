"""The reference of a model: what `fit` wrote, or made of data that the model did not learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import BundleError, DataError
from headstart.data.items import read_items
from headstart.monitoring.following import has_target, taken
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.monitoring.referring import make_reference
from headstart.packaging.labelled import known_to, load_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.engines.context import RunContext
    from headstart.packaging import Bundle


def features_of(model: Bundle) -> Callable[[Sequence[Any]], FloatArray] | None:
    """What gives features of items, where the bundle has a pretrained source to look at."""
    return model.features if gives_features(model) else None


def gives_features(model: Bundle) -> bool:
    """Whether the bundle has features of a pretrained source to look at."""
    return b"features" in model.graph and model.manifest.get("source", "none") != "none"


def reference_of_bundle(model: Bundle) -> Reference:
    """The reference that `fit` wrote.

    Raises
    ------
    BundleError
        There is none, for the bundle is older, or was made smaller since.
    """
    text, arrays = model.file(JSON_NAME), model.file(ARRAYS_NAME)
    if text is None or arrays is None:
        raise BundleError(
            f"the bundle '{model.name}' holds no reference to compare with: it was made by an older version, or made smaller since. "
            "`headstart watch` takes --reference DATA, rows like those that it was fitted on and not among them; a stream needs a bundle "
            "that holds one, so fit again."
        )
    return Reference.from_files(text, arrays)


def reference_of_data(model: Bundle, data: Any, context: RunContext) -> Reference:
    """Make a reference of data that the model did not learn from."""
    embed = features_of(model)
    if has_target(model, data):
        dataset = known_to(model, load_for(model, data))
        items: Sequence[Any] = dataset.items
        targets = dataset.targets
    else:
        items, targets = read_items(data, modality=model.reads, learnt=model.input_column).items, None
    rows = model.outputs(items, context=context)
    good = np.array([i for i in range(len(items)) if i not in rows.errors])
    if not len(good):
        raise DataError(f"no record of '{data}' can be read: {next(iter(rows.errors.values()), 'it is empty')}.")
    rows_kept = taken(items, good)
    features = None if embed is None else embed(rows_kept)
    return make_reference(
        task=model.task_spec,
        labels=model.labels,
        fields=model.fields,
        items=rows_kept,
        outputs=rows.values[good],
        targets=None if targets is None else targets[good],
        features=features,
        blocks=[] if features is None else [(str(model.manifest["source"]), 0, features.shape[1])],
        decision_weights=None if model.decision is None else model.decision.weights,
        keep_case=model.label_rule.keep_case,
        made_of=f"{len(good):,} records of {data if isinstance(data, str | Path) else 'the data given'}",
    )
