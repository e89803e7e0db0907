"""Models that inputs are given to: a bundle of texts, one of photos, one of 0 and 1, an estimator, and a server of the bundles."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.robustness.input_doors import Outcome, in_python, in_scikit_learn, on_the_command_line, over_http
from bench.robustness.made_data import messages, photos
from bench.speed.server_process import running, serve_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.robustness.predicted_case import PredictedCase, ProvenCase

SOURCES = {"text": "wordllama-256", "photo": "mobilenet-v2", "code": "wordllama-256", "flag": "wordllama-256"}
ERROR = "no answer"
"""What stands for an item that is answered with its error."""


@dataclass(frozen=True)
class Models:
    """Bundles by name, the address of a server of them, and an estimator that was fitted on the same texts."""

    folders: dict[str, Path]
    url: str
    estimator: Any

    def outcomes(self, case: PredictedCase, folder: Path) -> dict[str, Outcome]:
        """Give an input to each door that takes it."""
        from headstart import load_bundle
        from headstart.client import Client

        found: dict[str, Outcome] = {}
        if case.words is not None:
            words = [self.folders[case.model], *case.words(folder)]
            found["command line"] = answers(on_the_command_line("predict", *words, "--json", stdin=case.stdin))
        if case.python is not None:
            given, bundle = case.python(folder), load_bundle(self.folders[case.model])
            found["Python"] = answers(in_python(lambda: [one.to_dict() for one in bundle.predictions(given)]))
        if case.estimator is not None:
            items = case.estimator(folder)
            found["scikit-learn"] = in_scikit_learn(lambda: self.estimator.predict(items).tolist())
        if case.body is not None:
            url = f"{self.url}/v1/models/{case.model}/predict"
            found["HTTP"] = answers(over_http(url, *case.body(folder)))
        if case.client is not None:
            sent = case.client(folder)
            with Client(self.url, model=case.model) as client:
                found["client"] = answers(in_python(lambda: [one.to_dict() for one in client.predictions(sent)]))
        return found

    def proven(self, case: ProvenCase, folder: Path) -> dict[str, Outcome]:
        """Prove a bundle on labelled data, on the command line and in Python."""
        from headstart.pipeline import prove_again

        bundle, data = self.folders[case.model], case.make(folder)
        return {
            "command line": facts(on_the_command_line("prove", bundle, data, "--json")),
            "Python": facts(in_python(lambda: prove_again(bundle, data))),
        }


@contextmanager
def models(folder: Path) -> Iterator[Models]:
    """Fit the bundles and serve them until the block ends."""
    from headstart.sklearn import TransferClassifier

    rows = messages(160, seed=19)
    pair = messages(160, topics=("delivery", "billing"), seed=2)
    photos(folder / "photos", lambda i, shape: f"{shape}/{i:03d}.jpg", 40, seed=5)
    data: dict[str, Any] = {
        "text": {"text": [text for text, _ in rows], "topic": [topic for _, topic in rows]},
        "code": {"text": [text for text, _ in pair], "code": [int(topic == "billing") for _, topic in pair]},
        "flag": {"text": [text for text, _ in pair], "urgent": [topic == "billing" for _, topic in pair]},
        "photo": folder / "photos",
    }
    folders = {name: folder / f"{name}-model" for name in data}
    for name, given in data.items():
        _fit(given, folders[name], SOURCES[name])
    estimator = TransferClassifier(source=SOURCES["text"]).fit(*map(list, zip(*rows, strict=True)))
    with running(serve_command(*(f"{name}={path}" for name, path in folders.items()))) as (port, _):
        yield Models(folders, f"http://127.0.0.1:{port}", estimator)


def _fit(data: Any, out: Path, source: str) -> None:
    from headstart import fit

    fit(data, out=out, source=source, preset="fast", baselines="none", tune="none", progress=None)


def answers(outcome: Outcome) -> Outcome:
    """The same outcome, its answers as labels; `ERROR` for an item that was answered with its error."""
    if not outcome.is_answer:
        return outcome
    rows: Sequence[dict[str, Any]] = outcome.value
    if isinstance(outcome.value, dict):
        rows = outcome.value["predictions"]
    if rows and all(row.get("error") for row in rows):
        return Outcome(message=str(rows[0]["error"]))
    return Outcome([ERROR if row.get("error") else row["label"] for row in rows])


def facts(outcome: Outcome) -> Outcome:
    """The same outcome, what was proven as facts that can be compared."""
    if not outcome.is_answer:
        return outcome
    notices = [notice["message"] for notice in outcome.value["notices"]]
    accuracy = next(score["value"] for score in outcome.value["metrics"] if score["name"] == "accuracy")
    return Outcome({"n_items": outcome.value["n_items"], "is_accurate": accuracy > 0.85, "notices": notices})
