"""Models that would take endless time or memory are refused before anything is built from them."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile

import numpy as np
import pytest

import tiny
import tiny_hub
from headstart.core.errors import SourceError
from headstart.sources import add
from headstart.sources.imported_store import imported_names
from headstart.sources.importing import hub_settings
from headstart.sources.importing.config_limits import check_config
from headstart.sources.weights import from_torch
from headstart.storage import untrusted_folder
from headstart.storage.untrusted_folder import UntrustedFolder

pytestmark = pytest.mark.usefixtures("cache")

IN_TIME_S = 60


def refused(thing, message, **settings):
    started = time.monotonic()
    with pytest.raises(SourceError, match=message) as caught:
        add(thing, **settings)
    assert time.monotonic() - started < IN_TIME_S
    assert "\n" not in str(caught.value)
    assert imported_names() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"num_hidden_layers": 10**9}, "'num_hidden_layers' in .*config.json is 1e\\+09; at most 1024 is possible"),
        ({"hidden_size": 10**12}, "'hidden_size'"),
        ({"vocab_size": 10**10}, "'vocab_size'"),
        ({"max_position_embeddings": -(10**12)}, "'max_position_embeddings'"),
        ({"depths": [2, 2, 10**9, 2]}, "'depths'"),
        ({"vision_config": {"encoder": {"n_layers": 10**8}}}, "'n_layers'"),
        ({"sizes": [1] * 600_000}, "more than 500000 numbers"),
    ],
)
@pytest.mark.parametrize("kind", ["bert", "our-own"])
def test_a_config_beyond_any_network(tmp_path, change, says, kind):
    refused(tiny_hub.bert(tmp_path / "m", **change, model_type=kind), says)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": None},
        {"hidden_size": "16"},
        {"intermediate_size": [32]},
        {"num_hidden_layers": 1.5},
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
    ],
)
def test_a_config_that_describes_no_network(tmp_path, change):
    refused(tiny_hub.bert(tmp_path / "m", **change), "(must be a whole number from 1, got|cannot be shared by 3 heads)")


def test_configs_in_use_are_within_the_bounds():
    check_config(
        {
            **tiny_hub.BERT,
            "vocab_size": 256_000,
            "max_position_embeddings": 131_072,
            "rope_theta": 500_000_000,
            "head_dim": 4096,
            "num_experts": 256,
            "depths": [2, 2, 18, 2],
            "pad_token_id": -1,
            "id2label": {str(i): "x" for i in range(2000)},
        },
        "config.json",
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"size": {"shortest_edge": 100_000}, "do_center_crop": False},
            "takes photos of 100000 pixels; 4096 are allowed",
        ),
        ({"image_mean": "0.5"}, "'image_mean' in .* must be three numbers"),
        ({"image_std": [0.0, 1.0, 1.0]}, "'image_std' in .* must be above 0"),
        ({"image_std": [float("nan")] * 3}, "'image_std' in .* must be three numbers"),
        ({"rescale_factor": float("inf")}, "'rescale_factor' in .* must be a number above 0"),
    ],
)
def test_preprocessing_of_photos_beyond_reason(tmp_path, change, says):
    folder = tiny_hub.bert(tmp_path / "m")
    (folder / hub_settings.PHOTO_SETTINGS).write_text(json.dumps({**tiny_hub.PHOTOS, **change}))
    refused(folder, says)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_pipe_in_the_place_of_a_file(tmp_path, name):
    folder = tiny_hub.bert(tmp_path / "m")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refused(folder, "nothing that can be added|has neither tokenizer|has no weights")
    with pytest.raises(SourceError, match="is not a plain file"):
        UntrustedFolder.of(folder).read(name)


def test_a_file_beyond_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(untrusted_folder, "MAX_JSON_BYTES", 100)
    refused(tiny_hub.bert(tmp_path / "m"), r"config\.json is too large: \d+ bytes; 100 are allowed")


def test_a_card_with_many_empty_lines_is_read_in_time(tmp_path):
    folder = tiny_hub.bert(tmp_path / "m")
    lines = "\n" * 200_000
    (folder / "README.md").write_text(f"---{lines}datasets:{lines}---{lines}")
    started = time.monotonic()
    assert add(folder, license="mit").license == "MIT"
    assert time.monotonic() - started < IN_TIME_S


def test_a_checkpoint_that_says_it_is_larger_than_its_file():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("archive/data/0", bytes(10_000_000))
    with pytest.raises(SourceError, match="hold 10000000"):
        from_torch(file.getvalue())


def test_ids_beyond_the_vocabulary_of_the_network(tmp_path):
    folder = tiny_hub.bert(tmp_path / "m")
    described = json.loads(tiny.tokenizer_json())
    described["model"]["vocab"]["zebra"] = len(tiny.WORDS) + 5
    (folder / "tokenizer.json").write_text(json.dumps(described))
    refused(folder, rf"makes ids up to {len(tiny.WORDS) + 5}, which the network does not take .*--tokenizer")


def test_a_tokenizer_that_may_be_slow_without_end(tmp_path):
    folder = tiny_hub.bert(tmp_path / "m")
    described = json.loads(tiny.tokenizer_json())
    described["pre_tokenizer"] = {
        "type": "Split",
        "pattern": {"Regex": "(a+)+$"},
        "behavior": "Isolated",
        "invert": False,
    }
    (folder / "tokenizer.json").write_text(json.dumps(described))
    refused(folder, "repeats a repetition")


def test_photos_of_a_graph_that_no_memory_holds(tmp_path):
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 10**6, 10**6])
    y = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3, 1, 1])
    graph = helper.make_graph([helper.make_node("GlobalAveragePool", ["x"], ["features"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "large.onnx").write_bytes(model.SerializeToString())
    refused(tmp_path / "large.onnx", "1000000 × 1000000 pixels; 4096 a side are allowed", license="mit")


def test_a_graph_that_takes_more_memory_than_is_allowed(tmp_path, monkeypatch):
    from onnx import TensorProto, helper, numpy_helper

    from headstart.onnx_graph import trial

    monkeypatch.setattr(trial, "MEMORY_BYTES", 200 << 20)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 32, 32])
    y = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3, 32, 32])
    sides = numpy_helper.from_array(np.array([1, 3, 32, 32, 50_000]), "sides")
    axis = numpy_helper.from_array(np.array([4]), "axis")
    nodes = [
        helper.make_node("Unsqueeze", ["x", "axis"], ["wide"]),
        helper.make_node("Expand", ["wide", "sides"], ["huge"]),
        helper.make_node("ReduceMean", ["huge", "axis"], ["features"], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y], [sides, axis])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    refused(tmp_path / "m.onnx", "does not run on two items within limits.*200 MiB.*--trust-graphs", license="mit")
