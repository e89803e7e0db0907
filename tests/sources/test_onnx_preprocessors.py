"""Preprocessing in a graph gives what the same preprocessing gives in Python, to the last bit."""

import io

import numpy as np
import pytest
from PIL import Image

from headstart.core.errors import OptionError
from headstart.core.registry import names
from headstart.data.modalities import get_modality
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.exports.comparing import open_exported
from headstart.sources import onnx_preprocessors, preprocessors
from headstart.sources.preprocessors.characters import CharacterVectorizer
from headstart.sources.preprocessors.joint import JointPreprocessor
from headstart.sources.preprocessors.ngrams import NgramVectorizer
from headstart.sources.preprocessors.nothing import NoPreprocessor
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.sources.preprocessors.text_shape import TextShape
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.testing import checks_of

RNG = np.random.default_rng(0)
SIZES = [(348, 464), (1, 1), (37, 100), (224, 224), (1501, 673), (2016, 1512), (900, 5), (96, 97)]  # height, width
RESIZES = {
    "crop": ImagePreprocessor(height_px=64, width_px=64),
    "all of it": ImagePreprocessor(height_px=60, width_px=50, crop_share=1.0),
    "squash": ImagePreprocessor(height_px=64, width_px=64, resize="squash"),
    "pad": ImagePreprocessor(height_px=48, width_px=64, resize="pad"),
}
TEXTS = [
    "Don't stop: 3.5% of Zürich's CAFÉS (naïve) re-opened!\tNow\nand  then",
    "",
    " ",
    "Канада и Україна, ΑΘΗΝΑ, İstanbul, časů, Đặng, ß",
    "東京都は日本の首都。한국어도 됩니다 올바른 UUID",
    "ব বৈধ नहीं है। اللغة العربية שָׁלוֹם",
    "control \x07\x85\x96 marks \ufffd \u200b\u00ad and\u00a0blanks\u3000here \ue000",
    "🙂👍🏽 ™ ½ ﬁ",
    "word " * 300,
    "a" * 150 + " x",
]


def graph_of(prepared, modality, *, are_files, shapes):
    graph = GraphBuilder()
    values = onnx_preprocessors.add_nodes(
        graph, prepared, get_modality(modality).declare(graph, are_files=are_files), are_files=are_files
    )
    for name, dtype in shapes.items():
        graph.output(values[name], f"{name}.out", dtype, [f"{name}.{i}" for i in range(4 if dtype == "uint8" else 2)])
    model = graph.model()
    return open_exported(model.SerializeToString(), has_extensions=len(model.opset_import) > 1)


def tokens_of(session, texts):
    ids, mask = session.run(None, {"text": np.array(texts, dtype=object)})
    return [row[: count.sum()].tolist() for row, count in zip(ids, mask, strict=True)]


def expected_tokens(prepared, texts):
    batch = prepared.transform(texts)
    return [row[mask == 1].tolist() for row, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]


def word_piece_tokenizer(**changes):
    import tokenizers

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "stop",
        "don",
        "zurich",
        "cafe",
        "##s",
        "##e",
        "ᄒ",
        "##ᅡ",
        "東",
        "к",
        "##\N{CYRILLIC SMALL LETTER A}",
        "ব",
    ]
    letters = [letter for letter in map(chr, range(33, 127)) if not letter.isupper()]
    vocabulary = {
        word: number for number, word in enumerate(dict.fromkeys([*words, *letters, *(f"##{a}" for a in letters)]))
    }
    return tokenizers.BertWordPieceTokenizer(vocab=vocabulary, **changes).to_str().encode()


@pytest.mark.parametrize("check", checks_of("onnx_preprocessors"), ids=str)
def test_every_preprocessor_in_a_graph(check):
    check()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", RESIZES)
def test_photos_are_resized_as_pillow_does(resize, size):
    prepared = RESIZES[resize]
    session = graph_of(prepared, "image", are_files=False, shapes={"pixels": "uint8"})
    noise = RNG.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    found = session.run(None, {"pixels": noise})[0]
    np.testing.assert_array_equal(found, prepared.transform(list(noise))["pixels"])


def test_an_array_of_the_very_size_is_taken_as_it_is():
    session = graph_of(RESIZES["crop"], "image", are_files=False, shapes={"pixels": "uint8"})
    ready = RNG.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(session.run(None, {"pixels": ready})[0], ready)


def test_a_whole_photo_is_cropped_inside_its_borders():
    """(348 - 348.00000000000006) / 2 is below zero, which Pillow refuses."""
    prepared = ImagePreprocessor(height_px=240, width_px=200, crop_share=1.0)
    for size in range(1, 400):
        assert min(prepared._box(Image.new("RGB", (size, 900)))) >= 0


def file_of(photo, form, **how):
    file = io.BytesIO()
    photo.save(file, form, **how)
    return file.getvalue()


def test_files_are_decoded_upright_as_pillow_does():
    smooth = Image.fromarray(RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(
        (120, 90), Image.Resampling.BICUBIC
    )
    turned = Image.Exif()
    turned[0x0112] = 6
    files = [
        file_of(smooth, "JPEG"),
        file_of(smooth, "JPEG", subsampling=1, progressive=True),
        file_of(smooth, "JPEG", exif=turned.tobytes()),
        file_of(smooth.convert("L"), "JPEG"),
        file_of(smooth, "PNG"),
        file_of(smooth.convert("P"), "PNG"),
        file_of(smooth.resize((64, 64)), "PNG"),
    ]
    prepared = RESIZES["crop"]
    session = graph_of(prepared, "image", are_files=True, shapes={"pixels": "uint8"})
    for feeds, items in get_modality("image").feeds(files, are_files=True):
        np.testing.assert_array_equal(session.run(None, feeds)[0], prepared.transform(items)["pixels"])


@pytest.mark.parametrize(
    ("changes", "special_tokens"),
    [
        ({}, True),
        ({"lowercase": False}, False),
        ({"strip_accents": False}, True),
        ({"handle_chinese_chars": False}, True),
    ],
)
def test_word_pieces_are_those_of_the_tokenizer(changes, special_tokens):
    prepared = TextTokenizer(word_piece_tokenizer(**changes), max_tokens=40, special_tokens=special_tokens)
    session = graph_of(prepared, "text", are_files=True, shapes={"input_ids": "int64", "attention_mask": "int64"})
    assert tokens_of(session, TEXTS) == expected_tokens(prepared, TEXTS)
    for text in TEXTS:
        assert tokens_of(session, [text]) == expected_tokens(prepared, [text])


def test_a_mark_that_is_written_out_is_a_word_in_the_graph():
    """The one known difference of word pieces: Python takes '[SEP]' in a text for the mark itself."""
    prepared = TextTokenizer(word_piece_tokenizer(), max_tokens=40)
    session = graph_of(prepared, "text", are_files=True, shapes={"input_ids": "int64", "attention_mask": "int64"})
    assert tokens_of(session, ["stop [SEP]"]) != expected_tokens(prepared, ["stop [SEP]"])


@pytest.mark.downloads
@pytest.mark.parametrize("name", ["all-minilm-l6-v2", "gte-small", "potion-base-8m", "wordllama-256"])
def test_the_tokenizers_of_sources_are_written_into_graphs(name, fetched_cache, real_data):
    import pandas as pd

    import headstart

    prepared = headstart.open_source(name).input
    texts = TEXTS + list(pd.read_csv(real_data("questions") / "questions.csv")["text"][:300])
    session = graph_of(prepared, "text", are_files=True, shapes={"input_ids": "int64", "attention_mask": "int64"})
    assert tokens_of(session, texts) == expected_tokens(prepared, texts)


@pytest.mark.downloads
def test_a_tokenizer_that_no_operator_equals_is_refused(fetched_cache):
    import headstart

    prepared = headstart.open_source("smollm2-135m").input
    with pytest.raises(
        OptionError, match=r"its tokenizer \(BPE, normalizer none, pre-tokenizer Sequence\) cannot be written"
    ):
        graph_of(prepared, "text", are_files=True, shapes={})


def test_terms_are_counted_as_in_python():
    prepared = NgramVectorizer(vocabulary=("!", "and", "café", "free", "free call", "then", "№ 5", "ß"), max_words=2)
    texts = ["Free call, FREE CALL! and\u00a0then", "", "café_ № 5 ß!", "\n"]
    session = graph_of(prepared, "text", are_files=True, shapes={"ids": "int64", "counts": "float32"})
    ids, counts = session.run(None, {"text": np.array(texts, dtype=object)})
    batch = prepared.transform(texts)
    expected = np.zeros((len(texts), len(prepared.vocabulary)))
    for row in range(len(texts)):
        np.add.at(expected[row], batch["ids"][row], batch["counts"][row])
    np.testing.assert_array_equal(ids, np.tile(np.arange(len(prepared.vocabulary)), (len(texts), 1)))
    np.testing.assert_array_equal(counts, expected)


def test_characters_are_counted_as_in_python():
    texts = [text for text in TEXTS if "İ" not in text]  # its lower case is two characters in Python, one in the graph
    grams = {
        gram
        for text in texts
        for word in text.lower().split()
        for gram in CharacterVectorizer(vocabulary=()).terms_of(word)
    }
    prepared = CharacterVectorizer(vocabulary=tuple(sorted(grams)))
    session = graph_of(prepared, "text", are_files=True, shapes={"ids": "int64", "counts": "float32"})
    _, counts = session.run(None, {"text": np.array(texts, dtype=object)})
    batch = prepared.transform(texts)
    expected = np.zeros_like(counts)
    for row in range(len(texts)):
        np.add.at(expected[row], batch["ids"][row], batch["counts"][row])
    np.testing.assert_array_equal(counts, expected)


def test_the_shape_of_texts_is_counted_as_in_python():
    prepared = TextShape()
    session = graph_of(prepared, "text", are_files=True, shapes={"shape": "float32"})
    found = session.run(None, {"text": np.array(TEXTS, dtype=object)})[0]
    np.testing.assert_array_equal(found, prepared.transform(TEXTS)["shape"])


def test_a_joint_input_prepares_the_same_items_for_each():
    parts = (RESIZES["crop"], RESIZES["squash"])
    prepared = JointPreprocessor(inputs=parts)
    session = graph_of(prepared, "image", are_files=False, shapes={"0.pixels": "uint8", "1.pixels": "uint8"})
    photos = np.random.default_rng(0).integers(0, 256, (2, 90, 70, 3), dtype=np.uint8)
    for found, expected in zip(
        session.run(None, {"pixels": photos}), prepared.transform(list(photos)).values(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_model_that_looks_at_nothing_counts_its_items():
    graph = GraphBuilder()
    values = onnx_preprocessors.add_nodes(
        graph, NoPreprocessor(), get_modality("text").declare(graph, are_files=True), are_files=True
    )
    graph.output(values["rows"], "out", "int64", ["batch"])
    session = open_exported(graph.model().SerializeToString(), has_extensions=False)
    assert session.run(None, {"text": np.array(["a", "b"], dtype=object)})[0].tolist() == [0, 0]


def test_every_input_has_a_front_or_is_refused_by_name():
    assert set(names("onnx_preprocessors")) == set(names("preprocessors"))

    class Spectrogram(NoPreprocessor):
        kind = "spectrogram"

    with pytest.raises(OptionError, match="'spectrogram' cannot be written into a graph"):
        onnx_preprocessors.add_nodes(GraphBuilder(), Spectrogram(), "x", are_files=True)
    with pytest.raises(OptionError, match="empty vocabulary"):
        onnx_preprocessors.add_nodes(GraphBuilder(), NgramVectorizer(vocabulary=()), "x", are_files=True)
    assert preprocessors.build("nothing", {}, {}) == NoPreprocessor()


def test_joint_sources_name_their_axes_apart():
    """Texts are of another length to each tokenizer: one name for both lengths made ONNX Runtime reuse memory of the wrong size."""
    graph = GraphBuilder()
    for prefix in ("0.", "1."):
        with graph.inputs_named(prefix):
            graph.output(
                graph.op("Identity", graph.input("ids", "int64", ["batch", "length"])), prefix, "int64", ["a", "b"]
            )
    axes = [[axis.dim_param for axis in value.type.tensor_type.shape.dim] for value in graph.model().graph.input]
    assert axes == [["batch", "0.length"], ["batch", "1.length"]]
