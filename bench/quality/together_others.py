"""The columns beside Headstart's in `bench/quality/together.py`: what scikit-learn and torch give in an hour's work.

Plain features: TF-IDF of words (1 to 2) and characters in words (2 to 5), sublinear; of photos histograms of color and of edges. The
usual source, frozen, gives the pretrained ones: all-MiniLM-L6-v2, EfficientNet-Lite0. Rows of both have length 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.peers.photos import fine_tune
from bench.processes import new_cache
from bench.quality.together_fit import TestPart, aligned, use
from bench.stopwatch import Stopwatch
from headstart.engines.context import RunContext
from headstart.engines.threads import n_threads
from headstart.features import embed
from headstart.sources import open_source
from headstart.sources.defaults import default_source
from headstart.sources.preprocessors.pixels import ImagePreprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.quality.together_cases import Case
    from bench.results import Row
    from headstart.core.dataset import Dataset, FloatArray

C = 10.0  # of logistic regression, on rows of length 1
SIDE_PX, N_CELLS, N_COLORS, N_ANGLES = 64, 4, 4, 8


def other_columns(case: Case, folder: str) -> Row:
    """The score on the test part and the seconds to train of each column."""
    train, test = case.parts()
    use(new_cache(Path(folder)))
    metric = test.task_spec.headline(train.targets)
    test_part, columns = TestPart(test, metric), Columns(train, test)
    found = columns.measure()
    if case.task.modality == "image":
        found["torch"] = columns.torch(case.task.source, case.draw)
    return {
        "n": len(train),
        "metric": metric.name,
        "columns": {name: test_part.score(outputs) for name, (outputs, _) in found.items()},
        "seconds": {name: round(seconds, 2) for name, (_, seconds) in found.items()},
    }


@dataclass(frozen=True)
class Columns:
    """Models on the plain and the pretrained features of one case."""

    train: Dataset
    test: Dataset

    def measure(self) -> dict[str, tuple[FloatArray, float]]:
        """Outputs for the test part, and seconds: those of the features count for every column that uses them."""
        from scipy import sparse
        from sklearn.svm import LinearSVC

        watch = Stopwatch()
        plain = self._plain()
        watch.lap("plain")
        pretrained = [self._pretrained(self.train)]
        watch.lap("pretrained")
        pretrained.append(self._pretrained(self.test))
        watch.lap("test")
        outputs = {"svm": self._outputs(LinearSVC(), *plain)}
        watch.lap("svm")
        on_plain = self._logistic(*plain)
        watch.lap("logistic_plain")
        outputs["mean"] = (on_plain + self._logistic(*pretrained)) / 2
        watch.lap("logistic_pretrained")
        beside = [sparse.hstack([a, b], format="csr") for a, b in zip(plain, pretrained, strict=True)]
        outputs["joint"] = self._logistic(*beside)
        watch.lap("joint")
        s = {name.removesuffix("_s"): value for name, value in watch.seconds.items()}
        embedding = s["pretrained"]
        seconds = {
            "svm": s["plain"] + s["svm"],
            "mean": s["plain"] + embedding + s["logistic_plain"] + s["logistic_pretrained"],
            "joint": s["plain"] + embedding + s["joint"],
        }
        return {name: (aligned(values, self._labels, self.test), seconds[name]) for name, values in outputs.items()}

    def torch(self, source: str, seed: int) -> tuple[FloatArray, float]:
        """The plain loop of `bench/peers/photos.py`."""
        import torch

        torch.set_num_threads(n_threads())
        found = fine_tune(self.train, self.test, source, seed)
        return np.eye(len(self.test.labels))[found["predicted"]], found["train_s"]

    @property
    def _labels(self) -> list[str]:
        return [self.train.labels[code] for code in np.unique(self.train.codes)]

    def _outputs(self, model: Any, train: Any, test: Any) -> FloatArray:
        scores = np.asarray(model.fit(train, self.train.codes).decision_function(test))
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    def _logistic(self, train: Any, test: Any) -> FloatArray:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=C, max_iter=1000).fit(train, self.train.codes)
        return np.asarray(model.predict_proba(test))

    def _pretrained(self, part: Dataset) -> Any:
        from scipy import sparse
        from sklearn.preprocessing import normalize

        source, context = open_source(default_source(part.modality)), RunContext.default(progress=None)
        values = embed(part.items, source, context=context).values
        return sparse.csr_matrix(normalize(np.asarray(values, np.float64)))

    def _plain(self) -> tuple[Any, Any]:
        if self.train.modality == "text":
            return _ngrams(self.train.items, self.test.items)
        from scipy import sparse

        train, test = (sparse.csr_matrix(histograms(part.items)) for part in (self.train, self.test))
        return train, test


def _ngrams(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import Normalizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    vectorizer = make_pipeline(make_union(words, characters), Normalizer())
    return vectorizer.fit_transform(train), vectorizer.transform(test)


def histograms(photos: Sequence[Any]) -> FloatArray:
    """Colors of each quarter and edges of each of 16 cells, square roots of shares, rows of length 1: shape (n, d)."""
    pixels = ImagePreprocessor(height_px=SIDE_PX, width_px=SIDE_PX, crop_share=1.0).transform(photos)["pixels"]
    rows = np.sqrt(np.array([np.concatenate([_colors(photo), _edges(photo)]) for photo in pixels], np.float64))
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _colors(photo: Any) -> Any:
    bins = (np.asarray(photo, np.int64) * N_COLORS // 256) @ (N_COLORS**2, N_COLORS, 1)
    quarters = bins.reshape(2, SIDE_PX // 2, 2, SIDE_PX // 2).swapaxes(1, 2).reshape(4, -1)
    return np.concatenate([np.bincount(one, minlength=N_COLORS**3) for one in quarters]) / bins.size


def _edges(photo: Any) -> Any:
    down, across = np.gradient(np.asarray(photo, np.float64).mean(axis=2))
    strength, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    bins = np.minimum((angle / np.pi * N_ANGLES).astype(np.int64), N_ANGLES - 1)
    cell = np.arange(SIDE_PX) * N_CELLS // SIDE_PX
    place = (cell[:, None] * N_CELLS + cell) * N_ANGLES + bins
    found = np.bincount(place.ravel(), strength.ravel(), N_CELLS**2 * N_ANGLES)
    return found / max(float(found.sum()), 1e-9)
