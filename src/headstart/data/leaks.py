"""Columns that give the target away: noticed, for a model that looks good for this reason is no good."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Notice
from headstart.core.tasks import get_task
from headstart.data.targets import guess_task
from headstart.data.values import is_missing, label_of, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.tasks import TaskSpec

_MIN_ROWS = 20
_PURE = 0.99
_CORRELATED = 0.999
_MANY_CODES = 10


def find_leaks(
    sample: Mapping[str, list[Any]], target: str, task: TaskSpec, *, texts: Sequence[str], skip: Sequence[str]
) -> tuple[Notice, ...]:
    """Look for columns whose value settles the target, and for texts that spell their own label.

    Parameters
    ----------
    sample : cells of every column from the same rows
    texts : the columns of texts among the inputs
    skip : columns that have a part already

    Returns
    -------
    A notice for each leak; the columns are no input, so nothing needs to be done but to know it.
    """
    if task.is_multi_label:
        return ()
    found = []
    for name, cells in sample.items():
        if name in skip:
            continue
        strength = _association(cells, sample[target], task)
        if strength:
            message = (
                f"column '{name}' gives the target away ({strength}); it is not used. "
                f"See that '{name}' is known only after '{target}', or what this model is for."
            )
            found.append(Notice(kind="leak", message=message, where=(name,)))
    for text in texts:
        if task.has_probabilities and _spells_label(sample[text], sample[target]):
            message = f"nearly every text in column '{text}' holds its own label as a word: take it out of the texts."
            found.append(Notice(kind="leak", message=message, where=(text,)))
    return tuple(found)


def leaking_columns(
    sample: Mapping[str, list[Any]], target: str, kinds: Mapping[str, str], candidates: Sequence[str]
) -> dict[str, str]:
    """Find the columns among a table's inputs that know the target, with how well each does.

    A column is one if it is equal to the target, nearly a multiple of it, or has few values of which each goes with one label.

    Parameters
    ----------
    kinds : the modality of each candidate
    """
    cells = [cell for cell in sample[target] if not is_missing(cell)]
    if len(cells) < _MIN_ROWS or any(isinstance(cell, list | dict) for cell in cells):
        return {}
    task = get_task(guess_task(cells, target))
    if task.is_multi_label:
        return {}
    most = max(_MANY_CODES, 2 * len({label_of(cell) for cell in cells}))
    found = {}
    for name in candidates:
        is_few = kinds[name] != "number" or not task.has_probabilities or len(set(map(_key, sample[name]))) <= most
        if (
            kinds[name] in ("number", "category")
            and is_few
            and (said := _association(sample[name], sample[target], task))
        ):
            found[name] = said
    return found


def set_aside_notice(column: str, said: str, target: str) -> Notice:
    """Say loudly that an input was set aside, for it knows the target."""
    message = (
        f"COLUMN '{column}' KNOWS THE TARGET '{target}' ({said}) and is set aside. If it is known before '{target}' is, keep it with "
        f"--columns '{column}:KIND'."
    )
    return Notice(kind="leak", message=message, where=(column,))


def _association(cells: Sequence[Any], targets: Sequence[Any], task: TaskSpec) -> str:
    pairs = [(c, t) for c, t in zip(cells, targets, strict=True) if not is_missing(t) and not is_missing(c)]
    if len(pairs) < max(_MIN_ROWS, 0.5 * len(cells)):
        return ""
    if not task.has_probabilities:
        numbers = [(x, y) for c, t in pairs if (x := number_of(c)) is not None and (y := number_of(t)) is not None]
        if len(numbers) < _MIN_ROWS:
            return ""
        x, y = np.array(numbers).T
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            return ""
        correlation = float(np.corrcoef(x, y)[0, 1])
        return f"correlation {correlation:.4f}" if abs(correlation) > _CORRELATED else ""
    return _purity([(_key(c), label_of(t).casefold()) for c, t in pairs])


def _purity(pairs: Sequence[tuple[str, str]]) -> str:
    """Share of rows whose target is the commonest among the rows with the same value, if telling."""
    by_value: dict[str, Counter[str]] = defaultdict(Counter)
    for value, label in pairs:
        by_value[value][label] += 1
    majority = Counter(label for _, label in pairs).most_common(1)[0][1] / len(pairs)
    pure = sum(counts.most_common(1)[0][1] for counts in by_value.values()) / len(pairs)
    repeated = len(by_value) <= len(pairs) / 5  # an id is pure because each value stands once
    return f"{100 * pure:.1f} % by its value alone" if repeated and pure >= max(_PURE, majority + 0.02) else ""


def _key(cell: Any) -> str:
    return str(cell)[:200]


def _spells_label(texts: Sequence[Any], targets: Sequence[Any]) -> bool:
    pairs = [
        (str(text).casefold(), label_of(target).casefold())
        for text, target in zip(texts, targets, strict=True)
        if not is_missing(target) and not is_missing(text)
    ]
    labels = {label for _, label in pairs}
    if len(pairs) < _MIN_ROWS or len(labels) < 2 or any(len(label) < 3 for label in labels):
        return False
    n_spelled = sum(label in text for text, label in pairs)
    n_others = sum(any(other in text for other in labels if other != label) for text, label in pairs)
    return n_spelled > 0.95 * len(pairs) and n_others < 0.5 * len(pairs)
