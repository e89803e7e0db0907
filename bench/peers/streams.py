"""River's adaptive random forest and streaming random patches on a stream: each record is predicted, then learned.

Runs in an environment of its own: a line of JSON comes (frame, target, records to skip, peer), and one goes (probabilities, classes, seconds).
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pandas as pd


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Predict every record after the first `skip`, before its label is learned."""
    from river import ensemble, forest

    frame = pd.read_parquet(job["frame"])
    frame = frame.fillna(dict.fromkeys(frame.select_dtypes("number").columns, 0.0))
    target = frame.pop(job["target"]).astype(str)
    classes = sorted(target.unique())
    model: Any = {"arf": forest.ARFClassifier, "srp": ensemble.SRPClassifier}[job["peer"]](seed=0)
    started, scores = time.process_time(), []
    for number, (row, label) in enumerate(zip(frame.to_dict("records"), target, strict=True)):
        if number >= job["skip"]:
            said = model.predict_proba_one(row)
            scores.append([float(said.get(one, 0.0)) for one in classes])
        model.learn_one(row, label)
    return {"scores": scores, "classes": classes, "seconds": time.process_time() - started}


def main() -> None:
    print(json.dumps(work(json.loads(sys.stdin.readline()))))


if __name__ == "__main__":
    main()
