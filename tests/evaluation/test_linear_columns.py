"""The linear baseline of tables: numbers, levels and words together, many rows, rare classes."""

import time

import numpy as np
import pytest

from headstart.core.dataset import Dataset, Field
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.engines.context import RunContext
from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.baselines.linear_columns import LinearColumns
from headstart.evaluation.rare_classes import sample_rare
from headstart.storage.result_cache import ResultCache
from headstart.testing.baselines import run_graph

FIELDS = (Field("age", "number"), Field("city", "category"), Field("note", "text"))
K = {"binary": 2, "multiclass": 3, "multilabel": 3, "regression": 1}


def table(n, task, fields=FIELDS, seed=0):
    rng = np.random.default_rng(seed)
    age, city, word = rng.normal(size=n), rng.integers(0, 5, n), rng.integers(0, 2, n)
    signal = age + (city % 2) + 2.0 * word - 1.5 + rng.normal(0, 0.2, n)
    age[::7] = np.nan
    if task == "regression":
        targets = 1e5 * signal[:, None]
    elif task == "multilabel":
        targets = np.stack([signal > 0, city == 2, word == 1], axis=1).astype(float)
    else:
        targets = np.eye(K[task])[np.digitize(signal, [0.0] if task == "binary" else [-1.0, 1.0])]
    columns = {
        "age": Numbers(age),
        "city": Categories.of([f"city {c}" for c in city]),
        "note": [f"the {'good' if w else 'bad'} one of {i}" for i, w in enumerate(word)],
    }
    return Dataset(
        name="d",
        modality="row",
        task=task,
        fields=fields,
        items=Rows({field.name: columns[field.name] for field in fields}),
        ids=[str(i) for i in range(n)],
        targets=targets,
        labels=tuple(f"l{i}" for i in range(targets.shape[1])),
    )


def fitted(data, index, **settings):
    return LinearColumns(**settings).fit(data, index, context=RunContext(seed=0, cache=ResultCache(None)))


@pytest.mark.parametrize("fields", [FIELDS, FIELDS[:2]], ids=["with texts", "without"])
@pytest.mark.parametrize("task", K)
def test_it_reads_numbers_levels_and_words_and_a_graph_agrees(task, fields):
    data = table(300, task, fields)
    model = fitted(data, np.arange(200))
    outputs = model.predict(data.items[200:])
    scale = max(1.0, float(np.abs(outputs).max()))
    np.testing.assert_allclose(run_graph(model, data.items[200:]) / scale, outputs / scale, atol=1e-4)
    losses = data.task_spec.losses(outputs, data.targets[200:])
    constant = np.broadcast_to(data.targets[:200].mean(axis=0), (100, K[task]))
    assert (
        losses.mean() < (0.7 if len(fields) == 3 else 0.95) * data.task_spec.losses(constant, data.targets[200:]).mean()
    )


def test_tables_have_both_baselines_and_texts_alone_neither():
    modalities = [field.modality for field in FIELDS]
    names = {baseline.name for baseline in baselines_for(modalities, None)}
    assert {"linear-columns", "boosted-trees", "tfidf"} <= names
    assert not {"linear-columns", "boosted-trees"} & {baseline.name for baseline in baselines_for("text", None)}


def rare(n):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 20))
    probability = 1 / (1 + np.exp(-(1.5 * x[:, 0] - 7.0)))  # about 0.2 %
    data = Dataset(
        name="d",
        modality="row",
        task="binary",
        fields=tuple(Field(f"x{i}", "number") for i in range(20)),
        items=Rows({f"x{i}": Numbers(x[:, i]) for i in range(20)}),
        ids=range(n),
        targets=np.eye(2)[(rng.random(n) < probability).astype(int)],
        labels=("no", "yes"),
    )
    return data, probability


def test_a_sample_keeps_rare_classes_whole():
    data, _ = rare(50_000)
    sample = sample_rare(data, np.arange(50_000), 5_000, 0)
    assert data.targets[sample.index, 1].sum() == data.targets[:, 1].sum()
    assert len(sample.index) == len(np.unique(sample.index)) == 5_000
    n_common = data.targets[:, 0].sum()
    np.testing.assert_allclose(np.exp(sample.log_shares), [(5_000 - data.targets[:, 1].sum()) / n_common, 1.0])


def test_probabilities_after_sampling_are_those_of_all_rows_and_many_rows_take_seconds():
    data, probability = rare(285_000)
    started = time.perf_counter()
    outputs = fitted(data, np.arange(200_000), max_items=10_000).predict(data.items[200_000:])[:, 1]
    assert time.perf_counter() - started < 60  # 3 s on an idle core
    expected = probability[200_000:]
    assert abs(outputs.mean() / expected.mean() - 1) < 0.25
    likeliest = np.argsort(outputs)[-2_000:]
    assert abs(outputs[likeliest].mean() / expected[likeliest].mean() - 1) < 0.3
