"""InContextModel: a pretrained network that has the labeled rows of a table before it and answers for others, without training."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import MissingExtraError, OptionError, SourceError
from headstart.core.tasks.link import apply_link
from headstart.data.modalities import get_modality
from headstart.evaluation.context_network import read_context
from headstart.evaluation.mixed import of_scores
from headstart.evaluation.models import FittedModel
from headstart.ranking.limits import Limits
from headstart.sources import find, open_in_context
from headstart.sources.networks.numpy.tabpfn import Memory
from headstart.sources.preprocessors.columns import learn_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, Field, IntArray
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Family
    from headstart.sources import Card, InContextSource

USUAL = "tabpfn-v1"
N_MEMBERS = 2  # looks at the context: two more gain 0.002 nats for twice the time and memory (docs/log.md)
_PROBES, _PROBE_ROWS = 3, 64  # small contexts that are timed, and their rows


@dataclass(frozen=True)
class InContextModel:
    """All tabular columns of a classification, read in context.

    Attributes
    ----------
    source : the network
    n_members : how many looks at the context are averaged
    """

    source: InContextSource
    n_members: int = N_MEMBERS

    @property
    def name(self) -> str:
        """The source, and how it is used."""
        return f"{self.source.name} in context"

    @property
    def family(self) -> Family:
        """Frozen: its weights stay as they are."""
        return "frozen"

    @property
    def blocks(self) -> frozenset[str]:
        """Its source alone."""
        return frozenset({self.source.name})

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Take the rows at `index` as the context."""
        dataset = experiment.dataset
        fields, is_alone = tabular_fields(dataset), len(dataset.fields) == 1
        reader = learn_columns(dataset.take(index).items, fields, is_alone=is_alone)
        rows = reader.transform(dataset.items)["columns"].astype(np.float32)
        network = read_context(
            self.source,
            reader,
            rows[index],
            dataset.targets[index].argmax(axis=1),
            n_classes=dataset.targets.shape[1],
            n_members=self.n_members,
            seed=experiment.seed,
        )
        link = dataset.task_spec.link
        return FittedModel(
            outputs=lambda asked: apply_link(network.scores_of(rows[asked]), link),
            predictor=lambda: of_scores(self.name, network, np.zeros(network.n_classes), link),
        )

    def expected_s(self, experiment: Experiment) -> float:
        """About how long it takes to hold it out and to fit it at last, in seconds, by the time of small contexts on this machine."""
        row_s = self._row_s
        total = _PROBES * _PROBE_ROWS * row_s
        sizes = [(len(train), len(test)) for train, test in experiment.plan.folds]
        for n_train, n_asked in (*sizes, (len(experiment.plan.final), 0)):
            n_context = min(n_train, self.source.max_rows)
            longer = 1 + n_context / 4000  # a row attends to every row of the context
            total += (n_context + n_asked) * longer * row_s * self.n_members
        return total

    @cached_property
    def _row_s(self) -> float:
        """Seconds a row of a small context takes: the quickest of a few, as the first one makes the weights ready."""
        rows, labels = np.zeros((_PROBE_ROWS, 1), np.float32), np.zeros(_PROBE_ROWS, np.int64)
        seconds = []
        for _ in range(_PROBES):
            started = time.perf_counter()
            self.source.network.remember(rows, labels)
            seconds.append(time.perf_counter() - started)
        return min(seconds) / _PROBE_ROWS

    def size_mib(self, n_rows: int) -> float:
        """About what it adds to a bundle, by the rows of its context."""
        network = self.source.network
        n_context, width, depth = min(n_rows, self.source.max_rows), network.encoder[0].shape[1], len(network.layers)
        kept = [one for layer in network.layers for one in (layer.query, layer.mixed, layer.wide, layer.narrow)]
        n_weights = sum(weight.size for weight, _ in kept)
        return 2 * (n_weights + 2 * self.n_members * n_context * width * depth) / 2**20

    def latency_ms(self, n_rows: int) -> float:
        """About how long one row takes alone, in ms, measured with an empty context of as many rows."""
        network = self.source.network
        n_context, width, depth = min(n_rows, self.source.max_rows), network.encoder[0].shape[1], len(network.layers)
        values = np.zeros((depth, network.n_heads, n_context, width // network.n_heads), np.float32)
        memory, row = Memory(keys=values.transpose(0, 1, 3, 2), values=values), np.zeros((1, 1), np.float32)
        network.scores(memory, row)
        started = time.perf_counter()
        network.scores(memory, row)
        return (time.perf_counter() - started) * 1000 * self.n_members


def in_context_models(
    experiment: Experiment,
    names: Sequence[str] | None = None,
    *,
    limits: Limits | None = None,
    budget_s: float | None = None,
) -> tuple[InContextModel, ...]:
    """The models in context that can be part of this experiment's model.

    Parameters
    ----------
    names : sources that the user named; None for the usual one, which is left out, with a notice, where it does not suit
    limits : that they must keep to
    budget_s : seconds that holding one out may take; None for any

    Raises
    ------
    OptionError
        A source that was named does not suit the task or the table, or exceeds a limit.
    SourceError, MissingExtraError
        One that was named cannot be fetched or read.
    """
    found = []
    for name in (USUAL,) if names is None else names:
        card = find(name)
        try:
            model = _model(card, experiment, limits or Limits())
        except (OptionError, SourceError, MissingExtraError) as error:
            if names is not None:
                raise
            experiment.context.notice("source", f"{name} is left out: {error}")
            continue
        expected_s = model.expected_s(experiment) if budget_s is not None else 0.0
        if budget_s is not None and expected_s > budget_s:
            experiment.context.notice(
                "budget",
                f"{name} is left out: it takes about {expected_s:.0f} s, and {max(budget_s, 0):.0f} s are left.",
            )
            continue
        _say_what_is_read(model, experiment)
        found.append(model)
    return tuple(found)


def tabular_fields(dataset: Dataset) -> tuple[Field, ...]:
    """The fields that hold numbers, categories or dates."""
    return tuple(one for one in dataset.fields if get_modality(one.modality).is_tabular)


def _model(card: Card, experiment: Experiment, limits: Limits) -> InContextModel:
    if refusal := _misfit(card, experiment.dataset) or limits.refusal(card):
        raise OptionError(f"source '{card.name}' cannot be used: {refusal}.")
    model, n_rows = (
        InContextModel(open_in_context(card, stream=experiment.context.reporter)),
        len(experiment.plan.final),
    )
    if limits.max_size_mib is not None and model.size_mib(n_rows) > limits.max_size_mib:
        raise OptionError(
            f"source '{card.name}' cannot be used: with its context it has {model.size_mib(n_rows):.0f} MiB, more than "
            f"{limits.max_size_mib:g} MiB."
        )
    if limits.max_latency_ms is not None and (slowness := limits.slowness(model.latency_ms(n_rows))):
        raise OptionError(f"source '{card.name}' cannot be used: {slowness}.")
    return model


def _misfit(card: Card, dataset: Dataset) -> str:
    """Why a table is none for it; empty if it is one."""
    n_classes, most = dataset.targets.shape[1], card.network["max_classes"]
    if not dataset.task_spec.is_single_label:
        return f"it gives one of several classes, and '{dataset.name}' is a task of another kind"
    if n_classes > most:
        return f"it knows at most {most} classes, and '{dataset.name}' has {n_classes}"
    if not tabular_fields(dataset):
        return f"it reads numbers, categories and dates, and '{dataset.name}' has none"
    return ""


def _say_what_is_read(model: InContextModel, experiment: Experiment) -> None:
    """Say where a table is larger than what the network takes."""
    n_rows, source = len(experiment.plan.final), model.source
    if n_rows > source.max_rows:
        line = f"{source.name} takes {source.max_rows:,} rows at a time: each of {model.n_members} looks has its own of {n_rows:,}"
        experiment.context.notice("source", line)
