"""Estimators on frames of numbers, categories, dates and gaps: fitted by `headstart.fit`, used as scikit-learn's tools use estimators."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from headstart.core.errors import DataError, OptionError
from headstart.sklearn import TransferClassifier, TransferFeatures, TransferRegressor
from headstart.sklearn.tables import is_table_of_columns

N = 90


def table(n=N, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({
        "tenure": rng.integers(0, 72, n).astype(float),
        "contract": rng.choice(["month", "year", "two-year"], n),
        "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
        "paperless": rng.random(n) < 0.5,
    })  # fmt: skip
    score = X.tenure / 20 - 2.5 * (X.contract == "month") + rng.normal(0, 0.4, n)
    X.loc[rng.random(n) < 0.1, "tenure"] = np.nan
    X.loc[rng.random(n) < 0.1, "contract"] = None
    X.loc[rng.random(n) < 0.1, "since"] = pd.NaT
    return X, np.array(["leaves", "stays"])[(score > 0.6).astype(int)], score.to_numpy()


X, Y, VALUES = table()


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def fitted(_cache):
    return TransferClassifier().fit(X, Y)


def test_what_is_a_table_of_columns():
    numbers = pd.DataFrame(np.eye(3))
    texts = pd.DataFrame({"text": ["late parcel again", "where is my money"], "subject": ["a b c", "c d e"]})
    assert is_table_of_columns(X)
    assert is_table_of_columns(pl.from_pandas(X))
    assert is_table_of_columns(numbers.replace(0.0, np.nan))
    assert is_table_of_columns(X[["since"]])
    assert not any(map(is_table_of_columns, (numbers, texts, texts[["text"]], numbers.to_numpy(), ["a"], Y)))


def test_it_learns_and_keeps_the_labels_as_they_are(fitted):
    assert fitted.classes_.tolist() == ["leaves", "stays"]
    assert fitted.feature_names_in_.tolist() == [*X.columns]
    more, answers, _ = table(200, seed=1)
    assert fitted.score(more, answers) > 0.75
    probabilities = fitted.predict_proba(more)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(more))


def test_frames_of_polars_other_orders_and_columns_more(fitted):
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(pl.from_pandas(X)), expected)
    np.testing.assert_array_equal(fitted.predict_proba(X[[*X.columns[::-1]]].assign(more=1)), expected)


def test_a_saved_one_predicts_the_same(fitted):
    saved = pickle.dumps(fitted)
    assert len(saved) < 2_000_000
    np.testing.assert_array_equal(pickle.loads(saved).predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (X.drop(columns="tenure"), "has no column 'tenure'"),
        (X.rename(columns={"tenure": "tenure_m", "contract": "Contracts"}), "'tenure_m' the 'tenure', and 'Contracts' the"),
        (X.assign(tenure="soon"), "column 'tenure'"),
        (X.to_numpy(), "was fitted on a frame, but a ndarray came"),
    ],
)  # fmt: skip
def test_what_lacks_a_column_is_named(fitted, given, words):
    with pytest.raises(DataError, match=words):
        fitted.predict(given)


def test_scikit_learns_tools():
    lower = FunctionTransformer(lambda rows: rows.assign(contract=rows.contract.str.upper()))
    scores = cross_val_score(
        make_pipeline(lower, TransferClassifier()), X, Y, cv=2, scoring="roc_auc", error_score="raise"
    )
    assert scores.min() > 0.75
    search = GridSearchCV(TransferRegressor(), {"preset": ["fast"]}, cv=2, error_score="raise").fit(X, VALUES)
    assert search.best_score_ > 0.4
    assert clone(search.best_estimator_).get_params()["preset"] == "fast"


def test_groups_classes_of_any_name_and_a_column_called_y():
    odd = np.array(["nan", "Kiwi", "kiwi"])[np.digitize(VALUES, np.quantile(VALUES, [0.3, 0.6]))]
    groups = np.arange(N) // 3
    with pytest.warns(UserWarning, match="one label to headstart.fit"):
        model = TransferClassifier().fit(X.assign(y=np.nan_to_num(X.tenure), group="a b"), odd, groups=groups)
    assert model.classes_.tolist() == ["Kiwi", "kiwi", "nan"]
    assert model.predict_proba(X.assign(y=X.tenure, group="a b")).shape == (N, 3)
    assert model.score(X.assign(y=np.nan_to_num(X.tenure), group="a b"), odd) > 0.6


def test_one_column_with_gaps():
    found = TransferClassifier().fit(X[["tenure"]], Y)
    assert found.predict_proba(X[["tenure"]].assign(more=1)).shape == (N, 2)


def test_several_labels_of_a_row():
    both = np.stack([Y == "stays", X.paperless, VALUES > 1], axis=1).astype(int)
    found = TransferClassifier().fit(X, both).predict(X)
    assert found.shape == (N, 3)
    assert (found == both).mean() > 0.8


def test_a_column_that_knows_y_is_kept_and_said():
    with pytest.warns(UserWarning, match="column 'answer' of X knows y"):
        model = TransferClassifier().fit(X.assign(answer=Y), Y)
    assert model.score(X.assign(answer=Y), Y) == 1.0


def test_what_cannot_be_fitted_is_said():
    with pytest.raises(ValueError, match="MultiOutputRegressor"):
        TransferRegressor().fit(X, np.stack([VALUES, VALUES], axis=1))
    with pytest.raises(DataError, match=r"no column to learn from: 'a' \(one value\)"):
        TransferClassifier().fit(pd.DataFrame({"a": ["x"] * 10, "b": [None] * 10}), Y[:10])
    with pytest.raises(OptionError, match="Did you mean 'fast'"):
        TransferClassifier(preset="fats").fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TransferClassifier().fit(X, Y[:5])


def test_features_are_of_one_column_of_texts():
    with pytest.raises(ValueError, match="ColumnTransformer; a whole table is for TransferClassifier"):
        TransferFeatures().fit(X)
    with pytest.raises(ValueError, match="X holds numbers"):
        TransferFeatures().fit(X[["tenure"]])


def test_cross_validation_by_groups():
    scores = cross_val_score(TransferClassifier(), pl.from_pandas(X), Y, cv=GroupKFold(2), groups=np.arange(N) // 3)
    assert scores.mean() > 0.65
