"""Distillation: a smaller source learns what the model says of each item, not only its label.

The head on the smaller source's features is fitted in closed form to the labels, to the model's own outputs, and to their mean;
unlabelled items, where there are any, join with the outputs alone. What predicts held-out labels best is taken.

Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, arXiv:1503.02531.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.compression.graphs import FEATURES, OUTPUTS, read_graph
from headstart.compression.measuring import answers
from headstart.compression.method import NotApplicable, Place, Variant
from headstart.features import embed
from headstart.heads import adapt
from headstart.heads.problem import Problem
from headstart.heads.ridge import moments_of
from headstart.heads.transferred import Transferred
from headstart.packaging.export import check_equal, export
from headstart.sources import cards, open_source
from headstart.sources.fetching import is_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.compression.method import CalibrationSet
    from headstart.core.dataset import FloatArray
    from headstart.heads import Adapted
    from headstart.packaging.packed import Packed
    from headstart.sources import Card, Source

_SHARES = (0.0, 0.5, 1.0)  # of the model's outputs in what is learned; the rest are the labels
_N_CHECKED = 16
_MOST_UNLABELLED = 2000


@dataclass(frozen=True)
class Distil:
    """A variant for each source that is smaller and cheaper than the model's own, and lies in the cache."""

    name: ClassVar[str] = "distil"
    place: ClassVar[Place] = "network"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:
        """Fit a head on each smaller source."""
        students = _students(packed, calibration)
        unlabelled = list(calibration.dataset.unlabelled[:_MOST_UNLABELLED])
        taught = answers(packed, [*calibration.dataset.items, *unlabelled])[OUTPUTS].astype(np.float64)
        for card in students:
            source = open_source(card, stream=calibration.context.reporter)
            items = [*calibration.dataset.items, *unlabelled]
            features = embed(items, source, context=calibration.context).values
            share, adapted = _best(features, taught, calibration)
            yield Variant(
                name=f"{self.name} into {card.name}",
                packed=_packed(packed, source, adapted, features[: len(calibration.dataset)], calibration),
                note=f"{adapted.head_name}; {share:.0%} of what it trained on were the model's outputs",
            )


def _students(packed: Packed, calibration: CalibrationSet) -> list[Card]:
    if FEATURES not in {output.name for output in read_graph(packed.graph).graph.output}:
        raise NotApplicable("it is no pretrained network")
    if len(calibration.dataset.fields) > 1:
        raise NotApplicable("items have several fields, and a smaller source reads one")
    parameters, gmacs = packed.card.get("parameters", 0), packed.card.get("gmacs", 0.0)
    found = [
        card
        for card in cards()
        if card.modality == calibration.dataset.modality
        and card.parameters < parameters
        and card.gmacs < gmacs
        and is_kept(card)
    ]
    if not found:
        raise NotApplicable("no source that is smaller and cheaper lies in the cache (`headstart sources fetch`)")
    return found


def _best(features: FloatArray, taught: FloatArray, calibration: CalibrationSet) -> tuple[float, Adapted]:
    """The share of the model's outputs with which held-out labels are predicted best, and the head."""
    data, n = calibration.dataset, len(calibration.dataset)
    assert data.groups is not None
    alone = data.groups.max() + 1 + np.arange(len(features) - n)
    tried = []
    for share in _SHARES:
        mixed = (1 - share) * data.targets + share * taught[:n]
        rows = slice(None) if share else slice(n)
        adapted = adapt(
            features[rows],
            np.concatenate([mixed, taught[n:]])[rows],
            task=data.task,
            groups=np.concatenate([data.groups, alone])[rows],
            head="ridge",
            seed=calibration.seed,
        )
        loss = float(data.task_spec.losses(adapted.held_out[:n], data.targets).mean())
        tried.append((loss, share, adapted))
    _, share, adapted = min(tried, key=lambda one: one[:2])
    return share, adapted


def _packed(
    packed: Packed, source: Source, adapted: Adapted, features: FloatArray, calibration: CalibrationSet
) -> Packed:
    data = calibration.dataset
    predictor = Transferred(name=f"{source.name} + {adapted.head_name}", network=source, head=adapted.head)
    graph = export(predictor, n_outputs=data.targets.shape[1])
    check_equal(graph, predictor, data.items[:_N_CHECKED])
    assert data.groups is not None
    problem = Problem(
        features=features, targets=data.targets, task=data.task, groups=data.groups, seed=calibration.seed
    )
    moments = moments_of(problem, adapted.head.heads[0].transform).arrays()
    return packed.with_head(
        adapted.head,
        moments,
        graph=graph,
        input=source.input,
        deployed=predictor.name,
        source=source.name,
        card=source.describe(),
    )
