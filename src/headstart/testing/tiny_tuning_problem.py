"""A small problem to tune on: a tiny network with random weights, and labels that depend on two things at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.tasks.single_label import single_label_task
from headstart.engines.context import RunContext
from headstart.features import embed
from headstart.heads.problem import Problem
from headstart.testing.tiny_sources import source as tiny_source
from headstart.tuning import TuningProblem

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.arrays import IntArray

FILLERS = ("the", "a", "is", "before", "given", "race")
TASK = single_label_task(2)


def texts(n: int, rng: np.random.Generator) -> tuple[list[str], IntArray]:
    """Either 'kiwi' or 'good', not both and not neither, makes a text of class 1."""
    codes, items = rng.integers(0, 2, (n, 2)), []
    for kiwi, good in codes:
        words = ["kiwi" if kiwi else "apple", "good" if good else "bad", *rng.choice(FILLERS, 2)]
        items.append(" ".join(rng.permutation(words)))
    return items, codes[:, 0] ^ codes[:, 1]


def photos(n: int, rng: np.random.Generator) -> tuple[list[Any], IntArray]:
    """Photos whose left and right halves are of one brightness are of class 0, whatever it is; with noise."""
    codes, noise = rng.integers(0, 2, (n, 2)), rng.normal(0, 15, (n, 32, 32, 3))
    base = np.repeat(np.where(codes, 180, 70), 16, axis=1)[:, None, :, None]
    return list((base + noise).clip(0, 255).astype(np.uint8)), codes[:, 0] ^ codes[:, 1]


def tuning_problem(architecture: str, folder: Path, n: int, *, drawn: bool = False) -> TuningProblem:
    """A source whose files lie in `folder`, `n` items of its modality, and a result cache that forgets.

    Weights that are `drawn` as one begins to train a network can learn; those of the files are wilder.
    """
    source = tiny_source(architecture, folder)
    source = source.with_random_weights(0) if drawn else source
    items, codes = (photos if source.input.kind == "pixels" else texts)(n, np.random.default_rng(0))
    problem = Problem(
        features=embed(items, source, cache=False).values,
        targets=np.eye(2)[codes],
        task=TASK.name,
        groups=np.arange(n),
    )
    return TuningProblem(
        source=source,
        items=items,
        problem=problem,
        fold_groups=np.arange(n),
        head="ridge",
        context=RunContext(),
    )
