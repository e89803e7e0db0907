from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import missing
import tiny
import tiny_hub
from headstart.core.errors import MissingExtraError, OptionError, SourceError
from headstart.sources import add, cards, find, open_source, remove, verify
from headstart.sources.imported_store import imported_folder

PHOTOS = [np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8) for i in range(3)]
TEXTS = ["the kiwi", "a good bad apple before the race is given", "race"]
KERAS = Path(__file__).parent / "fixtures" / "keras-tf2onnx.onnx"

pytestmark = pytest.mark.usefixtures("cache")


def features(source) -> np.ndarray:
    items = TEXTS if source.modality == "text" else PHOTOS
    return source.session().run(None, source.input.transform(items))[0]


class TestHubFolder:
    def test_bert_is_our_own_and_equals_transformers(self, tmp_path):
        torch = pytest.importorskip("torch")
        model = tiny_hub.saved(tmp_path / "m", "Bert")
        card = add(str(tmp_path / "m"), name="mine")
        assert (card.architecture, card.license, card.trained_on, card.modality) == ("bert", "MIT", "fruit", "text")
        source = open_source("mine")
        batch = source.input.transform(TEXTS)
        with torch.no_grad():
            last = model(**{key: torch.from_numpy(array) for key, array in batch.items()}).last_hidden_state.numpy()
        mask = batch["attention_mask"][..., None]
        np.testing.assert_allclose(features(source), (last * mask).sum(1) / mask.sum(1), atol=1e-5)

    def test_another_text_encoder_is_exported(self, tmp_path):
        torch = pytest.importorskip("torch")
        model = tiny_hub.saved(tmp_path / "m", "DistilBert")
        card = add(tmp_path / "m", max_tokens=6)
        assert (card.architecture, card.input["max_tokens"]) == ("onnx-file", 6)
        source = open_source(card.name)
        batch = source.input.transform(TEXTS)
        with torch.no_grad():
            last = model(**{key: torch.from_numpy(array) for key, array in batch.items()}).last_hidden_state.numpy()
        mask = batch["attention_mask"][..., None]
        np.testing.assert_allclose(features(source), (last * mask).sum(1) / mask.sum(1), atol=1e-5)

    @pytest.mark.parametrize("kind", ["ViT", "ResNet"])
    def test_image_models_see_photos_as_their_preprocessor_says(self, tmp_path, kind):
        torch = pytest.importorskip("torch")
        model = tiny_hub.saved(tmp_path / "m", kind)
        card = add(tmp_path / "m")
        assert card.input == {"kind": "pixels", "height_px": 32, "width_px": 32, "resize": "crop", "crop_share": 0.8}
        said = tiny_hub.PHOTOS
        scaled = (np.stack(PHOTOS) / 255 - said["image_mean"]) / said["image_std"]
        with torch.no_grad():
            last = model(torch.from_numpy(scaled.transpose(0, 3, 1, 2).astype(np.float32))).last_hidden_state.numpy()
        expected = last[:, 0] if kind == "ViT" else last.mean((2, 3))
        np.testing.assert_allclose(features(open_source(card)), expected, atol=1e-5)

    def test_shards_and_a_plain_torch_checkpoint_give_the_same(self, tmp_path):
        torch = pytest.importorskip("torch")
        whole = add(tiny_hub.bert(tmp_path / "whole"))
        tiny_hub.shard(tiny_hub.bert(tmp_path / "shards"))
        folder = tiny_hub.bert(tmp_path / "old")
        (folder / "model.safetensors").unlink()
        torch.save({name: torch.from_numpy(a) for name, a in tiny.state("bert").items()}, folder / "pytorch_model.bin")
        for path in (tmp_path / "shards", folder):
            card = add(path)
            assert (card.files, card.fingerprint) == (whole.files, whole.fingerprint)
            assert open_source(card).digest == open_source(whole).digest

    def test_pooling_is_what_sentence_transformers_wrote(self, tmp_path):
        pytest.importorskip("transformers")
        folder = tiny_hub.bert(tmp_path / "m")
        modules = [
            {"type": f"sentence_transformers.models.{kind}", "path": p}
            for kind, p in (("Transformer", ""), ("Pooling", "1_Pooling"))
        ]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(
            json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
        )
        (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8}')
        card = add(folder)
        assert (card.network["pooling"], card.input["max_tokens"]) == ("first", 8)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
        with pytest.raises(SourceError, match="pools by max_tokens"):
            add(folder, name="other")

    def test_a_vocabulary_alone_is_a_tokenizer(self, tmp_path):
        folder = tiny_hub.bert(tmp_path / "m")
        (folder / "tokenizer.json").unlink()
        (folder / "vocab.txt").write_text("\n".join(tiny.WORDS))
        ids = open_source(add(folder)).input.transform(["The KIWI"])["input_ids"][0].tolist()
        assert ids == [tiny.WORDS.index(word) for word in ("[CLS]", "the", "kiwi", "[SEP]")]

    def test_a_graph_in_the_folder_stands_in_for_weights(self, tmp_path):
        tiny_hub.onnx_photos(tmp_path / "m" / "onnx" / "model.onnx")
        (tmp_path / "m" / "config.json").write_text("{}")
        (tmp_path / "m" / "preprocessor_config.json").write_text(json.dumps(tiny_hub.PHOTOS))
        card = add(tmp_path / "m", license="mit")
        assert (card.dimensions, card.network["mean"]) == (8, [0.5, 0.4, 0.3])


class TestOnnxFile:
    def test_the_last_dense_layer_of_a_classifier_is_left_out(self, tmp_path):
        card = add(tiny_hub.onnx_photos(tmp_path / "net.onnx"), license="mit", mean=(0.5,) * 3, std=(0.5,) * 3)
        assert (card.name, card.dimensions, card.network["feature_layer"]) == ("net", 8, "pooled_maps")
        assert card.parameters == 8 * 3 * 9  # what lies behind the features is not kept
        assert card.gmacs == pytest.approx(8 * 27 * 32 * 32 / 1e9, rel=0.01)
        source = open_source("net")
        assert features(source).shape == (3, 8)
        assert not np.allclose(features(source.with_random_weights(0)), features(source))

    def test_what_cannot_be_decided_is_asked_for(self, tmp_path):
        path = tiny_hub.onnx_photos(tmp_path / "net.onnx", head="none", output="y")
        with pytest.raises(OptionError, match=r"--feature-layer.*maps \(Conv, 8×32×32\).*y \(MatMul, 4\)"):
            add(path, license="mit")
        with pytest.raises(OptionError, match=r"no layer 'flaten'"):
            add(path, license="mit", feature_layer="flaten")
        assert add(path, license="mit", feature_layer="conv").network["pooling"] == "nchw"
        assert add(path, license="mit", feature_layer="y", name="scores").dimensions == 4

    def test_a_fixed_batch_is_freed(self, tmp_path):
        assert add(tiny_hub.onnx_photos(tmp_path / "one.onnx", batch=1), license="mit").dimensions == 8

    def test_what_tf2onnx_made_of_a_keras_model(self):
        """The fixture is Keras 3.15 (TensorFlow 2.21) through tf2onnx 1.17: 8 kernels, global mean, 5 classes."""
        card = add(KERAS, license="mit", mean=(0, 0, 0), std=(1, 1, 1))
        assert (card.dimensions, card.input["height_px"], card.network["layout"]) == (8, 32, "nhwc")
        import onnx
        from onnx import numpy_helper

        arrays = [numpy_helper.to_array(array) for array in onnx.load(KERAS).graph.initializer]
        (kernel,) = (array for array in arrays if array.ndim == 4)
        windows = np.lib.stride_tricks.sliding_window_view(np.stack(PHOTOS) / 255, (3, 3), axis=(1, 2))
        maps = np.einsum("nhwcij,kcij->nhwk", windows, kernel)
        np.testing.assert_allclose(features(open_source(card)), np.maximum(maps, 0).mean((1, 2)), atol=1e-4)

    def test_arrays_in_a_file_beside_it(self, tmp_path):
        import onnx

        plain = add(tiny_hub.onnx_photos(tmp_path / "plain.onnx"), license="mit")
        model = onnx.load(tmp_path / "plain.onnx")
        onnx.save(model, tmp_path / "big.onnx", save_as_external_data=True, location="big.data", size_threshold=0)
        assert add(tmp_path / "big.onnx", license="mit").fingerprint == plain.fingerprint


def test_a_graph_cannot_be_trained(tmp_path):
    card = add(tiny_hub.onnx_photos(tmp_path / "net.onnx"), license="mit")
    with pytest.raises(SourceError, match="came as a graph and cannot be trained"):
        open_source(card).module()


class TestTorchModule:
    def test_photos(self, tmp_path):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU(), torch.nn.Dropout(0.5))
        card = add(module, example=torch.zeros(2, 3, 16, 16), name="mine", license="mit", mean=(0, 0, 0), std=(1, 1, 1))
        assert (card.dimensions, card.provenance["format"]) == (6, "torch-module")
        small = [photo[:16, :16] for photo in PHOTOS]
        source = open_source("mine")
        found = source.session().run(None, source.input.transform(small))[0]
        with torch.no_grad():
            expected = module.train(mode=False)(
                torch.from_numpy(np.stack(small) / 255).float().permute(0, 3, 1, 2)
            ).mean((2, 3))
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)

    def test_texts_need_a_mask_that_is_used(self, tmp_path):
        torch = pytest.importorskip("torch")
        (tmp_path / "tokenizer.json").write_bytes(tiny.tokenizer_json())

        class Careless(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.table = torch.nn.Embedding(len(tiny.WORDS), 6)

            def forward(self, input_ids, attention_mask):
                return self.table(input_ids).mean(1)

        class Careful(Careless):
            def forward(self, input_ids, attention_mask):
                return self.table(input_ids) * 1.0

        example = {
            "input_ids": torch.ones(2, 4, dtype=torch.long),
            "attention_mask": torch.ones(2, 4, dtype=torch.long),
        }
        settings = {"example": example, "tokenizer": tmp_path / "tokenizer.json", "license": "mit"}
        assert add(Careful(), **settings).network["pooling"] == "mean"
        with pytest.raises(SourceError, match="change by .* with the other items of the batch"):
            add(Careless(), **settings)

    def test_without_a_fitting_example(self):
        torch = pytest.importorskip("torch")
        with pytest.raises(OptionError, match="needs an example"):
            add(torch.nn.ReLU(), license="mit")
        with pytest.raises(OptionError, match=r"got pixels \(3,\)"):
            add(torch.nn.ReLU(), example=torch.ones(3), license="mit")


class TestKept:
    def test_found_listed_and_removed_by_name(self, tmp_path):
        card = add(tiny_hub.bert(tmp_path / "My Model"))
        assert card.name == "my-model"
        assert find("my-model") == card
        assert card in cards()
        remove("my-model")
        assert not imported_folder("my-model").exists()
        with pytest.raises(OptionError, match="none has been added"):
            remove("my-model")
        with pytest.raises(OptionError, match="no source named 'my-model'"):
            find("my-model")

    @pytest.mark.parametrize("name", ["fetch", "Two Words", "../out", "wordllama-256", ""])
    def test_names_that_cannot_be(self, tmp_path, name):
        folder = tiny_hub.bert(tmp_path / "m")
        if not name:
            add(folder)
        with pytest.raises(OptionError, match=r"cannot be a source's name|built-in source|added already"):
            add(folder, name=name or None)

    def test_the_record_says_where_it_comes_from(self, tmp_path):
        record = add(tiny_hub.bert(tmp_path / "m")).provenance
        assert record["format"] == "hub-folder"
        assert record["path"] == str(tmp_path / "m")
        assert set(record["files"]) == {"config.json", "model.safetensors"}

    def test_verify_tells_sound_from_damaged(self, tmp_path):
        add(tiny_hub.bert(tmp_path / "m"))
        assert verify("m").state == "sound"
        assert verify("wordllama-256").state == "absent"
        weights = imported_folder("m") / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
        found = verify("m")
        assert (found.state, "headstart sources remove m" in found.problem) == ("damaged", True)


def test_a_saved_model_without_tensorflow_names_the_extra(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises((MissingExtraError, SourceError), match=r"headstart\[tensorflow\]|tf2onnx cannot convert"):
        add(tmp_path, license="mit")


def test_a_saved_model_is_converted(tmp_path):
    if find_spec("tensorflow") is None:
        missing.skip("tensorflow")
    from tensorflow import keras

    layers = [keras.layers.Input((16, 16, 3)), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([*layers, keras.layers.Dense(2, activation="softmax")]).export(str(tmp_path / "m"))
    assert add(tmp_path / "m", license="mit").dimensions == 4
