"""What is given to scikit-learn's `fit`: frames, gaps and labels of every type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.robustness.input_doors import Expected, Outcome, in_scikit_learn
from bench.robustness.made_data import TOPICS, messages

if TYPE_CHECKING:
    from collections.abc import Callable

N = 80
ALL = sorted(TOPICS)


@dataclass(frozen=True, kw_only=True)
class EstimatorCase:
    """What `fit` is given, and the classes that are right."""

    name: str
    make: Callable[[], tuple[Any, Any]]
    expected: Expected

    def outcome(self) -> Outcome:
        """Fit, and give the classes; a fitted estimator must predict its own items too."""
        from headstart.sklearn import TransferClassifier

        def fitted() -> list[Any]:
            items, labels = self.make()
            estimator = TransferClassifier(source="wordllama-256").fit(items, labels)
            estimator.predict(items)
            return list(estimator.classes_.tolist())

        return in_scikit_learn(fitted)


def estimator_cases() -> list[EstimatorCase]:
    """All of them."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(messages(N, seed=4), columns=["text", "topic"])
    frame["n"] = range(N)
    numbers = frame.topic.map({topic: 2 * place + 1 for place, topic in enumerate(ALL)})
    gaps, blanks = frame.text.copy(), frame.text.copy()
    gaps[5], blanks[5] = np.nan, ""

    def case(name: str, X: Any, y: Any, classes: Any = ALL, *refusal: str) -> EstimatorCase:  # noqa: N803  as scikit-learn calls it
        return EstimatorCase(
            name=f"fit: {name}", make=lambda: (X, y), expected=Expected(value=classes, refusal=refusal or None)
        )

    return [
        case("a Series", frame.text, frame.topic),
        case("a frame of one column", frame[["text"]], frame.topic),
        case("an array (n, 1) of texts", frame[["text"]].to_numpy(), frame.topic),
        case("texts and numbers", frame[["text", "n"]], frame.topic, None, "'n'"),
        case("NaN among texts", gaps, frame.topic, None, "5"),
        case("a blank text", blanks, frame.topic, ALL, "5"),
        case("labels of integers", frame.text, numbers, [1, 3, 5, 7]),
        case("labels of booleans", frame.text, frame.topic == "login", [False, True]),
        case("labels of a category", frame.text, frame.topic.astype("category")),
        case("a label that is missing", frame.text, frame.topic.where(frame.index != 3), None, "NaN"),
        case("texts of pandas' string type", frame.text.astype("string"), frame.topic.astype("string")),
    ]
