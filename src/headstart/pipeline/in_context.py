"""Sources that read a table as its context, as a fit takes them: named by the user, or offered where they suit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.evaluation.in_context import in_context_models, tabular_fields
from headstart.sources import cards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.evaluation import Experiment
    from headstart.evaluation.in_context import InContextModel
    from headstart.ranking import Limits

_SHARE = 0.4  # of what is left of the budget


def split_in_context(names: Sequence[str] | None) -> tuple[tuple[str, ...], list[str] | None]:
    """Take the sources that read a table as its context out of those that were named; the rest is None if that was all.

    >>> split_in_context(["tabpfn-v1", "all-minilm-l6-v2"])
    (('tabpfn-v1',), ['all-minilm-l6-v2'])
    """
    known = {card.name for card in cards() if card.is_in_context}
    named = tuple(name for name in names or () if name in known)
    return named, [name for name in names or () if name not in known] or None


def offered_in_context(
    experiment: Experiment, named: tuple[str, ...], limits: Limits, *, is_tried: bool
) -> tuple[InContextModel, ...]:
    """Those that were named, whatever they cost; else the usual one, if it is to be tried, suits and there is time.

    It is tried by the preset 'best' alone: it costs a fit of a small table several times what the plain models do, and 50 MiB, for gains that
    were within the noise (docs/log.md, Tables).

    Raises
    ------
    UserError
        One that was named cannot be used; the message says why.
    """
    if named:
        return in_context_models(experiment, named, limits=limits)
    dataset = experiment.dataset
    if not is_tried or not dataset.task_spec.is_single_label or not tabular_fields(dataset):
        return ()
    left_s = experiment.context.clock.left_s
    return in_context_models(experiment, limits=limits, budget_s=None if left_s is None else _SHARE * left_s)
