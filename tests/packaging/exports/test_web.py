"""The page in a real browser: it prepares and answers as Python does, asks nobody for anything, and opens without a network."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import LABELS, TinyHead, make_bundle, make_predictor, make_schema
from tiny_rows import ROWS, TEXT_AND_PHOTO, TWO_TEXTS, make_rows_bundle
from web_pages import PREPARED, opened

from headstart.core.errors import OptionError, StorageError
from headstart.packaging import load_bundle
from headstart.packaging.exports import export
from headstart.packaging.exports.web import _kinds
from headstart.sources.preprocessors.characters import CharacterVectorizer
from headstart.sources.preprocessors.ngrams import NgramVectorizer
from headstart.sources.preprocessors.nothing import NoPreprocessor
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.sources.preprocessors.text_shape import TextShape
from headstart.sources.preprocessors.tokens import TextTokenizer

TEXTS = [
    "What is the capital of Austria?",
    "",
    "  naïve CAFÉ\n漢字 👍 ß İstanbul \t don't—“quoted” 50% @me http://a.b/c?d=e_f ",
    "They charged my card twice, and I've been waiting since 3/11/2024 for $1,234.56!!",
    "word " * 900,
    "x" * 4000,
    "[CLS] a [SEP] <s> b </s>",
]
pytestmark = pytest.mark.downloads


@pytest.fixture(scope="module")
def photos(tmp_path_factory, serve):
    """A bundle for photos, the page of it, and where that is served."""
    folder = tmp_path_factory.mktemp("web")
    bundle = load_bundle(make_bundle(folder / "fruit"))
    export(bundle, "web", folder / "page")
    server, address = serve(folder / "page")
    return SimpleNamespace(bundle=bundle, folder=folder / "page", server=server, address=address)


@pytest.fixture(scope="module")
def page(browser, photos):
    return opened(browser, photos.address)


def as_text(content):
    return base64.b64encode(content).decode()


RESAMPLE = """async ([settings, width, height, text]) => {
  const { make } = await import("/inputs/pixels.js");
  const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const { pixels } = await (await make(settings))({ data, width, height, channels: 3 });
  return Array.from(pixels.data);
}"""
OUTPUTS = """async (text) => {
  window.model ??= await (await import("/model.js")).open();
  const photo = new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]);
  return [await model.outputs(photo), Array.from((await model.prepare(photo)).pixels.data)];
}"""


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize(
    ("width", "height"), [(31, 47), (348, 464), (464, 348), (90, 600), (1, 1), (333, 1000), (1200, 900)]
)
def test_the_page_resamples_as_pillow_to_the_last_bit(page, width, height, resize):
    coarse = np.random.default_rng(width).integers(0, 2, (height // 5 + 1, width // 5 + 1, 3), np.uint8) * 255
    photo = np.ascontiguousarray(coarse.repeat(5, axis=0).repeat(5, axis=1)[:height, :width])
    prepared = ImagePreprocessor(height_px=60, width_px=48, resize=resize)
    found = page.evaluate(RESAMPLE, [prepared.settings(), width, height, as_text(photo.tobytes())])
    np.testing.assert_array_equal(np.array(found).reshape(60, 48, 3), prepared.transform([photo])["pixels"][0])


def test_real_photos_have_the_same_pixels_and_answers(page, photos, real_data):
    files = sorted((real_data("groceries") / "test").rglob("*.jpg"))[::66]
    wanted, pixels = photos.bundle.predict_proba(files), photos.bundle.input.transform(files)["pixels"]
    for file, outputs, prepared in zip(files, wanted, pixels, strict=True):
        found, same = page.evaluate(OUTPUTS, as_text(file.read_bytes()))
        np.testing.assert_array_equal(np.array(same).reshape(prepared.shape), prepared)
        np.testing.assert_allclose(found, outputs, atol=1e-5)


@pytest.mark.parametrize("kind", ["turned", "transparent", "grey", "palette"])
def test_photos_of_other_kinds(page, photos, tmp_path, kind):
    pixels = np.linspace(0, 255, 40 * 30 * 3).astype(np.uint8).reshape(40, 30, 3)
    image, path = Image.fromarray(pixels), tmp_path / "photo.png"
    if kind == "turned":
        exif, path = Image.Exif(), tmp_path / "photo.jpg"
        exif[0x0112] = 6
        image.save(path, exif=exif, quality=95)
    elif kind == "transparent":
        image.putalpha(Image.fromarray(pixels[:, :, 0]))
        image.save(path)
    else:
        image.convert("L" if kind == "grey" else "P").save(path)
    found, _ = page.evaluate(OUTPUTS, as_text(path.read_bytes()))
    np.testing.assert_allclose(
        found, photos.bundle.predict_proba([path])[0], atol=2e-2 if kind == "transparent" else 1e-5
    )


def test_a_photo_is_chosen_and_its_labels_are_shown(page, photos, tmp_path):
    Image.new("RGB", (40, 30), (200, 30, 30)).save(tmp_path / "red.png")
    page.set_input_files("#file", tmp_path / "red.png")
    answer = photos.bundle.predictions([tmp_path / "red.png"], top=3)[0]
    page.locator("#best", has_text=answer.label).wait_for()
    page.get_by_text("Answered in").wait_for()
    assert page.locator("#labels .label").all_inner_texts() == [label for label, _ in answer.top]
    assert page.locator("#labels .share").first.inner_text() == f"{100 * answer.probability:.1f} %"
    assert page.locator("#picture").is_visible()
    assert page.problems == []


def test_what_is_no_photo_is_said(page, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    page.set_input_files("#file", tmp_path / "notes.txt")
    page.get_by_text("This is no picture that your browser can read").wait_for()
    assert not page.locator("#best").is_visible()


def test_the_camera(page):
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    page.get_by_text("Answered in").wait_for()
    assert page.locator("#best").inner_text() in LABELS
    assert not page.locator("#video").is_visible()
    assert page.problems == []


def test_it_asks_nobody_else_and_opens_without_a_network(browser, serve, photos):
    server, address = serve(photos.folder)
    page = browser.new_context().new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_text("to see what the model says").wait_for()
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()
    server.shutdown()
    server.server_close()
    page.reload()
    page.get_by_text("to see what the model says").wait_for()
    assert page.title() == "fruit"


class SumNetwork:
    """The sum of what the input prepares: a network that any kind of input can stand in front of."""

    name, modality, dimensions, digest = "sum", "text", 1, "0" * 64

    def __init__(self, prepared):
        self.input = prepared

    def encode(self, graph):
        rows = []
        for name, array in self.input.transform(["some text"]).items():
            kind = {"int64": "int64", "float32": "float32"}[array.dtype.name]
            rows.append(graph.op("Cast", graph.input(name, kind, ["batch", "length"][: array.ndim]), to=1))
        if len(rows) == 1 and array.ndim == 2:
            return graph.op("ReduceSum", *rows, graph.constant(np.array([1], np.int64)), keepdims=1)
        if len(rows) == 1:
            return graph.op("Reshape", rows[0], graph.constant(np.array([-1, 1], np.int64)))
        product = graph.op("Mul", *rows)
        return graph.op("ReduceSum", product, graph.constant(np.array([1], np.int64)), keepdims=1)


def text_page(folder, prepared, browser, serve):
    network = SumNetwork(prepared)

    def predict(items):
        arrays = [array.astype(np.float64) for array in prepared.transform(items).values()]
        return np.prod(np.broadcast_arrays(*arrays), axis=0).reshape(len(items), -1).sum(axis=1, keepdims=True)

    predictor = SimpleNamespace(
        name="sum", network=network, head=TinyHead(np.ones((1, 1)), "Identity"), predict=predict
    )
    schema = make_schema(modality="text", task="regression", labels=("sum",))
    bundle = load_bundle(make_bundle(folder / "bundle", predictor=predictor, schema=schema, check_items=["some text"]))
    export(bundle, "web", folder / "page")
    return bundle, opened(browser, serve(folder / "page")[1])


@pytest.mark.parametrize("source", ["wordllama-256", "all-minilm-l6-v2", "smollm2-135m"])
def test_texts_have_the_same_tokens(browser, serve, tmp_path, source):
    from headstart.sources import open_source

    real = open_source(source).input
    prepared = TextTokenizer(real.tokenizer, max_tokens=64, special_tokens=real.special_tokens)
    bundle, page = text_page(tmp_path, prepared, browser, serve)
    for text in TEXTS:
        wanted = {name: array[0].tolist() for name, array in bundle.input.transform([text]).items()}
        assert page.evaluate(PREPARED, text) == wanted, text
    page.get_by_label("Your text").fill(TEXTS[0])
    page.get_by_role("button", name="Predict").click()
    value = float(bundle.predict([TEXTS[0]])[0])
    page.get_by_text(f"sum: {value:.0f}").wait_for()
    assert page.problems == []


def test_terms_are_counted_as_python_counts_them(browser, serve, tmp_path):
    terms = ("free", "free call", "!", "call !", "café", "ß", "漢字", "don", "'", "don '", "50", "%")
    bundle, page = text_page(tmp_path, NgramVectorizer(vocabulary=terms, max_words=2), browser, serve)
    for text in [*TEXTS, "FREE call! free\x1ccall", "Café ß 漢字 don't 50%"]:
        wanted = {name: array[0].tolist() for name, array in bundle.input.transform([text]).items()}
        assert page.evaluate(PREPARED, text) == wanted, text


def test_characters_are_counted_as_python_counts_them(browser, serve, tmp_path):
    terms = (" f", "ree ", "l!", "é ", " ß ", "漢字", "'t", "👍", "xxxxx", "50%")
    bundle, page = text_page(tmp_path, CharacterVectorizer(vocabulary=terms), browser, serve)
    for text in [*TEXTS, "FREE call! free\x1ccall", "Café ß 漢字 don't 50%\ufeffa"]:
        wanted = {name: array[0].tolist() for name, array in bundle.input.transform([text]).items()}
        assert page.evaluate(PREPARED, text) == wanted, text


def test_the_shape_of_texts_is_counted_as_python_counts_it(browser, serve, tmp_path):
    bundle, page = text_page(tmp_path, TextShape(), browser, serve)
    for text in [
        *TEXTS,
        "FREE call! free\x1ccall “now” for £5\nor ask@me.at",
        "ÄÖ \u0391\u0392?!... \u0411\u0423 漢字-\x85a\u2003b",
    ]:
        wanted = {name: array[0].tolist() for name, array in bundle.input.transform([text]).items()}
        assert page.evaluate(PREPARED, text) == wanted, text


def test_a_model_that_looks_at_nothing(browser, serve, tmp_path):
    _, page = text_page(tmp_path, NoPreprocessor(), browser, serve)
    assert page.evaluate(PREPARED, "whatever") == {"rows": [0]}


def test_several_labels_are_all_given(browser, serve, tmp_path):
    predictor, schema = make_predictor("Sigmoid"), make_schema(task="multilabel")
    bundle = load_bundle(make_bundle(tmp_path / "bundle", predictor=predictor, schema=schema))
    export(bundle, "web", tmp_path / "page")
    page = opened(browser, serve(tmp_path / "page")[1])
    Image.new("RGB", (4, 4), (90, 250, 120)).save(tmp_path / "photo.png")
    page.set_input_files("#file", tmp_path / "photo.png")
    page.get_by_text("Answered in").wait_for()
    answer = bundle.predictions([tmp_path / "photo.png"])[0]
    given = [label for label, share in answer.top if share >= 0.5]
    assert page.locator("#best").inner_text() == (", ".join(given) or "none")


def rows_page(folder, fields, browser, serve):
    bundle = load_bundle(make_rows_bundle(folder / "bundle", fields))
    export(bundle, "web", folder / "page")
    return bundle, opened(browser, serve(folder / "page")[1], ready="Fill in the fields to see")


def test_two_texts(browser, serve, tmp_path):
    bundle, page = rows_page(tmp_path, TWO_TEXTS, browser, serve)
    for row in ROWS:
        wanted = {name: array[0].tolist() for name, array in bundle.input.transform([row]).items()}
        assert page.evaluate(PREPARED, row) == wanted
        page.get_by_label("subject").fill(row["subject"])
        page.get_by_label("body").fill(row["body"])
        page.get_by_role("button", name="Predict").click()
        answer = bundle.predictions([row])[0]
        page.locator("#best", has_text=answer.label).wait_for()
        page.get_by_text(f"{100 * answer.probability:.1f} %", exact=True).first.wait_for()
    assert not (tmp_path / "page" / "controls" / "image.js").exists()
    assert page.problems == []


def test_a_text_and_a_photo(browser, serve, tmp_path):
    bundle, page = rows_page(tmp_path, TEXT_AND_PHOTO, browser, serve)
    page.get_by_label("subject").fill("kiwi lime")
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("There is no photo for 'photo' yet").wait_for()
    Image.new("RGB", (40, 30), (30, 200, 90)).save(tmp_path / "photo.png")
    page.set_input_files("#file-2", tmp_path / "photo.png")
    assert not page.locator("#best").is_visible()
    page.get_by_role("button", name="Predict").click()
    answer = bundle.predictions([{"subject": "kiwi lime", "photo": tmp_path / "photo.png"}])[0]
    page.locator("#best", has_text=answer.label).wait_for()
    page.get_by_text(f"{100 * answer.probability:.1f} %", exact=True).first.wait_for()
    assert page.problems == []


def test_the_folder_says_what_it_is_and_is_written_over(photos, tmp_path):
    about = json.loads((photos.folder / "bundle.json").read_text())
    assert (about["labels"], about["modality"]) == (list(LABELS), "image")
    assert "onnxruntime-web 1.30.0: MIT" in (photos.folder / "runtime" / "README.txt").read_text()
    record = export(photos.bundle, "web", tmp_path / "page")
    assert record["format"] == "web"
    before = {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir() if path.is_file()}
    export(photos.bundle, "web", tmp_path / "page")
    assert {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir() if path.is_file()} == before


def test_a_folder_with_other_things_is_left_alone(photos, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StorageError, match="holds other things"):
        export(photos.bundle, "web", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("kind", ["sound", "../model", "resample"])
def test_an_input_that_no_browser_prepares(kind):
    for described in (
        {"kind": kind, "settings": {}},
        {"kind": "joint", "settings": {"parts": [{"kind": kind, "settings": {}}]}},
    ):
        with pytest.raises(OptionError, match="its input is of the kind"):
            _kinds(described)
