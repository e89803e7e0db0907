"""What becomes of inputs as people have them, at every door? Goal: nothing wrong, no internal error.

Each input is given at the command line, in Python, to scikit-learn's estimators, over HTTP and by the client, as far as a door takes it.
Prints door by input: right, refused (in one clear line, where that is right), WRONG, CRASH. What is right is in labelled_inputs.py,
photo_inputs.py, estimator_inputs.py and predicted_inputs.py. Run: .venv/bin/python -m bench.robustness.inputs [--only WORDS] [--quick]
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bench.options import parse, parser_of
from bench.robustness.estimator_inputs import estimator_cases
from bench.robustness.input_doors import in_python, on_the_command_line
from bench.robustness.input_models import models
from bench.robustness.labelled_inputs import labelled_cases
from bench.robustness.predicted_inputs import predicted_cases, proven_cases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.robustness.input_doors import Expected, Outcome
    from bench.robustness.labelled_case import LabelledCase


class AnyCase(Protocol):
    """What all cases have."""

    @property
    def name(self) -> str:
        """What the line of the table begins with."""
        ...

    @property
    def expected(self) -> Expected:
        """What is right."""
        ...


Case = TypeVar("Case", bound=AnyCase)
DOORS = ("command line", "Python", "scikit-learn", "HTTP", "client")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", help="inputs whose names have this in them")
    parser.add_argument("--every", type=int, default=1, help="take each so-many-th input alone")
    options = parse(parser, every=12)
    counts: Counter[str] = Counter()

    def chosen(cases: Sequence[Case]) -> list[Case]:
        return [case for case in cases if options.only in case.name][:: options.every]

    print(f"{'input':<38}" + "".join(f"{door:>14}" for door in DOORS))
    with tempfile.TemporaryDirectory() as name:
        folders = (folder_of(Path(name), number) for number in itertools.count())
        for labelled in chosen(labelled_cases()):
            counts += report(labelled, at_labelled_doors(labelled, next(folders)))
        for fitted in chosen(estimator_cases()):
            counts += report(fitted, {"scikit-learn": fitted.outcome()})
        predicted, proven = chosen(predicted_cases()), chosen(proven_cases())
        if predicted or proven:
            with models(folder_of(Path(name), "models")) as made:
                for one in predicted:
                    counts += report(one, made.outcomes(one, next(folders)))
                for other in proven:
                    counts += report(other, made.proven(other, next(folders)))
    print(", ".join(f"{count} {judgement}" for judgement, count in sorted(counts.items())))
    sys.exit(bool(counts["WRONG"] + counts["CRASH"]))


def folder_of(root: Path, name: object) -> Path:
    """Make a folder of a case's own."""
    folder = root / str(name)
    folder.mkdir()
    return folder


def report(case: AnyCase, outcomes: Mapping[str, Outcome]) -> Counter[str]:
    """Print the line of an input, and below it what was wrong; gives how often each judgement was passed."""
    judged = {door: case.expected.judge(outcome) for door, outcome in outcomes.items()}
    print(f"{case.name:<38}" + "".join(f"{judged.get(door, '-'):>14}" for door in DOORS), flush=True)
    for door, judgement in judged.items():
        if judgement in ("WRONG", "CRASH"):
            outcome = outcomes[door]
            print(f"    {door}: {outcome.message or outcome.value}"[:500], flush=True)
    return Counter(judged.values())


def at_labelled_doors(case: LabelledCase, folder: Path) -> dict[str, Outcome]:
    """Load labelled data in Python, and inspect it on the command line."""
    from headstart.data import load

    data = case.make(folder)
    words = [word for name, value in case.options.items() for word in (f"--{name}", value)]
    return {
        "command line": facts_of(on_the_command_line("inspect", data, *words, "--json"), of_inspect),
        "Python": facts_of(in_python(lambda: load(data, **case.options)), of_dataset),
    }


def facts_of(outcome: Outcome, read: Any) -> Outcome:
    """The same outcome, its answer as facts that can be compared."""
    return replace(outcome, value=read(outcome.value)) if outcome.is_answer else outcome


def of_dataset(dataset: Any) -> dict[str, Any]:
    """What is compared of a dataset."""
    splits = (
        None
        if dataset.splits is None
        else {part: int((dataset.splits == part).sum()) for part in ("train", "validation", "test")}
    )
    facts = {
        "modality": dataset.modality, "task": dataset.task, "labels": list(dataset.labels), "n_items": len(dataset),
        "n_unlabelled": len(dataset.unlabelled), "splits": splits, "notices": [notice.message for notice in dataset.notices],
    }  # fmt: skip
    if dataset.task == "regression":
        facts |= {"low": float(dataset.targets.min()), "high": float(dataset.targets.max())}
    return facts


def of_inspect(figures: dict[str, Any]) -> dict[str, Any]:
    """What is compared of `headstart inspect --json`."""
    facts = {key: figures[key] for key in ("modality", "task", "n_items", "n_unlabelled", "splits")}
    facts |= {"labels": list(figures["labels"] or {}), "notices": [notice["message"] for notice in figures["notices"]]}
    return facts | dict(figures.get("range") or {})


if __name__ == "__main__":
    main()
