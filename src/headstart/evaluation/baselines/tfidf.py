"""Tfidf: words, characters and the shape of texts with a linear model; what a text model must beat.

Wang and Manning, Baselines and bigrams: simple, good sentiment and topic classification, ACL 2012 (such a baseline
is strong).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.core.blocks import side_by_side
from headstart.core.errors import require
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead
from headstart.evaluation.field_networks import FieldNetworks
from headstart.evaluation.sparse_linear import fit_linear
from headstart.features.encoders.characters import CharacterEncoder
from headstart.features.encoders.ngrams import NgramEncoder
from headstart.features.encoders.terms import FittedTerms
from headstart.features.encoders.text_shape import FittedTextShape, TextShapeEncoder
from headstart.sources.preprocessors.ngrams import NgramVectorizer
from headstart.sources.preprocessors.term_counter import read_vocabulary
from headstart.sources.preprocessors.text_shape import TextShape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, IntArray
    from headstart.core.model import ScoringNetwork
    from headstart.engines.context import RunContext
    from headstart.storage.result_cache import Arrays

_SHAPE_WEIGHT = 0.2  # length of a usual row of the shape's columns; rows of terms have length 1


@dataclass(frozen=True, kw_only=True)
class Tfidf:
    """Logistic regression or a linear SVM (ridge for values) on TF-IDF of words and of characters and on counts of length and shape.

    Attributes
    ----------
    max_words : longest run of words that is a term
    max_terms : size of each vocabulary: the terms that occur in the most texts
    """

    name: ClassVar[str] = "tfidf"
    title: ClassVar[str] = "TF-IDF with a linear model"
    preprocessor: ClassVar[str | None] = NgramVectorizer.kind
    cost: ClassVar[Cost] = "simple"
    joins_fields: ClassVar[bool] = True
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = False
    max_words: int = 2
    max_terms: int = 50_000

    def fit(
        self,
        dataset: Dataset,
        index: IntArray,
        *,
        context: RunContext,
    ) -> FittedBaseline:
        """Choose the vocabularies, the loss, the penalty and the weights from the texts at `index`."""
        require("sklearn", extra="train", purpose="fitting the TF-IDF baseline")
        part = dataset.take(index)
        names = [field.name for field in part.fields if field.modality == NgramEncoder.modality]
        columns = [[str(text) for text in part.values_of(name)] for name in names]
        groups = np.arange(len(part)) if part.groups is None else part.groups
        texts = [text for column in columns for text in column]
        key = ("tfidf 4", self.max_words, self.max_terms, part.task, context.seed, *texts, part.targets, groups)
        arrays = context.cache.get_or_compute(key, lambda: self._fit(part, columns, groups, context.seed))
        kinds = [(name, encoder) for name in names for encoder in self._encoders()]
        encoders = [_unpacked(encoder, arrays, f"{i}.") for i, (_, encoder) in enumerate(kinds)]
        networks: tuple[ScoringNetwork, ...] = tuple(
            encoder.scoring(arrays[f"{i}.coef"]) for i, encoder in enumerate(encoders)
        )
        n_terms = sum(encoder.block.stop for encoder in encoders if isinstance(encoder, FittedTerms))
        return FittedBaseline(
            name=self.name,
            network=FieldNetworks(
                networks=networks, fields=tuple(None if len(part.fields) == 1 else name for name, _ in kinds)
            ),
            head=InterceptHead(intercept=arrays["intercept"], link=part.task_spec.link),
            note=f"{n_terms:,} terms, {arrays['note']!s}",
        )

    def _encoders(self) -> tuple[NgramEncoder | CharacterEncoder | TextShapeEncoder, ...]:
        words = NgramEncoder(max_words=self.max_words, max_terms=self.max_terms)
        return words, CharacterEncoder(max_terms=self.max_terms), TextShapeEncoder()

    def _fit(self, part: Dataset, columns: Sequence[Sequence[str]], groups: IntArray, seed: int) -> Arrays:
        from scipy import sparse

        fitted = [(encoder.fit(texts), texts) for texts in columns for encoder in self._encoders()]
        rows = [encoder.encode(texts) * _weight(encoder) for encoder, texts in fitted]
        beside = sparse.hstack([sparse.csr_matrix(block) for block in rows], format="csr")
        fit = fit_linear(beside, part.targets, part.task_spec, groups, seed)
        arrays = {"intercept": fit.intercept, "note": np.array(fit.note)}
        blocks = side_by_side(encoder.block for encoder, _ in fitted)
        for i, ((encoder, _), block) in enumerate(zip(fitted, blocks, strict=True)):
            weighted = (fit.coef[block.columns] * _weight(encoder)).astype(np.float32)
            arrays |= {f"{i}.{name}": array for name, array in {**_packed(encoder), "coef": weighted}.items()}
        return arrays


def _weight(encoder: FittedTerms | FittedTextShape) -> float:
    return 1.0 if isinstance(encoder, FittedTerms) else _SHAPE_WEIGHT / np.sqrt(encoder.block.stop)


def _packed(encoder: FittedTerms | FittedTextShape) -> Arrays:
    """What an encoder has learned, as arrays for the result cache."""
    files = {name: np.frombuffer(content, np.uint8) for name, content in encoder.input.files().items()}
    return {**files, **{name: value for name, value in vars(encoder).items() if isinstance(value, np.ndarray)}}


def _unpacked(
    encoder: NgramEncoder | CharacterEncoder | TextShapeEncoder, arrays: Arrays, prefix: str
) -> FittedTerms | FittedTextShape:
    """The fitted encoder of `_packed` arrays whose names have a prefix."""
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if isinstance(encoder, TextShapeEncoder):
        return FittedTextShape(input=TextShape(), mean=own["mean"], scale=own["scale"])
    vocabulary = read_vocabulary({"vocabulary.txt": own["vocabulary.txt"].tobytes()})
    return FittedTerms(name=encoder.name, input=encoder.counter(vocabulary), rarity=own["rarity"])
