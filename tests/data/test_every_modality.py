"""What every modality promises, built in or a plugin's: recognised, read, cleaned, hashed, sent, shown, and put into a graph."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest
from PIL import Image as Pillow

from headstart.core import registry
from headstart.core.errors import DataError, OptionError, SourceError
from headstart.data import load, read_items
from headstart.data.image import open_image
from headstart.data.modalities import Modality, all_modalities, get_modality, modality_names
from headstart.data.modalities.text import Text
from headstart.data.schema import guess_schema
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.exports.comparing import open_exported
from headstart.sources import find
from headstart.sources.card import read_card

NAMES = modality_names()


def write_image(path, seed):
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path)


def write_text(path, seed):
    path.write_text(f"this is the text with the number {seed}")


WRITERS = {"image": (write_image, ".png"), "text": (write_text, ".txt")}


@pytest.fixture(params=NAMES)
def modality(request):
    return get_modality(request.param)


@pytest.fixture
def paths(modality, tmp_path):
    """Three files of the modality, the third with the content of the first, in two folders of classes."""
    write, suffix = WRITERS[modality.name]
    found = [tmp_path / folder / f"{place}{suffix}" for place, folder in enumerate(("kiwi", "plum", "plum"))]
    for path, seed in zip(found, (1, 2, 1), strict=True):
        path.parent.mkdir(exist_ok=True)
        write(path, seed)
    return found


class TestEveryModality:
    def test_has_all_its_words(self, modality):
        assert modality.name in NAMES
        assert modality.plural in {f"{modality.singular}s", modality.plural}
        assert modality.one.endswith(f" {modality.singular}")
        assert modality.column_names
        assert find(modality.default_source).modality == modality.name
        assert compile(modality.loading_code, "card", "eval")

    def test_names_and_suffixes_are_no_other_modalitys(self, modality):
        others = [other for other in all_modalities() if other.name != modality.name]
        assert not any(modality.suffixes & other.suffixes for other in others)
        assert not any(set(modality.column_names) & set(other.column_names) for other in others)

    def test_recognises_its_own_column_before_others(self, modality, paths):
        cells = [modality.read_file(path) for path in paths] * 4
        sample = {"number": list(range(12)), modality.column_names[0]: cells, "label": ["kiwi", "plum", "plum"] * 4}
        schema = guess_schema(sample, "the table", None)
        assert (schema.modality, schema.inputs[0].name) == (modality.name, modality.column_names[0])
        assert any(modality.plural in notice.message for notice in schema.guesses)

    def test_a_folder_is_loaded(self, modality, paths, tmp_path):
        write, suffix = WRITERS[modality.name]
        for seed in range(3, 9):
            write(tmp_path / ("kiwi", "plum")[seed % 2] / f"{seed}{suffix}", seed)
        dataset = load(tmp_path)
        assert (dataset.modality, len(dataset), dataset.labels) == (modality.name, 9, ("kiwi", "plum"))

    def test_files_are_read_together_as_alone(self, modality, paths):
        root = paths[0].parent.parent
        found = modality.read_files(root, [str(path.relative_to(root)) for path in paths])
        assert not found.wrong
        assert [modality.key(item) for item in found.items] == [modality.key(modality.read_file(p)) for p in paths]

    def test_a_damaged_file_is_named(self, modality, tmp_path):
        path = tmp_path / f"a{WRITERS[modality.name][1]}"
        path.write_bytes(b"\x00\x01\x02\x00" * 64)
        with pytest.raises(DataError, match="^'.*a[.]") as caught:
            modality.read_file(path)
        assert modality.read_files(tmp_path, [path.name]).wrong[0].rstrip(".") in str(caught.value)

    def test_a_named_file_of_another_modality_is_refused(self, modality, tmp_path):
        for other in all_modalities():
            if other.name != modality.name:
                write, suffix = WRITERS[other.name]
                write(tmp_path / f"a{suffix}", 0)
                with pytest.raises(DataError, match=f"is {other.one}, but this model takes {modality.plural}"):
                    read_items(tmp_path / f"a{suffix}", modality=modality.name)

    def test_cleaning_keeps_what_is_sound(self, modality, paths):
        items = [modality.read_file(path) for path in paths]
        cleaned = modality.clean(items, None)
        assert not cleaned.wrong
        assert modality.blanks(cleaned.items) == []
        assert modality.misfit(items) is None
        assert [modality.key(item) for item in cleaned.items] == [modality.key(item) for item in items]
        assert [modality.key(item) for item in modality.pack(items)] == [modality.key(item) for item in items]

    def test_equal_contents_have_equal_keys(self, modality, paths):
        first, other, again = (modality.key(modality.read_file(path)) for path in paths)
        assert first == again != other
        assert len(first) == 16

    def test_batches_hold_one_item_however_long(self, modality):
        sizes = [modality.size(modality.example), 1 << 30]
        assert modality.most_together(sizes[0]) >= 1
        assert modality.most_together(sizes[1]) <= modality.most_together(sizes[0])

    def test_what_is_given_is_received(self, modality, paths):
        for item in [modality.example, *(modality.read_file(path) for path in paths)]:
            assert modality.key(modality.receive(modality.give(item))) == modality.key(item)
        with pytest.raises(DataError, match=f"{modality.one} was expected"):
            modality.receive(7)

    def test_a_received_item_of_reasonable_size_passes(self, modality):
        modality.check_size(modality.receive(modality.give(modality.example)), max_pixels=10_000)

    def test_a_preview_becomes_an_item_again(self, modality, paths):
        for path in paths:
            shown = modality.preview(modality.read_file(path))
            assert set(shown) <= {"thumbnail", "text"}
            again = modality.from_preview(shown)
            assert set(modality.preview(again)) == set(shown)
        assert modality.from_preview({"id": "7"}) is None

    def test_items_are_made_up_where_there_are_none(self, modality):
        made = modality.stand_ins(["kiwi", "plum"])
        assert made
        assert not modality.clean(made, None).wrong

    def test_fixed_items_are_always_the_same(self, modality):
        settings = find(modality.default_source).input
        once, again = modality.fixed_items(settings), modality.fixed_items(settings)
        assert [modality.key(item) for item in once] == [modality.key(item) for item in again]
        assert modality.key(once.reference) != modality.key(once.other)

    @pytest.mark.parametrize(
        ("modality", "are_files"),
        [
            (name, are_files)
            for name in NAMES
            for are_files in (True, False)
            if are_files or get_modality(name).is_array
        ],
        indirect=["modality"],
    )
    def test_the_graph_takes_what_it_is_fed(self, modality, paths, are_files):
        graph, kind = GraphBuilder(), "uint8" if modality.is_array else "string"
        declared = modality.declare(graph, are_files=are_files)
        axes = ["batch", "height", "width", 3] if modality.is_array else ["batch"]
        graph.output(graph.op("Identity", declared), "same", kind, axes)
        model = graph.model()
        session = open_exported(model.SerializeToString(), has_extensions=len(model.opset_import) > 1)
        items = [modality.read_file(path) for path in paths]
        n_fed = 0
        for feeds, same in modality.feeds(items, are_files=are_files):
            rows = session.run(None, feeds)[0]
            expected = [np.asarray(open_image(item)) if modality.is_array else item for item in same]
            np.testing.assert_array_equal(rows, np.array(expected, dtype=rows.dtype))
            n_fed += len(same)
        assert n_fed == len(items)


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
