"""Weights and tokenizers in the formats of other programs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from headstart.core.errors import SourceError
from headstart.onnx_graph.builder import GraphBuilder
from headstart.sources.conversions import convert
from headstart.sources.gguf_file import tokenizer_from_gguf, weights_from_gguf
from headstart.sources.onnx_weights import weights_from_onnx
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.sources.weights import from_safetensors

gguf = pytest.importorskip("gguf")

TOKENS = ["<|endoftext|>", "1", "2", "a", "b", "Ġ", "ab", "Ġa"]
RNG = np.random.default_rng(0)


def gguf_file(tmp_path, arrays, *, architecture="llama", rule="smollm", tokens=TOKENS) -> bytes:
    path = tmp_path / "made.gguf"
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rule)
    writer.add_token_list(tokens)
    writer.add_token_types([3] + [1] * (len(tokens) - 1))
    writer.add_token_merges(["a b", "Ġ a"])
    for name, (array, kind) in arrays.items():
        writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def interleaved(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """The order of rows in which llama.cpp keeps queries and keys."""
    halves = weight.reshape(n_heads, 2, -1, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


class TestGguf:
    def test_weights_are_dequantised_and_named_as_in_transformers(self, tmp_path):
        query, key, table = (RNG.normal(size=(rows, 32)).astype(np.float32) for rows in (32, 16, 8))
        kinds = gguf.GGMLQuantizationType
        arrays = {
            "token_embd.weight": (table, kinds.Q8_0),
            "blk.0.attn_q.weight": (interleaved(query, 4), kinds.Q4_1),
            "blk.0.attn_k.weight": (interleaved(key, 2), kinds.Q4_1),
            "output_norm.weight": (np.ones(32, np.float32), kinds.F32),
        }
        state = weights_from_gguf(gguf_file(tmp_path, arrays))
        expected = {
            "embed_tokens.weight": (table, 0.02),
            "layers.0.self_attn.q_proj.weight": (query, 0.25),
            "layers.0.self_attn.k_proj.weight": (key, 0.25),
            "norm.weight": (1.0, 0.0),
        }
        assert state.keys() == expected.keys()
        for name, (array, tolerance) in expected.items():
            assert state[name].dtype == np.float16
            np.testing.assert_allclose(state[name], np.broadcast_to(array, state[name].shape), atol=tolerance)

    def test_tokenizer_reads_digits_one_by_one_and_applies_merges(self, tmp_path):
        tokenizer = tokenizer_from_gguf(gguf_file(tmp_path, {}))
        batch = TextTokenizer(tokenizer, max_tokens=9, special_tokens=False).transform(["ab 12 a<|endoftext|>"])
        assert [TOKENS[i] for i in batch["input_ids"][0]] == ["ab", "Ġ", "1", "2", "Ġa", "<|endoftext|>"]

    def test_one_file_gives_both(self, tmp_path):
        content = {"x.gguf": gguf_file(tmp_path, {"output_norm.weight": (np.ones(32, np.float32), 0)})}
        assert list(from_safetensors(convert("x.gguf", content))) == ["norm.weight"]
        assert json.loads(convert("x.gguf", content, name="tokenizer.json"))["model"]["type"] == "BPE"

    def test_another_network_is_refused(self, tmp_path):
        with pytest.raises(SourceError, match="architecture 'mamba' is not known; known: llama"):
            weights_from_gguf(gguf_file(tmp_path, {}, architecture="mamba"))

    def test_a_tensor_that_a_llama_does_not_have_is_refused(self, tmp_path):
        arrays = {"blk.0.attn_sinks.weight": (np.ones(32, np.float32), gguf.GGMLQuantizationType.F32)}
        with pytest.raises(SourceError, match=r"tensor 'blk\.0\.attn_sinks\.weight' is not known"):
            weights_from_gguf(gguf_file(tmp_path, arrays))

    def test_another_tokenizer_is_refused(self, tmp_path):
        with pytest.raises(SourceError, match="pre-tokenizer 'llama-bpe' is not known; known: smollm"):
            tokenizer_from_gguf(gguf_file(tmp_path, {}, rule="llama-bpe"))

    @pytest.mark.parametrize("read", [weights_from_gguf, tokenizer_from_gguf])
    @pytest.mark.parametrize("keep", [0, 3, 40, 200])
    def test_a_damaged_file_is_named(self, read, keep, tmp_path):
        content = gguf_file(tmp_path, {})[:keep]
        with pytest.raises(SourceError, match="GGUF file is damaged"):
            read(content)

    def test_a_length_beyond_the_end_of_the_file_is_not_believed(self, tmp_path):
        content = gguf_file(tmp_path, {})
        at = content.index(b"tokenizer.ggml.tokens") + len("tokenizer.ggml.tokens") + 8  # the kinds of field and entry
        huge = content[:at] + (2**40).to_bytes(8, "little") + content[at + 8 :]
        with pytest.raises(SourceError, match="GGUF file is damaged"):
            tokenizer_from_gguf(huge)


def exported(bias: str) -> tuple[bytes, np.ndarray]:
    """A linear layer as torch's exporter leaves it: the bias has its name, the weight is transposed under a number."""
    weight = RNG.normal(size=(3, 2)).astype(np.float32)
    graph = GraphBuilder()
    x = graph.input("x", "float32", ["batch", 2])
    product = graph.op("MatMul", x, graph.constant(weight.T, "onnx::MatMul_7"))
    scaled = graph.op("Mul", product, graph.constant(np.ones(3, np.float32), "norm.weight"))
    value = graph.op("Add", graph.constant(np.zeros(3, np.float32), bias), product)
    graph.output(graph.op("Add", value, scaled), "y", "float32", ["batch", 3])
    return graph.model().SerializeToString(), weight


class TestOnnx:
    def test_a_transposed_weight_takes_its_name_from_the_bias(self):
        content, weight = exported("layer.query.bias")
        state = weights_from_onnx(content)
        assert set(state) == {"layer.query.weight", "layer.query.bias", "norm.weight"}
        np.testing.assert_array_equal(state["layer.query.weight"], weight)

    def test_a_weight_without_a_bias_is_refused(self):
        content, _ = exported("onnx::Add_8")
        with pytest.raises(SourceError, match="'onnx::MatMul_7' is followed by no bias"):
            weights_from_onnx(content)

    def test_a_damaged_file_is_named(self):
        with pytest.raises(SourceError, match="ONNX file is damaged"):
            weights_from_onnx(b"\xff" * 40)
