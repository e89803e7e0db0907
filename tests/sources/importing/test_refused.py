"""Files of others that are refused, each with its own message, and nothing kept."""

from __future__ import annotations

import json
import os
import pickle

import numpy as np
import pytest

import tiny_hub
from headstart.core.errors import OptionError, SourceError
from headstart.sources import add, find, open_source
from headstart.sources.imported_store import CARD, imported_folder, imported_names
from headstart.sources.weights import from_safetensors, to_safetensors

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def folder(tmp_path):
    return tiny_hub.bert(tmp_path / "model")


def refused(thing, message, kind=SourceError, **settings):
    with pytest.raises(kind, match=message) as caught:
        add(thing, **settings)
    assert "\n" not in str(caught.value)
    assert imported_names() == []


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_carrying(folder, tmp_path, file):
    (folder / "modeling_mine.py").write_text(f"open({str(tmp_path / 'hacked')!r}, 'w')")
    content = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps({**content, "auto_map": {"AutoModel": "modeling_mine.Mine"}}))
    refused(folder, f"{file} asks for code of its own to run \\('auto_map'\\)")
    assert not (tmp_path / "hacked").exists()


def test_code_carrying_pickle(folder, tmp_path):
    class Attack:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'hacked'}",))

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Attack()))
    refused(folder, "pytorch_model.bin: the torch checkpoint cannot be read as plain weights")
    assert not (tmp_path / "hacked").exists()


def test_code_carrying_module_of_sentence_transformers(folder):
    (folder / "modules.json").write_text(json.dumps([{"type": "custom_st.Transformer", "path": ""}]))
    refused(folder, "has a module 'custom_st.Transformer'")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": 1}), "is not a safetensors file: it begins like a pickle"),
        (b"PK\x03\x04 and more", "begins like a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git-lfs has not fetched"),
        (b"", "is empty"),
    ],
)
def test_renamed(folder, content, message):
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, message)


def test_renamed_to_onnx(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"\x89HDF\r\n\x1a\n")
    refused(tmp_path / "a.onnx", "is not an ONNX file: it begins like an HDF5 file")


def test_truncated(folder):
    path = folder / "model.safetensors"
    path.write_bytes(tiny_hub.cut_header(path.read_bytes()))
    refused(folder, "is damaged or truncated")


def test_truncated_onnx(tmp_path):
    path = tiny_hub.onnx_photos(tmp_path / "a.onnx")
    path.write_bytes(path.read_bytes()[:-40])
    refused(path, "is not a readable ONNX file", license="mit")


def test_missing_shard(folder):
    tiny_hub.shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    refused(folder, "model-00002-of-00002.safetensors is missing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 24}, r"has the shape \(.*\), expected"),
        ({"num_hidden_layers": 3}, "the weights lack 'encoder.layer.2"),
    ],
)
def test_wrong_shape(tmp_path, change, message):
    refused(tiny_hub.bert(tmp_path / "m", **change), message)


@pytest.mark.parametrize(("change", "message"), [({"dim": 24}, "DistilBert|shape|size"), ({"n_layers": 3}, "lack ")])
def test_wrong_shape_of_what_transformers_builds(tmp_path, change, message):
    pytest.importorskip("transformers")
    tiny_hub.saved(tmp_path / "m", "DistilBert")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, **change}))
    refused(tmp_path / "m", message)


def test_unknown_architecture(tmp_path):
    pytest.importorskip("transformers")
    refused(tiny_hub.bert(tmp_path / "m", model_type="our-own"), "transformers cannot build the model")


def test_not_finite(folder):
    state = from_safetensors((folder / "model.safetensors").read_bytes())
    state["embeddings.LayerNorm.bias"] = np.full(16, np.nan, np.float32)
    (folder / "model.safetensors").write_bytes(to_safetensors(state))
    refused(folder, "all finite: False")


@pytest.mark.parametrize(
    ("card", "given", "message"),
    [
        ("", None, "no file of 'model' states its license"),
        ("---\nlicense: cc-by-nc-4.0\n---\n", "MIT", "states the license CC-BY-NC-4.0, not MIT"),
        ("", "Apache2", "Did you mean 'Apache-2.0'"),
        ("---\nlicense: other\n---\n", None, "'other' is not the SPDX name"),
    ],
)
def test_wrong_license(folder, card, given, message):
    (folder / "README.md").write_text(card)
    refused(folder, message, OptionError, license=given)


def test_link_out_of_the_folder(folder, tmp_path):
    (tmp_path / "elsewhere").write_bytes((folder / "model.safetensors").read_bytes())
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    refused(folder, "'model.safetensors' leads out of the folder")


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd"])
def test_external_data_out_of_the_folder(tmp_path, location):
    import onnx

    path = tiny_hub.onnx_photos(tmp_path / "m" / "a.onnx")
    (tmp_path / "secret").write_bytes(b"0" * 4096)
    model = onnx.load(path)
    array = model.graph.initializer[0]
    array.ClearField("raw_data")
    array.data_location = onnx.TensorProto.EXTERNAL
    array.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    refused(path, "leads out of the folder", license="mit")


def test_custom_operators(tmp_path):
    import onnx

    path = tiny_hub.onnx_photos(tmp_path / "a.onnx")
    model = onnx.load(path)
    model.graph.node[1].domain = "com.microsoft"
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    path.write_bytes(model.SerializeToString())
    refused(path, "operators that are not ONNX's own \\(com.microsoft.Relu\\)", license="mit")


def test_keras_file(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04")
    refused(tmp_path / "m.keras", "may contain Python code, so it is not opened")


@pytest.mark.parametrize("make", [lambda p: p / "nowhere", lambda p: p, lambda p: 7])
def test_nothing_that_can_be_added(tmp_path, make):
    refused(make(tmp_path), "there is nothing at|is nothing that can be added")


def test_no_weights_and_no_tokenizer(folder):
    (folder / "tokenizer.json").rename(folder / "elsewhere")
    refused(folder, "neither tokenizer.json nor vocab.txt")
    (folder / "elsewhere").rename(folder / "tokenizer.json")
    (folder / "model.safetensors").unlink()
    refused(folder, "has no weights")


class TestAfterwards:
    """What was kept is checked each time that it is used."""

    @pytest.fixture
    def kept(self, folder):
        return imported_folder(add(folder).name)

    @pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json"])
    def test_tampered(self, kept, name):
        content = (kept / name).read_bytes()
        (kept / name).write_bytes(content[:-2] + b"~" + content[-1:])
        with pytest.raises(SourceError, match=f"{name} has changed.*sources remove model.*add it again"):
            open_source("model").session(), open_source("model").input

    def test_tampered_card(self, kept):
        (kept / CARD).write_text((kept / CARD).read_text().replace('"MIT"', '"ISC"'))
        with pytest.raises(SourceError, match="not as it was sealed"):
            find("model")

    def test_renamed_folder(self, kept):
        kept.rename(kept.with_name("another"))
        with pytest.raises(SourceError, match="is the card of 'model': its folder was renamed"):
            find("another")

    def test_missing_file(self, kept):
        (kept / "tokenizer.json").unlink()
        with pytest.raises(SourceError, match="files are missing"):
            open_source("model")
