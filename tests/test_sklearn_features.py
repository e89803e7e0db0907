"""TransferFeatures: the checks of scikit-learn's that apply to texts and photos, then its tools."""

import io

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.utils import estimator_checks

import headstart
import tiny
from headstart.core.errors import DataError, OptionError, SourceError
from headstart.sklearn import TransferFeatures
from headstart.sklearn import features as features_module
from headstart.sources import built_in

TEXTS = ["a kiwi on the shelf", "the race", "good start", "bad apple", "given advantage", "kiwi apple"]
WORDS, PHOTOS, OTHER = "tiny-static-embeddings", "tiny-efficientnet-lite", "tiny-bert"
CHECKS = (  # scikit-learn runs only the first on what takes no tables of numbers; these need no data either
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_mixin_order",
)


@pytest.fixture(scope="module", autouse=True)
def tiny_sources(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        kinds = ("static-embeddings", "efficientnet-lite", "bert")
        known = built_in._known() | tiny.open_all(kinds, tmp_path_factory.mktemp("sources"), patch)
        patch.setattr(built_in, "_known", lambda: known)
        patch.setattr(features_module, "default_source", {"text": WORDS, "image": PHOTOS}.__getitem__)
        yield


@pytest.mark.parametrize("name", CHECKS)
def test_passes_scikit_learns_own_checks(name):
    getattr(estimator_checks, name)("TransferFeatures", TransferFeatures())


@pytest.mark.filterwarnings("ignore:Can't test estimator")  # says which checks it leaves out
def test_scikit_learn_finds_nothing_wrong():
    found = estimator_checks.check_estimator(TransferFeatures(), on_fail=None, on_skip=None)
    assert {check["status"] for check in found} == {"passed"}


class TestTexts:
    expected = property(lambda self: headstart.embed(TEXTS, WORDS))

    @pytest.mark.parametrize(
        "X",
        [
            TEXTS,
            tuple(TEXTS),
            np.array(TEXTS),
            np.array(TEXTS, dtype=object)[:, None],
            pd.Series(TEXTS, index=range(5, 11)),
            pd.Series(TEXTS, dtype="category"),
            pd.DataFrame({"text": TEXTS}),
        ],
    )
    def test_kinds_of_x(self, X):
        np.testing.assert_array_equal(TransferFeatures(source=WORDS).fit_transform(X), self.expected)

    def test_what_fitting_says(self):
        model = TransferFeatures().fit(TEXTS)
        assert (model.source_, model.n_features_out_) == ([WORDS], 8)
        assert model.get_feature_names_out().tolist() == [f"{WORDS}_{i}" for i in range(8)]
        with pytest.raises(NotFittedError):
            TransferFeatures().transform(TEXTS)
        with pytest.raises(NotFittedError):
            TransferFeatures().get_feature_names_out()

    @pytest.mark.parametrize("source", [f"{WORDS}, {OTHER}", [WORDS, OTHER]])
    def test_several_sources(self, source):
        model = TransferFeatures(source=source)
        assert model.fit_transform(TEXTS).shape == (6, 24)
        names = model.get_feature_names_out()
        assert (names[7], names[8]) == (f"{WORDS}_7", f"{OTHER}_0")
        assert clone(model).fit(TEXTS).source_ == [WORDS, OTHER]

    def test_set_output(self):
        X = pd.Series(TEXTS, index=list("abcdef"))
        frame = TransferFeatures(source=WORDS).set_output(transform="pandas").fit_transform(X)
        assert frame.index.tolist() == list("abcdef")
        assert frame.columns[0] == f"{WORDS}_0"
        np.testing.assert_array_equal(frame.to_numpy(), self.expected)

    def test_pipeline_grid_search_and_cross_validation(self):
        y = ["kiwi" in text for text in TEXTS * 5]
        pipeline = make_pipeline(TransferFeatures(source=WORDS), Normalizer(), LogisticRegression(C=1e4, max_iter=2000))
        assert cross_val_score(pipeline, TEXTS * 5, y, cv=3).min() > 0.9
        grid = {"transferfeatures__source": [WORDS, OTHER]}
        assert GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(TEXTS * 5, y).best_score_ > 0.9

    @pytest.mark.parametrize("columns", ["text", ["text"]])
    def test_column_transformer(self, columns):
        frame = pd.DataFrame({"text": TEXTS, "price": np.arange(6.0)})
        blocks = make_column_transformer((TransferFeatures(source=WORDS), columns), (StandardScaler(), ["price"]))
        found = blocks.fit_transform(frame)
        np.testing.assert_array_equal(found[:, :8].astype(np.float32), self.expected)
        assert blocks.get_feature_names_out()[[0, 8]].tolist() == [
            f"transferfeatures__{WORDS}_0",
            "standardscaler__price",
        ]

    def test_saved_and_loaded(self):
        model, file = TransferFeatures(source=WORDS).fit(TEXTS), io.BytesIO()
        joblib.dump(model, file)
        assert file.tell() < 2_000  # the name of the network, not the network
        file.seek(0)
        loaded = joblib.load(file)
        np.testing.assert_array_equal(loaded.transform(TEXTS), self.expected)
        loaded.digest_ = "of another revision"
        with pytest.raises(SourceError, match="is another than this TransferFeatures was fitted with"):
            loaded.transform(TEXTS)


def test_photos_as_files_arrays_and_pillow_images(tmp_path):
    photos = np.random.default_rng(0).integers(0, 256, (4, 12, 9, 3), dtype=np.uint8)
    paths = [str(tmp_path / f"{i}.png") for i in range(4)]
    for path, photo in zip(paths, photos, strict=True):
        Image.fromarray(photo).save(path)
    model = TransferFeatures().fit(paths)
    assert model.source_ == [PHOTOS]
    cells = np.empty(4, dtype=object)
    cells[:] = [Image.fromarray(photo) for photo in photos]
    for X in (photos, list(photos), cells, cells[:, None], pd.DataFrame({"photo": paths})):
        np.testing.assert_allclose(model.transform(X), model.transform(paths), atol=1e-5)
    two = ColumnTransformer([("front", TransferFeatures(), ["front"]), ("back", TransferFeatures(), ["back"])])
    assert two.fit_transform(pd.DataFrame({"front": paths, "back": paths[::-1]})).shape == (4, 48)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.eye(3), r"one column of them; it is of shape \(3, 3\)"),
        (pd.DataFrame({"a": TEXTS, "b": TEXTS}), "one column of them"),
        ("a lone text", "it is one str"),
        (np.arange(3.0), "X holds numbers; texts or images are needed"),
        (np.arange(3.0)[:, None], "X holds numbers"),
    ],
)
def test_what_x_may_not_be(X, message):
    with pytest.raises(ValueError, match=message):
        TransferFeatures(source=WORDS).fit(X)


def test_errors_name_what_is_wrong():
    with pytest.raises(OptionError, match="Did you mean 'tiny-bert'"):
        TransferFeatures(source="tiny-brt").fit(TEXTS)
    with pytest.raises(DataError, match="item 2 is a NoneType, but source 'tiny-static-embeddings' reads texts"):
        TransferFeatures(source=WORDS).fit(TEXTS).transform(["a", None])
