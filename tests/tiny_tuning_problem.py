"""A small tuning problem: a tiny network with random weights, and labels that depend on two things at once."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import tiny
from headstart.core import registry
from headstart.core.tasks import get_task
from headstart.features import embed
from headstart.heads.problem import Problem
from headstart.storage.result_cache import ResultCache
from headstart.tuning import TuningProblem

FILLERS = ("the", "a", "is", "before", "given", "race")


def texts(n: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Either 'kiwi' or 'good', not both and not neither, makes a text of class 1."""
    codes, items = rng.integers(0, 2, (n, 2)), []
    for kiwi, good in codes:
        words = ["kiwi" if kiwi else "apple", "good" if good else "bad", *rng.choice(FILLERS, 2)]
        items.append(" ".join(rng.permutation(words)))
    return items, codes[:, 0] ^ codes[:, 1]


def photos(n: int, rng: np.random.Generator) -> tuple[list[np.ndarray], np.ndarray]:
    """Photos whose left and right halves are of one brightness are of class 0, whatever it is; with noise."""
    codes, noise = rng.integers(0, 2, (n, 2)), rng.normal(0, 15, (n, 32, 32, 3))
    base = np.repeat(np.where(codes, 180, 70), 16, axis=1)[:, None, :, None]
    return list((base + noise).clip(0, 255).astype(np.uint8)), codes[:, 0] ^ codes[:, 1]


def pairs(*architectures: str) -> list:
    """Each tiny network with each registered way to tune that it supports."""
    methods = [registry.get("tuning_methods", name)() for name in registry.names("tuning_methods")]
    with TemporaryDirectory() as folder:
        sources = [tiny.source(architecture, Path(folder) / architecture) for architecture in architectures]
        return [
            pytest.param(architecture, method, id=f"{architecture}-{method.name}")
            for architecture, source in zip(architectures, sources, strict=True)
            for method in methods
            if method.supports(source, get_task("binary"))
        ]


def tuning_problem(architecture: str, folder: Path, n: int, *, drawn: bool = False) -> TuningProblem:
    """A source whose files lie in `folder`, `n` items of its modality, and a result cache that forgets.

    Weights that are `drawn` as one begins to train a network can learn; those of the files are wilder.
    """
    source = tiny.source(architecture, folder)
    source = source.with_random_weights(0) if drawn else source
    items, codes = (photos if source.modality == "image" else texts)(n, np.random.default_rng(0))
    problem = Problem(
        features=embed(items, source, cache=False).values,
        targets=np.eye(2)[codes],
        task="binary",
        groups=np.arange(n),
    )
    return TuningProblem(
        source=source,
        items=items,
        problem=problem,
        fold_groups=np.arange(n),
        head="ridge",
        result_cache=ResultCache(None),
    )
