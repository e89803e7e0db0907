"""The promises of every baseline, a plugin's too: no leaks, valid outputs, and an equal graph."""

import copy

import numpy as np
import onnxruntime
import pytest
from scipy.special import expit, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import tiny
from headstart.core.dataset import Dataset
from headstart.core.errors import OptionError
from headstart.core.registry import get, names
from headstart.evaluation import small_cnn
from headstart.evaluation.baseline import baselines_for, reads
from headstart.evaluation.baselines.convolutional import Convolutional
from headstart.evaluation.baselines.tfidf import Tfidf
from headstart.onnx_graph.builder import GraphBuilder
from headstart.sources.preprocessors import build
from headstart.sources.preprocessors.ngrams import terms
from headstart.storage.result_cache import ResultCache

PAIRS = [
    (name, modality)
    for name in names("baselines")
    for modality in ("image", "text")
    if reads(get("baselines", name), modality)
]
TASKS = ("binary", "multiclass", "multilabel", "regression")
WORDS = ("kiwi", "apple", "shelf", "bad", "good")


@pytest.fixture(autouse=True)
def _quick(monkeypatch, cache):
    monkeypatch.setattr(small_cnn, "n_epochs", lambda n: 12)


def made(name, modality, folder):
    kind = get("baselines", name)
    if "source" not in kind.__dataclass_fields__:
        return kind()
    return kind(source=tiny.source("efficientnet-lite" if modality == "image" else "static-embeddings", folder / "w"))


def photo(rng, level):
    """Noise whose colour tells the class."""
    base = np.array([[230, 40, 40], [40, 230, 40], [40, 40, 230]])[level]
    return np.clip(base + rng.normal(0, 40, (40, 40, 3)), 0, 255).astype(np.uint8)


def text(rng, level):
    chosen = [WORDS[level]] * 2 + list(rng.choice(["a", "is", "the", "race", "start"], rng.integers(1, 6)))
    return " ".join(rng.permutation(chosen))


def separable(modality, task, n=90, k=3):
    rng = np.random.default_rng(0)
    k = 2 if task == "binary" else k
    codes = np.arange(n) % k
    targets = np.eye(k)[codes]
    if task == "multilabel":
        targets = np.stack([codes == 0, codes != 1], axis=1).astype(float)
    if task == "regression":
        targets = 100 + 10.0 * codes[:, None] + rng.normal(size=(n, 1))
    draw = photo if modality == "image" else text
    return Dataset(
        name="separable", modality=modality, task=task, items=[draw(rng, code) for code in codes],
        ids=[str(i) for i in range(n)], targets=targets, labels=tuple(f"label {j}" for j in range(targets.shape[1])),
    )  # fmt: skip


def fitted(name, modality, task, folder, seed=0):
    dataset = separable(modality, task)
    train = np.arange(60)
    return made(name, modality, folder).fit(dataset, train, seed=seed, result_cache=ResultCache(None)), dataset


def run_graph(predictor, items):
    graph = GraphBuilder()
    outputs = predictor.head.extend(graph, predictor.network.encode(graph))
    graph.output(outputs, "outputs", "float32", ["batch", "k"])
    session = onnxruntime.InferenceSession(graph.model().SerializeToString(), providers=["CPUExecutionProvider"])
    given = predictor.network.input
    travelled = build(given.kind, given.settings(), dict(given.files()))
    return session.run(["outputs"], travelled.transform(items))[0]


@pytest.mark.parametrize(("name", "modality"), PAIRS)
class TestEveryBaseline:
    @pytest.mark.parametrize("task", TASKS)
    def test_outputs_are_sound(self, name, modality, task, tmp_path):
        predictor, dataset = fitted(name, modality, task, tmp_path)
        outputs = predictor.predict(dataset.items)
        assert outputs.shape == dataset.targets.shape
        assert np.isfinite(outputs).all()
        if task != "regression":
            assert ((outputs >= 0) & (outputs <= 1)).all()
        if dataset.task_spec.is_single_label:
            np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)

    @pytest.mark.parametrize("task", TASKS)
    def test_packed_graph_predicts_the_same(self, name, modality, task, tmp_path):
        predictor, dataset = fitted(name, modality, task, tmp_path)
        items = dataset.items[55:70]
        expected = predictor.predict(items)
        scale = 100 if task == "regression" else 1
        np.testing.assert_allclose(run_graph(predictor, items) / scale, expected / scale, atol=1e-4)
        np.testing.assert_allclose(run_graph(predictor, items[:1]) / scale, expected[:1] / scale, atol=1e-4)

    def test_learns_what_can_be_separated(self, name, modality, tmp_path):
        predictor, dataset = fitted(name, modality, "multiclass", tmp_path)
        right = predictor.predict(dataset.items[60:]).argmax(axis=1) == dataset.codes[60:]
        assert right.mean() > {"constant": 0.3, "random-weights": 0.6}.get(name, 0.9)

    def test_learns_from_the_index_alone(self, name, modality, tmp_path):
        dataset = separable(modality, "multiclass")
        baseline = made(name, modality, tmp_path)
        before = copy.deepcopy((list(dataset.items), dataset.targets))
        whole = baseline.fit(dataset, np.arange(60), seed=0, result_cache=ResultCache(None)).predict(dataset.items)
        part = baseline.fit(dataset.take(np.arange(60)), np.arange(60), seed=0, result_cache=ResultCache(None))
        np.testing.assert_array_equal(whole, part.predict(dataset.items))
        np.testing.assert_array_equal(dataset.targets, before[1])
        for one, other in zip(dataset.items, before[0], strict=True):
            np.testing.assert_array_equal(one, other)

    def test_is_the_same_again_and_through_the_result_cache(self, name, modality, tmp_path):
        dataset = separable(modality, "binary")
        baseline, result_cache = made(name, modality, tmp_path), ResultCache(tmp_path / "results")
        runs = [
            baseline.fit(dataset, np.arange(50), seed=3, result_cache=one).predict(dataset.items)
            for one in (ResultCache(None), result_cache, result_cache)
        ]
        np.testing.assert_array_equal(runs[0], runs[1])
        np.testing.assert_array_equal(runs[0], runs[2])

    def test_copes_with_a_class_that_no_item_shows(self, name, modality, tmp_path):
        dataset = separable(modality, "multiclass")
        index = np.flatnonzero(dataset.codes != 1)
        outputs = (
            made(name, modality, tmp_path)
            .fit(dataset, index, seed=0, result_cache=ResultCache(None))
            .predict(dataset.items)
        )
        assert np.isfinite(outputs).all()
        assert (outputs.argmax(axis=1) != 1).mean() > 0.9

    def test_predicts_no_items(self, name, modality, tmp_path):
        predictor, _ = fitted(name, modality, "multiclass", tmp_path)
        if name != "random-weights":
            assert predictor.predict([]).shape == (0, 3)


def test_baselines_are_chosen_by_modality_and_cost(tmp_path):
    source = tiny.source("static-embeddings", tmp_path)
    assert [baseline.name for baseline in baselines_for("text", source)] == ["constant", "tfidf", "random-weights"]
    assert [baseline.name for baseline in baselines_for("text", source, "simple")] == ["constant", "tfidf"]
    assert [baseline.name for baseline in baselines_for("image", None)] == ["constant", "convolutional"]
    assert baselines_for("image", source, "none") == ()
    with pytest.raises(OptionError, match="Did you mean 'simple'"):
        baselines_for("text", source, "simpel")


class TestTfidf:
    def test_features_and_fit_are_those_of_scikit_learn(self):
        """The packed pipeline is TfidfVectorizer and a converged LogisticRegression."""
        dataset = separable("text", "multiclass", n=150)
        predictor = Tfidf().fit(dataset, np.arange(150), seed=0, result_cache=ResultCache(None))
        vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
        rows = vectorizer.fit_transform(dataset.items)
        assert tuple(vectorizer.get_feature_names_out()) == predictor.network.input.vocabulary
        expected = softmax(rows @ predictor.network.coef + predictor.head.intercept, axis=1)
        np.testing.assert_allclose(predictor.predict(dataset.items), expected, atol=1e-5)
        penalty = float(predictor.note.split("C = ")[1].split(",")[0])
        reference = LogisticRegression(C=penalty, max_iter=2000, tol=1e-8).fit(rows, dataset.codes)
        np.testing.assert_allclose(predictor.predict(dataset.items), reference.predict_proba(rows), atol=5e-3)

    def test_labels_are_learned_one_by_one(self):
        dataset = separable("text", "multilabel")
        predictor = Tfidf().fit(dataset, np.arange(90), seed=0, result_cache=ResultCache(None))
        scores = predictor.network.scores(dataset.items) + predictor.head.intercept
        np.testing.assert_allclose(predictor.predict(dataset.items), expit(scores), atol=1e-6)

    @pytest.mark.parametrize("items", [["", " ", ""] * 10, ["\ud800 x", "y\n\nz", "kiwi"] * 10])
    def test_odd_texts(self, items):
        dataset = Dataset(
            name="odd", modality="text", task="multiclass", items=items, ids=[str(i) for i in range(30)],
            targets=np.eye(3)[np.arange(30) % 3], labels=("a", "b", "c"),
        )  # fmt: skip
        predictor = Tfidf().fit(dataset, np.arange(30), seed=0, result_cache=ResultCache(None))
        np.testing.assert_allclose(run_graph(predictor, items[:5]), predictor.predict(items[:5]), atol=1e-5)

    def test_vocabulary_is_capped(self):
        dataset = separable("text", "binary")
        predictor = Tfidf(max_terms=7).fit(dataset, np.arange(90), seed=0, result_cache=ResultCache(None))
        assert len(predictor.network.input.vocabulary) == 7


class TestConvolutional:
    def test_samples_when_there_are_too_many(self):
        dataset = separable("image", "binary")
        predictor = Convolutional(max_items=40).fit(dataset, np.arange(90), seed=0, result_cache=ResultCache(None))
        assert predictor.note.endswith("sampled from 90")

    def test_other_seed_gives_other_weights(self):
        dataset = separable("image", "binary")
        one, other = (
            Convolutional().fit(dataset, np.arange(40), seed=s, result_cache=ResultCache(None)) for s in (0, 1)
        )
        assert (one.predict(dataset.items) != other.predict(dataset.items)).any()

    def test_leaves_torch_as_it_was(self):
        import torch

        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
        dataset = separable("image", "binary")
        Convolutional().fit(dataset, np.arange(40), seed=0, result_cache=ResultCache(None))
        assert before == (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())
        torch.testing.assert_close(torch.rand(3), expected)

    def test_bundled_size_is_small(self):
        dataset = separable("image", "binary")
        state = Convolutional().fit(dataset, np.arange(40), seed=0, result_cache=ResultCache(None)).network.state
        assert 150_000 < sum(array.size for array in state.values()) < 500_000
