from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tiny
from headstart.core.errors import DataError, OptionError, SourceError
from headstart.sources import preprocessors
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.testing import checks_of

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize("check", checks_of("preprocessors"), ids=str)
def test_every_preprocessor(check):
    check()


def test_unknown_kind_is_named():
    with pytest.raises(OptionError, match=r"no preprocessor named 'pixel'\. Did you mean 'pixels'"):
        preprocessors.build("pixel", {}, {})


@pytest.mark.parametrize(
    ("kind", "settings", "files", "message"),
    [
        ("pixels", {"height_px": 8}, {}, "lack 'width_px'"),
        ("pixels", {"height_px": 8, "width_px": 8, "resize": "fold"}, {}, "got 'fold'"),
        ("pixels", {"height_px": [], "width_px": 8, "resize": "crop"}, {}, "must be 1 to 4096"),
        ("pixels", {"height_px": 8, "width_px": 10**9, "resize": "crop"}, {}, "must be 1 to 4096"),
        ("pixels", {"height_px": 8, "width_px": 8, "resize": "crop", "crop_share": "a"}, {}, "crop_share must be"),
        ("tokens", {"max_tokens": 0, "special_tokens": True}, {"tokenizer.json": b""}, "max_tokens must be 1 to"),
        ("ngrams", {"max_words": 2**31}, {"vocabulary.txt": b"a"}, "max_words must be 1 to 10"),
        ("characters", {"min_characters": 1}, {"vocabulary.txt": b"ab"}, "min_characters must be 2 to 10"),
        ("characters", {"min_characters": 4, "max_characters": 3}, {}, "must be at least min_characters"),
        ("characters", {"min_characters": 2, "max_characters": 3}, {}, "lacks a valid vocabulary.txt"),
        ("text-shape", {"counted": ["words", "vowels"]}, {}, "counted must list some of"),
        ("joint", {"parts": [3]}, {}, "joint preprocessor are invalid"),
        ("tokens", {"max_tokens": 8}, {"tokenizer.json": b""}, "lacks 'special_tokens'"),
        ("tokens", {"max_tokens": 8, "special_tokens": True}, {}, "lacks 'tokenizer.json'"),
    ],
)
def test_incomplete_settings_are_named(kind, settings, files, message):
    with pytest.raises(SourceError, match=message):
        preprocessors.build(kind, settings, files)


def test_damaged_tokenizer_is_named():
    with pytest.raises(SourceError, match="tokenizer file is not readable JSON"):
        TextTokenizer(b"{", max_tokens=4).transform(["a"])


@pytest.mark.parametrize("resize", ["squash", "crop", "pad"])
@pytest.mark.parametrize("shape", [(3, 200), (200, 3), (1, 1), (8, 6), (500, 400)])
def test_any_shape_becomes_the_size_of_the_network(resize, shape):
    image = np.full((*shape, 3), 200, np.uint8)
    pixels = ImagePreprocessor(height_px=8, width_px=6, resize=resize).transform([image])["pixels"]
    assert pixels.shape == (1, 8, 6, 3)
    assert (pixels == 200).any()
    assert resize == "pad" or (pixels == 200).all()


def test_crop_sees_the_centre_and_squash_sees_all():
    image = np.zeros((80, 80, 3), np.uint8)
    image[:4] = image[-4:] = image[:, :4] = image[:, -4:] = 255
    crop, squash = (
        ImagePreprocessor(height_px=20, width_px=20, resize=rule).transform([image])["pixels"]
        for rule in ("crop", "squash")
    )
    assert crop.max() < 20
    assert squash[0, 0].min() > 200


def test_reads_files_and_bytes_alike(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PHOTO).save(path)
    prepare = ImagePreprocessor(height_px=9, width_px=9).transform
    _assert_same(prepare([path, str(path)]), prepare([path.read_bytes(), PHOTO]))


def test_unreadable_image_is_named(tmp_path):
    (tmp_path / "b.jpg").write_text("not a photo")
    with pytest.raises(DataError, match=r"b\.jpg"):
        ImagePreprocessor(height_px=9, width_px=9).transform([tmp_path / "b.jpg"])


def test_tokens_are_cut_and_padded():
    batch = TextTokenizer(tiny.tokenizer_json(), max_tokens=3).transform(["the kiwi", "", "a good bad apple"])
    assert batch["input_ids"].tolist() == [[8, 15, 0], [0, 0, 0], [4, 13, 14]]
    assert batch["attention_mask"].sum(axis=1).tolist() == [2, 0, 3]


@given(st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=4))
def test_any_text_can_be_tokenized(texts):
    batch = TextTokenizer(tiny.tokenizer_json(), max_tokens=7).transform(texts)
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["input_ids"].shape[1] >= 1


@pytest.mark.parametrize("kind", ["pixels", "tokens"])
def test_light_install_prepares_without_heavy_libraries(kind, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(tiny.tokenizer_json())
    settings = {
        "pixels": {"height_px": 4, "width_px": 4, "resize": "crop"},
        "tokens": {"max_tokens": 4, "special_tokens": True},
    }
    item = "np.zeros((9, 9, 3), np.uint8)" if kind == "pixels" else "'a kiwi'"
    script = (
        "import sys, pathlib, numpy as np\nfrom headstart.sources import preprocessors\n"
        f"files = {{'tokenizer.json': pathlib.Path({str(tmp_path / 'tokenizer.json')!r}).read_bytes()}}\n"
        f"preprocessors.build({kind!r}, {settings[kind]!r}, files).transform([{item}])\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'sklearn', 'pandas', 'scipy', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def _assert_same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    assert all(np.array_equal(left[name], right[name]) and left[name].dtype == right[name].dtype for name in left)
