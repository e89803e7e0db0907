"""LinearColumns: a linear model on the columns of a table and on the words of its texts; what is tried first on any table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.blocks import side_by_side
from headstart.core.errors import require
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead
from headstart.evaluation.field_networks import FieldNetworks
from headstart.evaluation.linear_mean import LinearMean, fit_linear_mean
from headstart.evaluation.rare_classes import sample_rare
from headstart.evaluation.sparse_linear import LinearFit, fit_linear
from headstart.features.encoders import row_encoders
from headstart.features.encoders.characters import CharacterEncoder
from headstart.features.encoders.ngrams import NgramEncoder
from headstart.features.encoders.numbers import NumberEncoder
from headstart.features.encoders.text_shape import TextShapeEncoder
from headstart.sources.preprocessors.columns import TABULAR, ColumnReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.engines.context import RunContext
    from headstart.features.encoders import Encoder, FittedEncoder
    from headstart.storage.result_cache import Arrays

_INVERSE_PENALTIES = (1.0, 10.0, 100.0, 1000.0)
_VALUE_PENALTIES = (0.1, 1.0, 10.0, 100.0)
_FEW_ROWS = 3000  # up to here the mean of models ships
_NUMBER_WEIGHT = 0.5**0.5  # of a number and of its rank, where each number is to count as much as a category
_SHAPE_WEIGHT = 0.2  # length of a usual row of the shape's columns, as beside the words of texts alone


@dataclass(frozen=True, kw_only=True)
class LinearColumns:
    """Logistic regression (ridge for values) on numbers, their ranks, levels of categories, and words; of few rows the mean of several.

    Attributes
    ----------
    max_items : larger datasets are sampled, rare classes kept whole, and the note says so
    """

    name: ClassVar[str] = "linear-columns"
    title: ClassVar[str] = "a linear model on the columns"
    preprocessor: ClassVar[str | None] = ColumnReader.kind
    modalities: ClassVar[frozenset[str]] = TABULAR
    cost: ClassVar[Cost] = "simple"
    joins_fields: ClassVar[bool] = True
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = False
    max_items: int = 30_000

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
        """Learn encoders, penalty and weights from the rows at `index`."""
        require("sklearn", extra="train", purpose="fitting the linear baseline")
        sample = sample_rare(dataset, index, self.max_items, context.seed)
        part = dataset.take(sample.index)
        fitted = [_fitted(field, encoder, part) for field, encoder in _encoders(part)]
        arrays = self._linear(part, fitted, context)
        blocks = side_by_side(encoder.block for _, encoder, _ in fitted)
        networks = tuple(
            encoder.scoring(arrays["coef"][block.columns])
            for (_, encoder, _), block in zip(fitted, blocks, strict=True)
        )
        return FittedBaseline(
            name=self.name,
            network=FieldNetworks(networks=networks, fields=tuple(field for field, _, _ in fitted)),
            head=InterceptHead(intercept=arrays["intercept"] - sample.log_shares, link=part.task_spec.link),
            note=f"{blocks[-1].stop:,} columns, {arrays['note']!s}{sample.note}",
        )

    def _linear(
        self, part: Dataset, fitted: list[tuple[str | None, FittedEncoder, Any]], context: RunContext
    ) -> Arrays:
        from scipy import sparse

        groups = np.arange(len(part)) if part.groups is None else part.groups
        rows = sparse.hstack([sparse.csr_matrix(x) for _, _, x in fitted], format="csr")
        scales = _scales([encoder for _, encoder, _ in fitted])
        key = (
            "linear-columns 3",
            part.task,
            context.seed,
            rows.data,
            rows.indices,
            rows.indptr,
            scales,
            part.targets,
            groups,
        )

        def compute() -> Arrays:
            fit: LinearFit | LinearMean
            if len(part) <= _FEW_ROWS:
                fit = fit_linear_mean(rows, scales, part.targets, part.task_spec, groups=groups, seed=context.seed)
                return {"coef": fit.coef, "intercept": fit.intercept, "note": np.array(fit.note)}
            scaled = rows.multiply(scales[0]).tocsr()
            dense = scaled if any(field is not None for field, _, _ in fitted) else scaled.toarray()
            penalties = _INVERSE_PENALTIES if part.task_spec.has_probabilities else _VALUE_PENALTIES
            fit = fit_linear(dense, part.targets, part.task_spec, groups, context.seed, inverse_penalties=penalties)
            return {"coef": scales[0][:, None] * fit.coef, "intercept": fit.intercept, "note": np.array(fit.note)}

        return context.cache.get_or_compute(key, compute)


def _encoders(part: Dataset) -> Iterator[tuple[str | None, Encoder]]:
    """Every encoder with the field that it reads; None if it reads items as they are."""
    for encoder in row_encoders(part.fields):
        yield None, encoder
    for field in part.fields:
        if field.modality == NgramEncoder.modality:
            for one in (NgramEncoder(), CharacterEncoder(), TextShapeEncoder()):
                yield field.name, one


def _fitted(field: str | None, encoder: Encoder, part: Dataset) -> tuple[str | None, FittedEncoder, Any]:
    values = part.items if field is None else part.values_of(field)
    fitted = encoder.fit(values)
    return field, fitted, fitted.encode(values)


def _scales(encoders: Sequence[FittedEncoder]) -> FloatArray:
    """What the columns are multiplied with, shape (n_scales, d): numbers together of about unit length and, if there are any, each by itself."""
    own = np.concatenate([np.full(one.block.stop, _weight(one)) for one in encoders])
    is_number = np.concatenate([np.full(one.block.stop, one.block.name == NumberEncoder.name) for one in encoders])
    return np.stack([own, np.where(is_number, _NUMBER_WEIGHT, own)][: 1 + int(is_number.any())])


def _weight(encoder: FittedEncoder) -> float:
    """What makes a usual row of the block one of about unit length."""
    block = encoder.block
    if block.name == NumberEncoder.name:
        return float(1 / np.sqrt(block.stop))
    return float(_SHAPE_WEIGHT / np.sqrt(block.stop)) if block.name == TextShapeEncoder.name else 1.0
