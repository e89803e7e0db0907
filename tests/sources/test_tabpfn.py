"""TabPFN: the same as torch's layers and as the published code, and what holds of every context."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_tabpfn
from headstart.core.errors import OptionError
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.sources import find, make_ready, open_in_context, open_source, verify
from headstart.sources.networks.numpy.tabpfn import TabPFN, gelu
from headstart.sources.networks.onnx.tabpfn import extend
from headstart.sources.opening import open_sources
from headstart.sources.weights import from_torch

STATE = tiny_tabpfn.state()
NETWORK = TabPFN(STATE, n_heads=2)


def drawn(n: int, m: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n + m, tiny_tabpfn.COLUMNS)).astype(np.float32)
    return rows[:n], rng.integers(0, tiny_tabpfn.CLASSES, n), rows[n:]


def test_gelu_is_the_exact_one():
    x = np.linspace(-9, 9, 4001, dtype=np.float32)
    exact = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()]
    np.testing.assert_allclose(gelu(x), exact, atol=2e-6)


def test_equals_torchs_own_layers():
    torch = pytest.importorskip("torch")
    context, labels, asked = drawn(9, 4)
    n = len(context)
    tensors = {name.removeprefix("module."): torch.tensor(array) for name, array in STATE.items()}
    dense = torch.nn.functional.linear
    x = dense(torch.tensor(np.concatenate([context, asked])), tensors["encoder.weight"], tensors["encoder.bias"])
    x[:n] += dense(torch.tensor(labels[:, None]).float(), tensors["y_encoder.weight"], tensors["y_encoder.bias"])
    hidden = torch.zeros(len(x), len(x), dtype=torch.bool)
    hidden[:, n:] = True  # nobody attends to asked rows, not even they themselves
    for i in range(2):
        layer = torch.nn.TransformerEncoderLayer(
            tiny_tabpfn.WIDTH, 2, tiny_tabpfn.HIDDEN, dropout=0.0, activation="gelu", batch_first=True
        )
        prefix = f"transformer_encoder.layers.{i}."
        layer.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        x = layer.train(mode=True)(x[None], src_mask=hidden)[0]
    x = torch.nn.functional.gelu(dense(x, tensors["decoder.0.weight"], tensors["decoder.0.bias"]))
    expected = dense(x, tensors["decoder.2.weight"], tensors["decoder.2.bias"])[n:].detach().numpy()
    np.testing.assert_allclose(NETWORK.scores(NETWORK.remember(context, labels), asked), expected, atol=1e-5)


@given(n=st.integers(1, 30), m=st.integers(0, 5), seed=st.integers(0, 2**16))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_context_does_not_matter_and_asked_rows_stand_alone(n, m, seed):
    context, labels, asked = drawn(n, m, seed)
    scores = NETWORK.scores(NETWORK.remember(context, labels), asked)
    order = np.random.default_rng(seed).permutation(n)
    np.testing.assert_allclose(
        NETWORK.scores(NETWORK.remember(context[order], labels[order]), asked), scores, atol=1e-4
    )
    alone = [NETWORK.scores(NETWORK.remember(context, labels), asked[i : i + 1]) for i in range(m)]
    np.testing.assert_allclose(np.concatenate([*alone, np.empty((0, 4))]), scores, atol=1e-4)


def test_labels_and_more_than_a_chunk_of_rows_are_read():
    context, labels, asked = drawn(1100, 600)
    memory = NETWORK.remember(context, labels)
    assert (
        np.abs(NETWORK.scores(memory, asked) - NETWORK.scores(NETWORK.remember(context, labels[::-1]), asked)).max()
        > 1e-3
    )
    np.testing.assert_allclose(NETWORK.scores(memory, asked)[550:], NETWORK.scores(memory, asked[550:]), atol=1e-4)


@pytest.mark.parametrize("n_members", [1, 3])
def test_the_graph_equals_the_network(n_members):
    contexts = [drawn(7, 5, seed) for seed in range(n_members)]
    memories = [NETWORK.remember(context, labels) for context, labels, _ in contexts]
    asked = np.stack([rows for _, _, rows in contexts])
    graph = GraphBuilder()
    x = graph.input("x", "float32", [n_members, "batch", tiny_tabpfn.WIDTH])
    hidden = extend(graph, NETWORK, memories, x)
    graph.output(hidden, "hidden", "float32", [n_members, "batch", tiny_tabpfn.HIDDEN])
    weight, bias = NETWORK.encoder
    (found,) = open_session(graph.model().SerializeToString()).run(None, {"x": asked @ weight + bias})
    weight, bias = NETWORK.decoder[1]
    expected = [NETWORK.scores(memory, rows) for memory, rows in zip(memories, asked, strict=True)]
    np.testing.assert_allclose(found @ weight + bias, expected, atol=1e-4)


def test_a_checkpoint_of_a_training_gives_its_weights():
    torch = pytest.importorskip("torch")
    import io

    buffer = io.BytesIO()
    torch.save(({"w": torch.ones(2, 3)}, None, {"lr": 0.1}), buffer)
    assert list(from_torch(buffer.getvalue())) == ["w"]


def test_it_is_refused_where_features_are_wanted():
    with pytest.raises(OptionError, match="gives no features.*--source tabpfn-v1"):
        open_source("tabpfn-v1")
    with pytest.raises(OptionError, match="'tabpfn-v1' reads tables and 'efficientnet-lite0' images"):
        open_sources("tabpfn-v1, efficientnet-lite0")
    with pytest.raises(OptionError, match="Use `open_source`"):
        open_in_context("wordllama-256")


@pytest.mark.downloads
class TestTheRealNetwork:
    def test_is_the_one_of_the_card(self):
        assert make_ready("tabpfn-v1") == "tabpfn-v1"
        assert verify("tabpfn-v1").state == "sound"
        card, source = find("tabpfn-v1"), open_in_context("tabpfn-v1")
        np.testing.assert_allclose(source.answer_to_fixed_context()[:8], card.fingerprint, atol=1e-3)
        assert sum(a.size for name, a in source.state().items() if "criterion" not in name) == card.parameters

    def test_a_changed_network_is_noticed(self):
        source = open_in_context("tabpfn-v1")
        state = {name: array * np.float32(1.01) for name, array in source.state().items()}
        source.state = lambda: state
        assert np.abs(source.answer_to_fixed_context()[:8] - source.card.fingerprint).max() > 1e-3

    def test_gives_the_scores_of_the_published_code(self):
        """Iris, 60 rows of context, without rotations and power transform, by tabpfn 0.1.11 with this checkpoint."""
        from sklearn.datasets import load_iris

        from headstart.evaluation.context_columns import fit_columns

        rows, codes = load_iris(return_X_y=True)
        order = np.arange(150).reshape(3, 50).T.ravel()
        rows, codes = rows[order].astype(np.float32), codes[order]
        rows[4, 1] = rows[61, 2] = np.nan
        rows[7, 0] = 70
        source = open_in_context("tabpfn-v1")
        network = TabPFN(source.state(), n_heads=4)
        seen = fit_columns(rows[:60], codes[:60], max_columns=100).apply(rows[:66])[0] * np.float32(25)
        found = network.scores(network.remember(seen[:60], codes[:60]), seen[60:])[:, :3] / 0.8
        published = [
            [11.6269, 2.8562, -0.0615],
            [-0.4020, 8.5603, 4.3572],
            [-1.4080, 3.2504, 13.0609],
            [11.1268, 3.4178, 0.0994],
            [-0.0351, 11.3647, 0.9307],
            [-1.5129, 4.6933, 12.0507],
        ]
        np.testing.assert_allclose(found, published, atol=1e-3)
