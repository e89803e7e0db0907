"""Ablation: the model without each source, without its plain features, without each field, on the same held-out items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.intervals import gain, score
from headstart.evaluation.ablation_section import AblationSection, LeftOut, WeighedModel
from headstart.evaluation.models import HeldOutModel, JointModel, hold_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import FloatArray
    from headstart.core.intervals import Resamples
    from headstart.core.metrics import Metric
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.mixture import Mixture


def ablate(mixture: Mixture, metric: Metric, targets: FloatArray, resamples: Resamples) -> AblationSection:
    """Leave out each part in turn, and mix the rest anew; the joint model is fitted anew without it, with the scales it had."""
    models = tuple(
        WeighedModel(
            name=one.model.name,
            family=one.model.family,
            weight=round(float(weight), 3),
            score=score(metric, targets, one.outputs, resamples),
        )
        for one, weight in zip(mixture.held_out, mixture.mix.weights, strict=True)
    )
    left_out = []
    for part, blocks in _parts(mixture.experiment):
        rest = list(_without(mixture, blocks))
        if not rest:
            continue
        outputs = mixture.mix_of(rest).outputs
        left_out.append(
            LeftOut(
                part=part,
                score=score(metric, targets, outputs, resamples),
                gain=gain(metric, targets, mixture.outputs, outputs, resamples),
            )
        )
    return AblationSection(models=models, left_out=tuple(left_out))


def _parts(experiment: Experiment) -> Iterator[tuple[str, frozenset[str]]]:
    """What is left out, for people, and its blocks."""
    sources, plain = list(experiment.source.parts), experiment.plain.names
    if len(experiment.dataset.fields) > 1:
        for one in experiment.dataset.fields:
            blocks = {block.name for block in experiment.source.blocks if block.field == one.name}
            if own := frozenset(blocks) | experiment.plain.of_field(one.name):
                yield f"the field '{one.name}'", own
    else:
        for name in sources:
            yield name, frozenset({name})
    if len(sources) > 1:
        yield "all that is pretrained", frozenset(sources)
    if plain:
        yield "all that is not pretrained", plain


def _without(mixture: Mixture, blocks: frozenset[str]) -> Iterator[HeldOutModel]:
    """The models that do without these blocks."""
    experiment = mixture.experiment
    is_plain = blocks == experiment.plain.names
    for one in mixture.held_out:
        model = one.model
        if isinstance(model, JointModel):
            if rest := model.blocks - blocks:
                yield hold_out(model.only(rest), experiment)
        elif model.family == "plain":
            if not is_plain and len(experiment.dataset.fields) == 1:
                yield one
        elif not model.blocks & blocks:
            yield one
