"""The form of a table's page in a real browser: it reads cells and prepares rows as Python does, to the last bit."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from tiny_bundle import TinyHead, make_bundle, make_schema
from tiny_table import TABLE_ROWS, TableNetwork, make_table_bundle
from web_pages import PREPARED, opened

from headstart.core.dataset import Field
from headstart.data.table_cells import read_category, read_number
from headstart.data.written_numbers import WrittenNumbers
from headstart.packaging import exports, load_bundle
from headstart.packaging.exports import export
from headstart.sources.preprocessors.columns import learn_columns
from headstart.sources.preprocessors.joint import JointPreprocessor
from headstart.sources.preprocessors.renamed import FilledField, RenamedFields
from headstart.testing.tiny_report import make_report

pytestmark = pytest.mark.downloads
READY = "Answered in"
PROFILES = tuple(
    {"name": name, "modality": kind, "missing": 0.0, "quantiles": [low, low, low, middle, high, high, high]}
    for name, kind, low, middle, high in (
        ("Größe (cm)", "number", 150.0, 170.5, 190.0),
        ("seen, last", "date", 1_499_990_400.0, 1_600_041_600.0, 1_699_920_000.0),
        ("debt", "number", -4.0, 3.0, 3.0),
    )
)
NUMBERS = [*"0 -1.5 .5 5. +3 1e5 1e-400 1e400 1_000 1,5 inf nan NA many - ? none".split(), "", " 7 ", "٣٤", "\U0001d7dc\U0001d7da", "0x10", "1 2", "\x1c5\u3000",
    "$1,299.00", "1.299,00 EUR", "1,5 EUR", "(12.50)", "15.-", "5 %", "-$ 3", "$-3", "10 kg", "2k", "3 M", "1 234", "1'234.5", "12,34,567", "3 constructor",
    "1.250", "1.2.3", "−4", "USD 5", "5 m/s²", "4th", "1 °C", "12 EUR/m", "1,2,3"]  # fmt: skip  # noqa: RUF001
WRITTEN = [
    "",
    ",|EUR|",
    ".|$",
    ",|EUR",
    ".|kg",
    ".|k|M",
    ".||%",
    ",",
    ".|constructor",
    ".|m/s²",
    ".|°C|USD",
    ".|th",
    ".|EUR/m",
]
CATEGORIES = [
    "",
    " red ",
    "NA",
    "n/a",
    "?",
    "TRUE",
    "false",
    "a\t b",
    "e\u0301",
    "\u200b",
    "x\u200by",
    "x\u200dy",
    "constructor",
    "None",
    "<NA>",
    "#N/A",
    "1.0",
]
READ = """async ([cells, written]) => {
  const { readNumber, readCategory } = await import("/cells.js");
  return cells.map((cell) => written === null ? readCategory(cell) : readNumber(cell, written));
}"""
DATES = """async (values) => {
  const { readDate } = await import("/cells.js");
  return values.map(readDate);
}"""
PREPARE = """async ([kind, settings, files, item]) => {
  const prepare = await (await import("/model.js")).inputOf(kind, settings, files);
  return Object.fromEntries(Object.entries(await prepare(item)).map(([name, { data }]) => [name, Array.from(data, Number)]));
}"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_table_bundle(tmp_path_factory.mktemp("table") / "bundle", profiles=PROFILES))


@pytest.fixture(scope="module")
def address(bundle, tmp_path_factory, serve):
    folder = tmp_path_factory.mktemp("table") / "page"
    export(bundle, "web", folder)
    for kind in ("joint", "renamed"):  # that this bundle does not need, but tests do
        shutil.copy(resources.files(exports) / "web_page" / "inputs" / f"{kind}.js", folder / "inputs")
    return serve(folder)[1]


@pytest.fixture
def page(browser, address):
    return opened(browser, address, READY)


def same(found, wanted):
    np.testing.assert_array_equal(np.array(found, np.float32), np.array(wanted, np.float32))


@pytest.mark.parametrize("written", WRITTEN)
def test_numbers_are_read_as_python_reads_them(page, written):
    found = page.evaluate(READ, [NUMBERS, written])
    rule = WrittenNumbers.from_word(written) if written else None
    for cell, number in zip(NUMBERS, found, strict=True):
        wanted = read_number(cell, rule)
        assert number == wanted or (wanted is not None and math.isnan(wanted) and math.isnan(number)), (cell, written)


def test_categories_are_read_as_python_reads_them(page):
    assert page.evaluate(READ, [CATEGORIES, None]) == [read_category(cell) for cell in CATEGORIES]


def test_dates_are_read_as_python_reads_them(page, bundle):
    date = bundle.reads.modalities["seen, last"]
    values = ["2024-02-29", "0001-01-01", "1969-12-31T23:59:59", "2026-01-31T12:30", "2026-01-31T12:30:15.5"]
    assert page.evaluate(DATES, values) == [date.receive(value) for value in values]
    assert page.evaluate(DATES, ["12345-01-01", "soon"]) == [None, None]


def test_rows_are_prepared_to_the_last_bit(page, bundle):
    rng = np.random.default_rng(3)
    odd = [1e300, -1e31, 1e-320, -0.0, 0.1, 16777217.0, float("nan"), *rng.normal(size=20) * 1e6]
    dates = [0.0, -1.0, 946684800.0, 253402300799.0, -62135596800.0, *(rng.uniform(-1e10, 1e10, 22))]
    levels = ["a", "b", "", "never seen", "constructor", "__proto__"]
    rows = [
        {
            "Größe (cm)": float(number),
            "class": levels[i % len(levels)],
            "seen, last": float(date),
            "debt": float(number),
        }
        for i, (number, date) in enumerate(zip(odd, dates, strict=True))
    ]
    for row in (*TABLE_ROWS, *rows):
        same(page.evaluate(PREPARED, row)["columns"], bundle.input.transform([row])["columns"][0])


def test_columns_inside_other_inputs(page):
    reader = learn_columns([{"cost": 2.0, "job": "cook"}], (Field("cost", "number"), Field("job", "category")))
    fields = (FilledField(field=Field("cost", "number"), given="price", scale=0.01),)
    scaled = RenamedFields(inner=reader, fields=(*fields, FilledField(field=Field("job", "category"), given=None)))
    alone = replace(scaled, is_alone=True)
    one = learn_columns([3.0], (Field("age", "number"),), is_alone=True)
    cases = [
        (scaled, {"price": 230.0}),
        (alone, 230.0),
        (one, 7.5),
        (JointPreprocessor(inputs=(one, scaled), fields=("price", None)), {"price": 0.7}),
    ]
    for prepared, item in cases:
        files = {name: content.decode() for name, content in prepared.files().items()}
        found = page.evaluate(PREPARE, [prepared.kind, prepared.settings(), files, item])
        for name, array in prepared.transform([item]).items():
            same(found[name], array[0])


def test_the_form_begins_with_a_usual_row_and_its_answer(page, bundle):
    assert page.get_by_label("Größe (cm)").input_value() == "170.5"
    assert page.get_by_label("class").input_value() == "a"
    assert page.get_by_label("seen, last").input_value() == "2020-09-14"
    assert page.get_by_text("usually 150 to 190").is_visible()
    expect_answer(page, bundle, {"Größe (cm)": 170.5, "class": "a", "seen, last": "2020-09-14", "debt": 3.0})


def test_what_is_filled_in_is_answered(page, bundle):
    page.get_by_label("Größe (cm)").fill("")
    page.get_by_label("class").select_option("b")
    page.get_by_label("seen, last").fill("1999-12-31")
    page.get_by_label("debt").fill("-3e1")
    page.get_by_role("button", name="Predict").click()
    expect_answer(page, bundle, {"Größe (cm)": None, "class": "b", "seen, last": "1999-12-31", "debt": -30.0})
    page.get_by_label("class").select_option("not known")
    expect_answer(page, bundle, {"Größe (cm)": None, "class": None, "seen, last": "1999-12-31", "debt": -30.0})
    assert page.problems == []


def expect_answer(page, bundle, row):
    answer = bundle.predictions([bundle.reads.receive(row)])[0]
    page.locator("#best", has_text=answer.label).wait_for()
    page.get_by_text(f"{100 * answer.probability:.1f} %", exact=True).wait_for()


def test_what_is_no_number_is_said_and_leaves_no_answer(page):
    page.get_by_label("debt").fill("many")
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("'debt' holds 'many' where a number was expected. Write it as 3, or leave it empty.").wait_for()
    assert not page.locator("#best").is_visible()
    assert page.get_by_label("debt").get_attribute("aria-invalid") == "true"


def test_a_single_column_many_levels_decimal_commas_and_an_interval(browser, serve, tmp_path):
    fields = (Field("price", "number", ",|EUR"), Field("town", "category"), Field("when", "date"))
    rows = [{"price": i + 0.5, "town": f"town {i}", "when": 86_400.0 * i + 60} for i in range(300)]
    network = TableNetwork(rows, fields)
    bundle = load_bundle(make_value_bundle(tmp_path / "bundle", network, fields, rows))
    export(bundle, "web", tmp_path / "page")
    page = opened(browser, serve(tmp_path / "page")[1], READY)
    assert page.get_by_label("price").input_value() == "149,5 EUR"
    assert page.get_by_label("when").input_value() == "1970-05-30T00:01"
    assert page.get_by_text("one of 300; any other counts as never seen").is_visible()
    page.get_by_label("price").fill("1.250,25 EUR")
    page.get_by_label("town").fill(" town  299 ")
    page.get_by_label("when").fill("")
    page.get_by_role("button", name="Predict").click()
    value = float(bundle.predict([{"price": 1250.25, "town": "town 299", "when": math.nan}])[0])
    page.locator("#best", has_text=f"worth: {value:.6g}").wait_for()
    low, high = (f"{bound:.4g}" for bound in (value - 2.5, value + 2.5))
    page.get_by_text(f"{low} to {high}: the true value is in such an interval 90 times in 100.").wait_for()
    assert page.problems == []


def make_value_bundle(folder, network, fields, rows):
    class Predictor:
        name, head = "value", TinyHead(np.ones((network.dimensions, 1)) / 8, "Identity")

        def __init__(self):
            self.network = network

        def predict(self, items):
            return self.head.outputs(network.features(items))

    schema = make_schema(name="worth", modality="row", task="regression", labels=("worth",), fields=fields)
    quantiles = {"price": [149.5] * 7, "when": [86_400.0 * 149 + 60] * 7}
    profiles = [{"name": name, "modality": "", "missing": 0.0, "quantiles": found} for name, found in quantiles.items()]
    interval = {"coverage": 0.9, "half_width": 2.5}
    report = make_report(profiles=tuple(profiles), prediction_set=interval)
    return make_bundle(folder, predictor=Predictor(), schema=schema, check_items=rows[:3], report=report, moments=None)
