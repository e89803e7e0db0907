"""The scikit-learn estimators: scikit-learn's own checks, then its tools on arrays, real texts and photos."""

import io
import subprocess
import sys
from contextlib import suppress
from unittest import SkipTest

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from headstart.core.errors import DataError, OptionError, SourceError
from headstart.data import demo
from headstart.sklearn import TransferClassifier, TransferRegressor

SOURCE = "wordllama-256"
EXPECTED_FAILED_CHECKS = {}  # name of a check: why it cannot apply. None: tables of numbers are taken as they are


@parametrize_with_checks(
    [TransferClassifier(), TransferClassifier(head="ridge"), TransferRegressor()],
    expected_failed_checks=lambda _estimator: EXPECTED_FAILED_CHECKS,
)
def test_passes_scikit_learns_own_checks(estimator, check):
    with suppress(SkipTest):  # how scikit-learn's own checks say that they do not apply
        check(estimator)


class TestArrays:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]

    def test_cross_val_score(self):
        assert cross_val_score(TransferClassifier(), self.X, self.y, cv=3).min() > 0.9
        diabetes = load_diabetes(return_X_y=True)
        assert cross_val_score(TransferRegressor(), *diabetes, cv=3).mean() > 0.4

    def test_pipeline(self):
        model = make_pipeline(StandardScaler(), TransferClassifier()).fit(self.X, self.names)
        assert model.classes_.tolist() == sorted(set(self.names))
        assert model.score(self.X, self.names) > 0.9
        np.testing.assert_allclose(model.predict_proba(self.X).sum(axis=1), 1.0)

    def test_grid_search(self):
        grid = {"head": ["ridge", "lda"]}
        search = GridSearchCV(TransferClassifier(), grid, cv=3, scoring="neg_log_loss", error_score="raise")
        assert search.fit(self.X, self.y).score(self.X, self.y) > -0.3
        assert search.best_params_["head"] in grid["head"]

    def test_clone(self):
        model = TransferClassifier(head="logistic", random_state=3)
        first, second = clone(model).fit(self.X, self.y), clone(model).fit(self.X, self.y)
        assert second.get_params() == {"source": "auto", "head": "logistic", "preset": "fast", "random_state": 3}
        np.testing.assert_array_equal(first.predict_proba(self.X), second.predict_proba(self.X))

    def test_frame(self):
        model = TransferClassifier().fit(pd.DataFrame(self.X, columns=list("abcd")), self.y)
        assert model.feature_names_in_.tolist() == list("abcd")
        assert model.n_features_in_ == 4
        assert model.source_ is None

    def test_several_labels_an_item(self):
        y = np.column_stack([self.y == 0, self.y > 0, self.X[:, 2] > 5]).astype(int)
        model = TransferClassifier().fit(self.X, y)
        assert model.classes_.tolist() == [0, 1, 2]
        assert (model.predict(self.X) == y).mean() > 0.9
        assert model.predict_proba(self.X).shape == y.shape

    def test_several_values_an_item(self):
        model = TransferRegressor().fit(self.X[:, :2], self.X[:, 2:])
        assert model.predict(self.X[:, :2]).shape == (150, 2)
        assert model.score(self.X[:, :2], self.X[:, 2:]) > 0.7

    def test_constant_target(self):
        np.testing.assert_allclose(TransferRegressor().fit(self.X, np.full(150, 3.0)).predict(self.X), 3.0)

    @pytest.mark.parametrize("d", [3, 20])
    def test_rows_that_are_all_alike(self, d):
        model = TransferClassifier().fit(np.full((10, d), 0.1), np.arange(10) % 2)
        np.testing.assert_allclose(model.predict_proba(np.ones((1, d))), 0.5, atol=1e-6)

    def test_random_state_may_be_a_generator_or_none(self):
        for random_state in (None, np.random.RandomState(0)):
            assert TransferClassifier(random_state=random_state).fit(self.X, self.y).score(self.X, self.y) > 0.9


def sureness(model, x):
    return model.predict_proba(x).max(axis=1).mean()


class TestGroups:
    """Ten copies of each of 20 rows, with labels by chance: only who knows the groups sees that nothing can be learned."""

    groups = np.repeat(np.arange(20), 10)
    y = np.random.default_rng(0).permutation(np.arange(20) % 2)[groups]

    def rows(self, d, noise):
        rng = np.random.default_rng(1)
        return rng.normal(size=(20, d))[self.groups] + noise * rng.normal(size=(200, d))

    def test_are_held_out_together(self):
        x = self.rows(8, noise=0.1)
        assert sureness(TransferClassifier().fit(x, self.y), x) > 0.7
        assert sureness(TransferClassifier().fit(x, self.y, groups=self.groups.astype(str)), x) < 0.65

    @pytest.mark.parametrize("d", [8, 64])
    def test_copies_are_found(self, d):
        x = self.rows(d, noise=0.0)
        found, describe_plan = (
            TransferClassifier().fit(x, self.y),
            TransferClassifier().fit(x, self.y, groups=self.groups),
        )
        np.testing.assert_allclose(found.predict_proba(x), describe_plan.predict_proba(x), atol=1e-6)

    def test_are_routed_by_scikit_learn(self):
        x = self.rows(8, noise=0.1)
        with sklearn.config_context(enable_metadata_routing=True):
            model = TransferClassifier(head="ridge").set_fit_request(groups=True)
            grouped = cross_val_score(model, x, self.y, cv=GroupKFold(4), params={"groups": self.groups})
        assert grouped.mean() < 0.7


class TestErrors:
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]

    def test_one_class(self):
        with pytest.raises(ValueError, match="y has one class, 'a'; at least 2 are needed"):
            TransferClassifier().fit(self.X, ["a"] * 4)

    def test_one_group(self):
        with pytest.raises(ValueError, match="groups holds one group; at least 2 are needed"):
            TransferClassifier().fit(self.X, self.y, groups=["g"] * 4)

    @pytest.mark.parametrize("X", [X, ["a", "b", "c", "d"]])
    def test_lengths_that_differ(self, X):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            TransferClassifier().fit(X, self.y, groups=[1, 2, 3])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            TransferClassifier().fit(X, self.y[:3])

    @pytest.mark.parametrize("X", [X, ["a", "b", "c", "d"]])
    def test_missing_targets(self, X):
        with pytest.raises(ValueError, match="requires y to be passed"):
            TransferClassifier().fit(X, None)
        with pytest.raises(ValueError, match="contains NaN"):
            TransferRegressor().fit(X, [0.0, np.nan, 1.0, 2.0])

    def test_sparse_features(self):
        with pytest.raises(TypeError, match="dense data is required"):
            TransferClassifier().fit(csr_array(np.eye(4)), self.y)

    def test_unknown_names(self):
        with pytest.raises(OptionError, match="Did you mean 'ridge'"):
            TransferClassifier(head="rigde").fit(self.X, self.y)
        with pytest.raises(OptionError, match="Did you mean 'wordllama-256'"):
            TransferClassifier(source="wordllama").fit(["a", "b", "c", "d"], self.y)

    def test_strategy_that_does_not_suit(self):
        with pytest.raises(OptionError, match="'logistic' does not support regression tasks"):
            TransferRegressor(head="logistic").fit(self.X, self.y)

    def test_texts_for_a_model_of_features(self):
        model = TransferClassifier().fit(self.X, self.y)
        with pytest.raises(DataError, match="was fitted on features, but X holds texts or images"):
            model.predict(["a text"])


@pytest.fixture(scope="module")
def tweets(tmp_path_factory):
    """Real sentences, whence they are, how people rated them, and the document of each."""
    table = pd.read_csv(demo("vader", tmp_path_factory.mktemp("data") / "vader") / "vader.csv")
    return table[table.domain.isin(["tweets", "movies"])].sample(240, random_state=0)


@pytest.mark.downloads
class TestTexts:
    model = TransferClassifier(source=SOURCE)

    def test_cross_val_score(self, tweets):
        assert cross_val_score(self.model, tweets.text, tweets.domain, cv=3).mean() > 0.85
        assert (
            cross_val_score(TransferRegressor(source=SOURCE), tweets.text, tweets.domain == "movies", cv=3).mean() > 0.3
        )

    def test_pipeline(self, tweets):
        lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
        pipeline = make_pipeline(lower, self.model).fit(
            tweets.text[:160], tweets.domain[:160], transferclassifier__groups=tweets.document[:160]
        )
        assert pipeline.score(tweets.text[160:], tweets.domain[160:]) > 0.85

    def test_grid_search_in_processes(self, tweets):
        grid = {"head": ["ridge", "prototypes"]}
        search = GridSearchCV(self.model, grid, cv=2, n_jobs=2, error_score="raise").fit(
            tweets.text.tolist(), tweets.domain
        )
        assert search.best_score_ > 0.8
        assert search.best_estimator_.source_ == SOURCE

    def test_clone_and_kinds_of_sequences(self, tweets):
        texts = tweets.text.tolist()
        fitted = [clone(self.model).fit(X, tweets.domain) for X in (texts, tuple(texts), np.array(texts), tweets.text)]
        probabilities = [model.predict_proba(texts[:20]) for model in fitted]
        for other in probabilities[1:]:
            np.testing.assert_array_equal(other, probabilities[0])

    def test_saved_model_opens_its_source_again(self, tweets):
        model = clone(self.model).fit(tweets.text, tweets.domain)
        file = io.BytesIO()
        joblib.dump(model, file)
        assert file.tell() < 100_000  # the head alone, not the network
        file.seek(0)
        loaded = joblib.load(file)
        np.testing.assert_array_equal(loaded.predict_proba(tweets.text), model.predict_proba(tweets.text))

    def test_a_source_that_has_changed_is_refused(self, tweets):
        model = clone(self.model).fit(tweets.text, tweets.domain)
        model.digest_ = "of another revision"
        with pytest.raises(SourceError, match="is another than this TransferClassifier was fitted with"):
            model.predict(tweets.text)

    def test_what_is_no_text(self, tweets):
        with pytest.raises(DataError, match=r"X\[1\]: a text was expected, but there is none \(None\)"):
            clone(self.model).fit(["a", None], [0, 1])
        model = clone(self.model).fit(tweets.text, tweets.domain)
        for wrong in ([[1.0, 2.0]], []):
            with pytest.raises(DataError, match="was fitted on texts or images, but X holds none"):
                model.predict(wrong)
        with pytest.raises(DataError, match=r"not one str. Write \[item\]"):
            model.predict("a lone text")

    def test_columns_of_frames_and_arrays(self, tweets):
        texts = tweets[["text"]]
        expected = clone(self.model).fit(tweets.text, tweets.domain).predict(tweets.text)
        for X in (texts, texts.to_numpy(), texts.to_numpy(dtype=str)):
            model = clone(self.model).fit(X, tweets.domain)
            np.testing.assert_array_equal(model.predict(X), expected)
            np.testing.assert_array_equal(model.predict(tweets.text), expected)
        two = tweets[["text"]].assign(more="a word")
        two.iloc[4] = [None, " "]
        with pytest.raises(DataError, match="X, row 4 is blank in every column"):
            clone(self.model).fit(two, tweets.domain)
        passed_on = make_pipeline(ColumnTransformer([("text", "passthrough", ["text"])]), clone(self.model))
        np.testing.assert_array_equal(passed_on.fit(tweets, tweets.domain).predict(tweets), expected)

    @pytest.mark.parametrize("blank", [None, float("nan"), pd.NA, "", " \u200b"])
    def test_missing_and_blank_texts_are_named(self, tweets, blank):
        model = clone(self.model).fit(tweets.text, tweets.domain)
        texts = [*tweets.text[:3], blank]
        for X in (texts, pd.Series(texts, dtype=object), pd.DataFrame({"text": texts})):
            with pytest.raises(DataError, match=r"X\[3\]: (a text was expected|the text is blank)"):
                model.predict(X)
            with pytest.raises(DataError, match=r"X\[3\]"):
                clone(self.model).fit(X, ["a", "b", "a", "b"])


def test_labels_that_are_one_elsewhere_are_warned_of():
    X, y = np.eye(6), np.array(["kiwi", "Kiwi ", "plum"] * 2)
    with pytest.warns(
        UserWarning, match="y holds 'Kiwi ', 'kiwi': one label to headstart.fit, but as many classes here"
    ):
        assert len(TransferClassifier(head="ridge").fit(X, y).classes_) == 3


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["a", None, "b", "a"], r"y\[1\] is None: no label"),
        (["a", float("nan"), "b", "a"], r"y\[1\] is nan: no label"),
        (pd.Series(["a", "b", pd.NA, "a"], dtype="string"), r"y\[2\] is <NA>: no label"),
        (["a", "b", " ", "a"], r"y\[2\] is ' ': no label"),
        ([["a", "b"], ["a"], ["b"], []], "y holds lists of labels.*MultiLabelBinarizer"),
        ([("a", "b"), ("a", "c")] * 2, "MultiLabelBinarizer"),
    ],
)
def test_what_is_no_label_is_named(y, words):
    with pytest.raises(ValueError, match=words):
        TransferClassifier().fit(np.eye(4), y)


@pytest.mark.downloads
def test_photos_as_array_and_as_files(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    colours = np.array([[220, 30, 30], [30, 60, 220]])[np.arange(12) % 2]
    photos = np.clip(colours[:, None, None] + rng.normal(0, 20, (12, 48, 40, 3)), 0, 255).astype(np.uint8)
    y = np.array(["red", "blue"])[np.arange(12) % 2]
    paths = [str(tmp_path / f"{i}.png") for i in range(12)]
    for path, photo in zip(paths, photos, strict=True):
        Image.fromarray(photo).save(path)
    model = TransferClassifier(head="ridge")
    assert cross_val_score(model, photos, y, cv=3).mean() == 1.0
    model.fit(paths, y)
    assert model.source_ == "efficientnet-lite0"
    np.testing.assert_allclose(model.predict_proba(paths), model.predict_proba(list(photos)), atol=1e-5)
    held = [Image.fromarray(photo) for photo in photos]
    np.testing.assert_allclose(model.predict_proba(held), model.predict_proba(list(photos)), atol=1e-5)
    cropped = [image.crop((0, 0, 40 - i % 4, 48)) for i, image in enumerate(held)]
    assert model.fit(cropped, y).score(cropped, y) == 1.0
    with pytest.raises(DataError, match=r"none\.png' cannot be read"):
        model.predict([paths[0], "none.png"])


def test_importing_loads_no_torch_and_says_what_is_missing():
    code = "import sys, headstart.sklearn; print({'torch', 'onnxruntime'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
    code = "import sys; sys.modules['sklearn'] = None; import headstart.sklearn"
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr
    assert "MissingExtraError" in found
    assert 'pip install "headstart[train]"' in found


class TestFramesWithOtherColumns:
    """The column that the estimator was fitted on, or the only one; of several none is taken for its looks."""

    X = pd.DataFrame({"text": ["late parcel", "parcel lost", "refund me", "my money back"] * 3})
    y = np.array(["post", "post", "pay", "pay"] * 3)

    @pytest.fixture
    def fitted(self):
        return TransferClassifier(source=SOURCE, head="ridge").fit(self.X, self.y)

    def test_the_column_of_the_fit_among_others(self, fitted):
        wider = self.X.assign(note=["parcel"] * 12, n=range(12))[["note", "n", "text"]]
        np.testing.assert_array_equal(fitted.predict_proba(wider), fitted.predict_proba(self.X))

    def test_one_column_of_another_name(self, fitted):
        for other in (self.X.rename(columns={"text": "note"}), self.X.rename(columns={"text": "note"}).assign(id=1)):
            np.testing.assert_array_equal(fitted.predict(other), fitted.predict(self.X))

    def test_several_without_it(self, fitted):
        with pytest.raises(DataError, match="X has no 'text', which the model learnt from .it has 'note', 'topic'"):
            fitted.predict(self.X.rename(columns={"text": "note"}).assign(topic="pay"))

    def test_rows_beside_other_columns(self):
        X = self.X.assign(subject=["a parcel", "a letter"] * 6)
        fitted = TransferClassifier(source=SOURCE, head="ridge").fit(X, self.y)
        wider = X.assign(n=range(12))[["n", "subject", "text"]]
        np.testing.assert_array_equal(fitted.predict(wider), fitted.predict(X))
