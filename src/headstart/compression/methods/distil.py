"""Distillation: a smaller source is trained on the model's outputs, not only on the labels.

A closed-form head on the smaller source's features is fitted to the labels, to the model's outputs, and to their mean; unlabeled
items, if there are any, are used with the outputs. The head that predicts held-out labels best is taken.

Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, arXiv:1503.02531.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.compression.graphs import FEATURES, OUTPUTS, read_graph
from headstart.compression.measuring import predict
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

_SHARES = (0.0, 0.5, 1.0)  # weight of the model's outputs in the targets; the rest are the labels
_N_CHECKED = 16
_MAX_UNLABELED = 2000


@dataclass(frozen=True)
class Distil:
    """One variant per cached source that is smaller and cheaper than the model's own."""

    name: ClassVar[str] = "distil"
    place: ClassVar[Place] = "network"

    def variants(self, packed: Packed, calibration: CalibrationSet) -> Iterator[Variant]:
        """Fit a head on each smaller source."""
        students = _students(packed, calibration)
        unlabeled = list(calibration.dataset.unlabelled[:_MAX_UNLABELED])
        teacher = predict(packed, [*calibration.dataset.items, *unlabeled])[OUTPUTS].astype(np.float64)
        for card in students:
            source = open_source(card, stream=calibration.context.reporter)
            items = [*calibration.dataset.items, *unlabeled]
            features = embed(items, source, context=calibration.context).values
            share, adapted = _best(features, teacher, calibration)
            yield Variant(
                name=f"{self.name} into {card.name}",
                packed=_packed(packed, source, adapted, features[: len(calibration.dataset)], calibration),
                note=f"{adapted.head_name}; targets are {share:.0%} the model's outputs",
            )


def _students(packed: Packed, calibration: CalibrationSet) -> list[Card]:
    if FEATURES not in {output.name for output in read_graph(packed.graph).graph.output}:
        raise NotApplicable("it is not a pretrained network")
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
        raise NotApplicable("no smaller and cheaper source is in the cache (`headstart sources fetch`)")
    return found


def _best(features: FloatArray, teacher: FloatArray, calibration: CalibrationSet) -> tuple[float, Adapted]:
    """The share of the model's outputs that predicts held-out labels best, and its head."""
    data, n = calibration.dataset, len(calibration.dataset)
    assert data.groups is not None
    single_groups = data.groups.max() + 1 + np.arange(len(features) - n)
    fits = []
    for share in _SHARES:
        mixed = (1 - share) * data.targets + share * teacher[:n]
        rows = slice(None) if share else slice(n)
        adapted = adapt(
            features[rows],
            np.concatenate([mixed, teacher[n:]])[rows],
            task=data.task,
            groups=np.concatenate([data.groups, single_groups])[rows],
            head="ridge",
            seed=calibration.seed,
        )
        loss = float(data.task_spec.losses(adapted.held_out[:n], data.targets).mean())
        fits.append((loss, share, adapted))
    _, share, adapted = min(fits, key=lambda one: one[:2])
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
