"""The published checks of every modality, and a toy of a plugin."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from headstart.core import registry
from headstart.core.errors import DataError, OptionError, SourceError
from headstart.core.registry import get
from headstart.data import load, read_items
from headstart.data.image import open_image
from headstart.data.modalities import Modality, get_modality, item_modalities
from headstart.data.modalities.text import Text
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.exports.comparing import open_exported
from headstart.sources import find
from headstart.sources.card import read_card
from headstart.testing import checks_of


@pytest.mark.parametrize("check", checks_of("modalities"), ids=str)
def test_every_modality(check):
    check()


@pytest.mark.parametrize("name", [one.name for one in item_modalities()])
def test_the_usual_source_reads_it(name):
    assert find(get_modality(name).default_source).modality == name


def test_a_graph_that_takes_files_decodes_them(tmp_path):
    image, paths = get_modality("image"), [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        get("examples.modalities", "image").write(path, seed)
    graph = GraphBuilder()
    declared = image.declare(graph, are_files=True)
    graph.output(graph.op("Identity", declared), "same", "uint8", ["batch", "height", "width", 3])
    session = open_exported(graph.model().SerializeToString(), has_extensions=True)
    for feeds, same in image.feeds(paths, are_files=True):
        np.testing.assert_array_equal(session.run(None, feeds)[0], [np.asarray(open_image(item)) for item in same])


class Word(Text):
    """A toy of a plugin: one word in capital letters."""

    name = "word"
    singular, plural = "word", "words"
    order = 5
    column_names = ("word",)
    suffixes = frozenset({".word"})
    could_be_label = False
    python_values = "capital letters"

    def is_value(self, value):
        return isinstance(value, str) and value.isupper() and value.isalpha()

    def recognises(self, cells, folder=None):
        return bool(cells) and all(map(self.is_value, cells))


@pytest.fixture
def word(monkeypatch):
    """A registered toy, as an entry point would register it."""
    kept = registry._parts("modalities")
    point = EntryPoint("word", f"{__name__}:Word", "headstart.modalities")
    monkeypatch.setattr(EntryPoint, "load", lambda self, _load=EntryPoint.load: Word if self == point else _load(self))
    monkeypatch.setitem(kept, "word", point)
    yield get_modality("word")
    get_modality.cache_clear()


class TestPlugin:
    def test_a_table_is_loaded_with_it(self, word):
        rows = {"note": ["a note", "another"] * 10, "word": ["KIWI", "PLUM"] * 10, "label": ["a", "b"] * 10}
        dataset = load(rows)
        assert (dataset.modality, dataset.columns["input"]) == ("word", "word")
        assert list(dataset.items[:2]) == ["KIWI", "PLUM"]
        assert any("the words are taken from column 'word'" in notice.message for notice in dataset.notices)

    def test_a_folder_is_loaded_with_it(self, word, tmp_path):
        for place in range(8):
            path = tmp_path / "ab"[place % 2] / f"{place}.word"
            path.parent.mkdir(exist_ok=True)
            path.write_text("KIWI")
        assert load(tmp_path).modality == "word"

    def test_items_are_read_with_it(self, word):
        assert list(read_items(["KIWI", "PLUM"], modality="word").items) == ["KIWI", "PLUM"]
        with pytest.raises(DataError, match="takes words. Give capital letters"):
            read_items([1, 2], modality="word")

    def test_a_card_may_name_it(self, word, tmp_path):
        card = tmp_path / "a.toml"
        card.write_text('modality = "word"')
        with pytest.raises(SourceError) as caught:  # other fields are missing, the modality is known
            read_card(card)
        assert "modality" not in str(caught.value)

    def test_gone_with_the_plugin(self):
        with pytest.raises(OptionError, match="no modality named 'word'"):
            get_modality("word")


def test_the_base_class_names_what_a_modality_must_do():
    with pytest.raises(TypeError, match="abstract"):
        Modality()


def test_a_missing_category_is_fed_as_the_graph_knows_it() -> None:
    fed, values = next(iter(get_modality("category").feeds([None, "a"], are_files=False)))
    assert fed["category"].tolist() == ["", "a"]
    assert values == [None, "a"]
