"""The tables of `bench/quality/together.py`, made of its rows: what ships by each rule, beside every other column.

The decision is taken anew from what the report said, with the prior of the other tasks: a task's own gains say nothing about it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.quality.gains import gain_table, standard_error
from bench.quality.together_cases import OF_OTHER_CONDITIONS
from headstart.core.report import Score
from headstart.core.student import Z_95
from headstart.evaluation.shipping import WORTH, Shipping, decide, gain_prior
from headstart.evaluation.verdict import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results import Row
    from headstart.evaluation.shipping import Preference

POINT = 0.01
OURS = ("balanced", "prefer small", "frozen source")
OTHERS = {"svm": "plain SVM", "mean": "mean of two", "joint": "side by side", "torch": "torch loop"}


@dataclass(frozen=True)
class Result:
    """One case: what the fit said, and what the test part says.

    Attributes
    ----------
    fit : its row
    others : the row of the other columns, where they were measured
    table : gains on the other tasks; empty to take those that ship with Headstart
    """

    fit: Row
    others: Row
    table: list[dict[str, float | str]]
    worth: float

    @property
    def title(self) -> str:
        """The task with its size."""
        return f"{self.fit['task']}-{self.fit['size']}"

    def ships_transfer(self, prefer: Preference) -> bool:
        """By the product's own decision."""
        gain = None if self.fit["gain"] is None else Score.from_dict(self.fit["gain"])
        judgement = Judgement(verdict=self.fit["verdict"], sentence="", baseline=None, gain=gain)
        return decide(
            judgement,
            gain,
            shipping=Shipping(prefer=prefer, worth=self.worth),
            prior=gain_prior(self.fit["modality"], self.fit["n"], table=self.table or None),
            rival="",
            has_transfer=self.fit["has_transfer"],
        ).ships_transfer

    def shipped(self, prefer: Preference) -> float:
        """Its score on the test part."""
        return self.model if self.ships_transfer(prefer) else self.plain

    @property
    def model(self) -> float:
        """The score on the test part of the model with pretrained parts."""
        return float(self.fit["model"]["value"])

    @property
    def in_hindsight(self) -> float:
        """The better of the model and its rival on the test part."""
        return max(self.model, self.plain)

    @property
    def plain(self) -> float:
        """The score on the test part of the best model without; of the one that there is, where that is the only one."""
        return float(self.fit["rival"]["value"]) if "rival" in self.fit else self.model

    @property
    def gain(self) -> float:
        """On the test part, over the rival; 0 where there was no choice."""
        return float(self.fit["test_gain"]["value"]) if self.has_choice else 0.0

    @property
    def has_choice(self) -> bool:
        """Whether there were two models to choose from."""
        return bool(self.fit["has_transfer"]) and "test_gain" in self.fit

    def columns(self) -> dict[str, tuple[float, float]]:
        """Score on the test part and seconds to train of each column."""
        seconds = self.fit["seconds"]
        found = {
            "balanced": (self.shipped("accuracy"), seconds["fit_s"]),
            "prefer small": (self.shipped("small"), seconds["fit_s"]),
            "frozen source": (self.fit["frozen"]["value"], seconds["frozen_s"]),
        }
        for name, title in OTHERS.items():
            if name in self.others.get("columns", {}):
                found[title] = self.others["columns"][name]["value"], self.others["seconds"][name]
        return found


def results_of(fits: Sequence[Row], others: Sequence[Row], worth: float = WORTH) -> list[Result]:
    """Join the rows of each case; each task with the gains of all others."""
    tables = {task: gain_table(fits, without=task) for task in {row["task"] for row in fits}}
    keys = ("task", "size", "n_test", "draw")
    beside = {tuple(row[key] for key in keys): row for row in others}
    return [Result(row, beside.get(tuple(row[key] for key in keys), {}), tables[row["task"]], worth) for row in fits]


def report(results: Sequence[Result]) -> None:
    """Print the tables and the summary."""
    if not results:
        print("no case has been measured yet")
        return
    groups = defaultdict(list)
    for result in results:
        groups[result.title].append(result)
    for line in (*_table(groups), "", *_shares(results), *_regrets(results), *_honesty(results)):
        print(line)


def _table(groups: dict[str, list[Result]]) -> Iterator[str]:
    """One line a task and size, the means over its draws, and the summary of the differences."""
    titles = [*OURS, *OTHERS.values()]
    yield "| task | labels | metric | draws | " + " | ".join(titles) + " | balanced - best of the rest |"
    yield "|---" * (len(titles) + 5) + "|"
    differences = {}
    for title, group in groups.items():
        means = _means(group)
        best = max(value for name, (value, _) in means.items() if name not in ("balanced", "prefer small"))
        differences[title] = means["balanced"][0] - best
        cells = [f"{means[name][0]:.3f} ({means[name][1]:.0f} s)" if name in means else "" for name in titles]
        first = group[0].fit
        yield (
            f"| {title} | {first['n']} | {first['metric']} | {len(group)} | "
            + " | ".join(cells)
            + f" | {100 * differences[title]:+.1f} |"
        )
    values = np.array(list(differences.values()))
    worst = min(differences, key=lambda title: differences[title])
    yield ""
    yield (
        f"what balanced ships, less the best column that is not of the same fit: {100 * values.mean():+.2f} points in the mean, within 0.5 points "
        f"in {np.count_nonzero(values >= -0.005)} of {len(values)}, at worst {100 * values.min():+.1f} ({worst})"
    )
    yield from _against_each(groups)


def _means(group: Sequence[Result]) -> dict[str, tuple[float, float]]:
    """Of the columns that every draw has."""
    columns = [result.columns() for result in group]
    names = [name for name in columns[0] if all(name in one for one in columns)]
    return {name: tuple(np.mean([one[name] for one in columns], axis=0).tolist()) for name in names}


def _against_each(groups: dict[str, list[Result]]) -> Iterator[str]:
    """The mean difference to every column on the tasks that have it: the best column may be another one for each task."""
    found = defaultdict(list)
    for group in groups.values():
        means = _means(group)
        for name in means.keys() - {"balanced"}:
            found[name].append(means["balanced"][0] - means[name][0])
    for name in (*OURS, *OTHERS.values()):
        if name in found:
            yield f"  less {name}: {100 * np.mean(found[name]):+.2f} points in the mean of {len(found[name])}"


def _shares(results: Sequence[Result]) -> Iterator[str]:
    """How often each rule refuses what is useful, and ships what does harm, by more than a point on the test part."""
    able = [result for result in results if result.has_choice]
    n = max(len(results), 1)
    for prefer in ("accuracy", "small"):
        shipped = [result.ships_transfer(prefer) for result in able]
        refused = sum(result.gain > POINT and not ships for result, ships in zip(able, shipped, strict=True))
        harmful = sum(result.gain < -POINT and ships for result, ships in zip(able, shipped, strict=True))
        yield (
            f"rule '{prefer}': useful transfer refused in {refused} of {n} ({refused / n:.0%}), "
            f"harmful transfer shipped in {harmful} of {n} ({harmful / n:.0%})"
        )


def _regrets(results: Sequence[Result]) -> Iterator[str]:
    """What each rule loses to the better of the two models, known in hindsight."""
    rules: dict[str, list[float]] = {
        "least expected loss": [result.shipped("accuracy") for result in results],
        "the rule of before (significant gains only)": [result.shipped("small") for result in results],
        "always the model": [result.model for result in results],
        "always the best plain one": [result.plain for result in results],
    }
    best = [result.in_hindsight for result in results]
    for name, values in rules.items():
        lost = np.array(best) - np.array(values)
        yield f"regret of {name}: {100 * lost.mean():.2f} points in the mean, {100 * lost.max():.1f} at worst"


def _honesty(results: Sequence[Result]) -> Iterator[str]:
    """Intervals and verdicts against the test part."""
    alike = [result for result in results if result.fit["task"] not in OF_OTHER_CONDITIONS]
    yield f"the report's 95 % interval holds the test part's value {_held(alike, 'reported')}"
    others = [
        result for result in results if result.fit["task"] in OF_OTHER_CONDITIONS and result.fit.get("conditions")
    ]
    if others:
        yield (
            f"on test parts of other conditions ({', '.join(sorted({result.fit['task'] for result in others}))}) that of the report's estimate for new "
            f"conditions {_held(others, 'conditions')}; that of its score on items like those {_held(others, 'reported')}"
        )
    praised = [result for result in results if result.fit["verdict"] == "transfer helps"]
    wrong = [result.title for result in praised if _is_denied(result.fit)]
    yield (
        f"'transfer helps' was said {len(praised)} times, where the test part says otherwise beyond its noise (its own 95 % interval is "
        f"below 0): {len(wrong)}" + (f" ({', '.join(wrong)})" if wrong else "")
    )


def _held(results: Sequence[Result], said: str) -> str:
    """How often an interval of the report holds the test part's value, as it is and widened by the test part's own noise."""
    plain = sum(_holds(result.fit, said, 0.0) for result in results)
    allowed = sum(_holds(result.fit, said, standard_error(result.fit["model"])) for result in results)
    n = max(len(results), 1)
    return (
        f"in {plain} of {n} ({plain / n:.0%}); widened by the test part's own noise (both margins as the root of the sum of their squares) in "
        f"{allowed} of {n} ({allowed / n:.0%})"
    )


def _holds(row: Row, interval: str, error: float) -> bool:
    """Whether that interval of the report holds the test part's value, whose standard error widens it."""
    said, truth = row[interval], row["model"]["value"]
    margin = said["value"] - said["low"] if truth < said["value"] else said["high"] - said["value"]
    return bool(abs(truth - said["value"]) <= math.hypot(margin, Z_95 * error))


def _is_denied(row: Row) -> bool:
    gain: Any = row.get("test_gain")
    return gain is not None and gain["high"] < 0
