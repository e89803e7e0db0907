"""What users reach for on tables: CatBoost, LightGBM and AutoGluon in an environment of their own, and scikit-learn's models.

Each at its defaults, on the same frames: numbers as they are, categories as its own kind of category, a date as its parts. A job
comes as a line of JSON and its answer goes as one, so that imports are paid once. Nothing here needs Headstart.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

Job = dict[str, Any]
OURS = ("headstart", "tabpfn")
Frame = pd.DataFrame


def work(job: Job) -> dict[str, Any]:
    """Fit and predict: classes with the probability of each, or numbers."""
    train, test = pd.read_parquet(job["train"]), pd.read_parquet(job["test"])
    target = job["target"]
    for library in LIBRARIES.get(job["peer"], ()):
        importlib.import_module(library)
    if job["peer"].startswith(OURS):
        from bench.peers.headstart_columns import work as work_of_headstart

        return work_of_headstart(job, train, test)
    watch = Stopwatch()
    y, x, x_test = (
        train[target],
        with_date_parts(train.drop(columns=target)),
        with_date_parts(test.drop(columns=target)),
    )
    predict, classes = PEERS[job["peer"]](x, y, job)
    watch.lap("train")
    scores = np.asarray(predict(x_test), float)
    watch.lap("predict")
    return {"scores": scores.tolist(), "classes": classes, **watch.seconds}


def with_date_parts(frame: Frame) -> Frame:
    """Dates as days, month, day of the week and hour, for all who cannot read dates; other columns as they are."""
    parts = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            parts[f"{name} day"] = (column - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=1)
            parts |= {
                f"{name} {part}": getattr(column.dt, part).astype(float) for part in ("month", "dayofweek", "hour")
            }
        else:
            parts[name] = column if pd.api.types.is_numeric_dtype(column) else column.astype(object)
    return pd.DataFrame(parts)


def categories_of(frame: Frame) -> list[str]:
    return [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]


def _fitted(model: Any, job: Job) -> tuple[Callable[[Frame], Any], list[str] | None]:
    if job["task"] == "regression":
        return model.predict, None
    return model.predict_proba, [str(label) for label in model.classes_]


def linear(x: Frame, y: Any, job: Job) -> tuple[Callable[[Frame], Any], list[str] | None]:
    """Logistic or ridge regression on scaled numbers (median where missing) and one-hot categories, the penalty cross-validated."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = categories_of(x)
    numbers = [name for name in x.columns if name not in categories]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(add_indicator=True, strategy="median"), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
        ]
    )
    if job["task"] == "regression":
        last: Any = RidgeCV(np.logspace(-2, 4, 13))
    else:
        options = {"scoring": "neg_log_loss", "use_legacy_attributes": False, "l1_ratios": (0.0,)}
        last = LogisticRegressionCV(Cs=np.logspace(-4, 2, 7), cv=3, max_iter=2000, **options)
    return _fitted(make_pipeline(columns, last).fit(x, y), job)


def histogram_boosting(x: Frame, y: Any, job: Job) -> tuple[Callable[[Frame], Any], list[str] | None]:
    """scikit-learn's histogram booster."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    categories = categories_of(x)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250)
    columns = make_column_transformer((encoder, categories), remainder="passthrough")
    kind = HistGradientBoostingRegressor if job["task"] == "regression" else HistGradientBoostingClassifier
    model = kind(random_state=job["seed"], categorical_features=list(range(len(categories))))
    return _fitted(make_pipeline(columns, model).fit(x, y), job)


def catboost(x: Frame, y: Any, job: Job) -> tuple[Callable[[Frame], Any], list[str] | None]:
    """CatBoost; a missing category is one of its own."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    categories = categories_of(x)
    kind = CatBoostRegressor if job["task"] == "regression" else CatBoostClassifier
    model = kind(random_seed=job["seed"], thread_count=job["threads"], verbose=False, allow_writing_files=False)
    with_names = _filled(x, categories)
    model.fit(with_names, y, cat_features=categories)
    predict, classes = _fitted(model, job)
    return lambda frame: predict(_filled(frame, categories)), classes


def _filled(frame: Frame, categories: list[str]) -> Frame:
    return frame.assign(**{name: frame[name].fillna("").astype(str) for name in categories})


def lightgbm(x: Frame, y: Any, job: Job) -> tuple[Callable[[Frame], Any], list[str] | None]:
    """LightGBM, with pandas' categories."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    levels = {name: pd.CategoricalDtype(x[name].dropna().unique()) for name in categories_of(x)}

    def ready(frame: Frame) -> Frame:
        frame = frame.astype(levels)
        return frame.set_axis([str(place) for place in range(frame.shape[1])], axis=1)

    kind = LGBMRegressor if job["task"] == "regression" else LGBMClassifier
    model = kind(random_state=job["seed"], n_jobs=job["threads"], verbose=-1)
    model.fit(ready(x), y)
    predict, classes = _fitted(model, job)
    return lambda frame: predict(ready(frame)), classes


def autogluon(x: Frame, y: Any, job: Job) -> tuple[Callable[[Frame], Any], list[str] | None]:
    """AutoGluon tabular at its usual preset, within the seconds of the job."""
    from autogluon.tabular import TabularPredictor

    folder = tempfile.mkdtemp()
    problem = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[job["task"]]
    metric = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}[job["task"]]
    predictor = TabularPredictor("the target", problem_type=problem, eval_metric=metric, path=folder, verbosity=0)
    data = x.assign(**{"the target": y.to_numpy()})
    predictor.fit(data, time_limit=job["seconds"], num_cpus=job["threads"], num_gpus=0)
    if job["task"] == "regression":
        return predictor.predict, None
    return predictor.predict_proba, [str(label) for label in predictor.class_labels]


PEERS: dict[str, Callable[[Frame, Any, Job], tuple[Callable[[Frame], Any], list[str] | None]]] = {
    "linear": linear,
    "histogram boosting": histogram_boosting,
    "catboost": catboost,
    "lightgbm": lightgbm,
    "autogluon": autogluon,
}
LIBRARIES = {
    "linear": ("sklearn.pipeline", "sklearn.linear_model", "sklearn.compose"),
    "histogram boosting": ("sklearn.pipeline", "sklearn.ensemble", "sklearn.compose"),
    "catboost": ("catboost",),
    "lightgbm": ("lightgbm",),
    "autogluon": ("autogluon.tabular",),
}
"""What a method imports before its clock starts."""


def main() -> None:
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer: dict[str, Any] = work(json.loads(line))
            except Exception as error:  # noqa: BLE001  (a peer that fails is a row of the table)
                answer = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
