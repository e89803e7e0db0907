"""An Airflow DAG: a table of labelled texts becomes a model, and each day's new texts become a Parquet file of answers.

Without Airflow the same functions run in order: python examples/airflow_task/dag.py FOLDER

FOLDER holds labelled.csv, with the columns text and product, and inbox/2026-01-31.csv, a table of texts for each day.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

try:
    from airflow.sdk import dag, task
except ImportError:
    dag = task = None


def fit_model(folder: str) -> str:
    """Fit the model, unless it is newer than what it was fitted on."""
    import headstart

    data, bundle = Path(folder, "labelled.csv"), Path(folder, "model")
    if not bundle.exists() or bundle.stat().st_mtime < data.stat().st_mtime:
        headstart.fit(data, target="product", out=bundle, source="wordllama-256", baselines="simple", progress=None)
    return str(bundle)


def predict_day(bundle: str, day: str) -> str:
    """Answer a day's texts; run again, the task replaces its file with an equal one, whole or not at all."""
    import pandas as pd

    from headstart import load_bundle
    from headstart.storage.files import replacing

    folder = Path(bundle).parent
    table = pd.read_csv(folder / "inbox" / f"{day}.csv")[["text"]]
    answers = load_bundle(bundle).predictions(table["text"], top=1)
    out = folder / "answers" / f"{day}.parquet"
    with replacing(out) as partial:
        table.assign(label=[a.label for a in answers], probability=[a.probability for a in answers]).to_parquet(partial)
    return str(out)


if dag is not None:

    @dag(schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
    def label_texts() -> None:
        """Fit, if there is something new to learn from; then predict the day."""
        task(retries=2)(predict_day)(task(fit_model)(os.environ["TEXTS_FOLDER"]), "{{ ds }}")

    label_texts()
elif __name__ == "__main__":
    model = fit_model(sys.argv[1])
    for table in sorted(Path(sys.argv[1], "inbox").glob("*.csv")):
        print(predict_day(model, table.stem))
