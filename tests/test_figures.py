"""Lists and figures in the pages are those of the code: of its registries, cards, presets, options and constants."""

import re
import tomllib

import pytest
import typer

import headstart
from headstart.cli.app import app
from headstart.data import demo, image, list_demos, load
from headstart.data.modalities import get_modality
from headstart.pipeline.presets import preset_named
from headstart.sources import cards
from headstart.testing import KINDS
from pages import PAGES, ROOT, WORDS, page

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMMANDS = typer.main.get_command(app).commands


def table(name: str, *header: str) -> list[list[str]]:
    """The cells of the rows below the line that begins with these column heads."""
    lines = (ROOT / name).read_text().splitlines()
    (start,) = [i for i, line in enumerate(lines) if line.startswith("| " + " | ".join(header) + " |")]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


@pytest.mark.parametrize(
    ("name", "header", "kind"),
    [
        ("docs/adapt.md", ("name", "what it is", "for"), "heads"),
        ("docs/tune.md", ("`--tune`",), "tuning_methods"),
        ("docs/rank.md", ("ranker",), "rankers"),
        ("docs/prove.md", ("name", "for"), "baselines"),
        ("docs/compress.md", ("method",), "compression_methods"),
        ("docs/update.md", ("challenger",), "challengers"),
    ],
)
def test_a_table_lists_every_registered_part(name, header, kind):
    listed = [row[0].strip("`") for row in table(name, *header)]
    assert sorted(listed) == sorted(PROJECT["project"]["entry-points"][f"headstart.{kind}"])


@pytest.mark.parametrize("name", ["docs/export.md", "docs/cli.md"])
def test_a_table_lists_every_format_of_export(name):
    written = re.findall(r"^\| `--(\w+) (?:OUT|DIR)` \|", (ROOT / name).read_text(), flags=re.MULTILINE)
    assert sorted(written) == sorted(PROJECT["project"]["entry-points"]["headstart.exports"])


def test_the_architecture_lists_every_group_of_parts_and_where_it_is_tested():
    groups = {row[0].strip("`"): re.findall(r"`(\S+)`", row[2]) for row in table("docs/architecture.md", "group")}
    registered = {group for group in PROJECT["project"]["entry-points"] if not group.startswith("headstart.examples.")}
    assert set(groups) == registered
    stated = [words for found in groups.values() for words in found]
    assert not [words for words in stated if words not in KINDS and not (ROOT / words).exists()]


def test_the_architecture_names_layers_and_contracts_as_they_are_checked():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    (layers,) = [
        contract["layers"] for contract in contracts if contract["type"] == "layers" and "exhaustive" in contract
    ]
    (named,) = re.findall(r"```text (core < .*?) ```", page("docs/architecture.md"))
    assert [set(layer.split(", ")) for layer in named.split(" < ")] == [
        set(layer.split(" | ")) for layer in reversed(layers)
    ]
    independent = [contract for contract in contracts if contract["type"] == "independence"]
    assert f"{WORDS[len(independent)].capitalize()} more: heads" in page("docs/architecture.md")


def test_the_architecture_says_how_long_a_network_is():
    files = [f for f in (ROOT / "src/headstart/sources/networks/onnx").glob("*.py") if f.name != "__init__.py"]
    lengths = [len(file.read_text().splitlines()) for file in files]
    assert f"(those here take {min(lengths)} to {max(lengths)} lines)" in page("docs/architecture.md")


@pytest.mark.usefixtures("cache")  # which has no sources of a user's own
class TestSources:
    def test_the_table_is_made_of_the_cards(self):
        listed = {row[0].strip("`"): row[2:] for row in table("docs/find.md", "source", "for")}
        stated = {
            card.name: [f"{card.parameters / 1e6:.1f} million", str(card.dimensions), card.license] for card in cards()
        }
        assert listed == stated

    def test_the_readme_counts_them(self):
        kinds = [card.modality for card in cards()]
        photos, texts = (WORDS[kinds.count(kind)] for kind in ("image", "text"))
        counted = f"{WORDS[len(kinds)].capitalize()} pretrained networks are built in: {photos} for photos, {texts} for"
        assert counted in page("README.md")
        assert f"{photos.capitalize()} pretrained networks were compared" in page("README.md")

    def test_the_readme_says_how_much_of_a_text_is_read(self):
        windows = [card.input["max_tokens"] for card in cards() if card.modality == "text"]
        stated = (
            f"beyond the first {min(windows)} tokens of a text ({max(windows)} for {WORDS[windows.count(max(windows))]}"
        )
        assert stated in page("README.md")


class TestDemos:
    def test_the_table_is_made_of_the_cards(self):
        listed = {row[0]: row[3] for row in table("docs/load.md", "name", "content")}
        joined = {"disaster"}  # its parts are given as one number
        stated = {
            card.name: f"{sum(card.n_items.values()):,}"
            if card.name in joined
            else " + ".join(f"{n:,}" for n in card.n_items.values())
            for card in list_demos()
        }
        assert listed == stated

    def test_they_are_counted(self):
        assert f"makes one of {WORDS[len(list_demos())]} real datasets" in page("docs/load.md")

    def test_make_fetches_all(self):
        (fetched,) = re.findall(r"^DEMOS\s+:= (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert fetched.split() == [card.name for card in list_demos()]

    def test_the_readme_counts_the_groceries(self):
        n = next(card.n_items for card in list_demos() if card.name == "groceries")
        counted = f"{n['train'] + n['validation']} photos to learn from, {n['test']} from other shelves as the test"
        assert counted in page("README.md")

    @pytest.mark.downloads
    def test_the_readme_counts_the_questions(self, tmp_path):
        questions = load(demo("questions", tmp_path / "questions"))
        assert f"{len(questions):,} short questions of {len(questions.labels)} kinds" in page("README.md")


@pytest.mark.slow
@pytest.mark.downloads
@pytest.mark.usefixtures("fetched_cache")
def test_the_readme_shows_the_baselines_of_its_demo(real_data, tmp_path):
    fitted = headstart.fit(  # which networks are tuned, and how long, hangs on the machine; the baselines do not
        real_data("groceries"), out=tmp_path / "model", tune="none", baselines="simple", progress=None
    )
    assert fitted.report.evaluation.baselines
    for one in fitted.report.evaluation.baselines:
        (shown,) = re.findall(rf"{one.name} +([\d.]+) +gain", page("README.md"))
        assert float(shown) == pytest.approx(one.score.value, abs=0.005)  # another CPU rounds otherwise


def test_presets_are_as_the_page_says():
    for name, promised, ranked, size, baselines, n_sources in table("docs/rank.md", "preset"):
        preset = preset_named(name.strip("`"))
        amount, unit = promised.split()
        assert float(amount) * {"s": 1, "minutes": 60}[unit] == preset.budget_s
        assert f"{name} {promised}" in page("docs/cli.md")
        assert str(preset.max_sources) == n_sources.removeprefix("up to ")
        assert preset.baselines == baselines
        assert size == ("any" if preset.max_size_mib is None else f"{preset.max_size_mib:.0f} MiB")
        assert "balanced" in ranked or f"up to {preset.halving.cap:,} items" in ranked


@pytest.mark.parametrize("command", ["rank", "fit", "predict", "compress", "serve"])
def test_a_default_on_the_page_of_the_command_line_is_the_options(command):
    section = (ROOT / "docs/cli.md").read_text().partition(f"## headstart {command}")[2].partition("\n## ")[0]
    defaults = {option: param.default for param in COMMANDS[command].params for option in param.opts}
    n_compared = 0
    for options, stated in re.findall(r"^\| (`--[^|]*) \| ([^|]*) \|", section, flags=re.MULTILINE):
        named, values = re.findall(r"--[\w-]+", options), [value.strip("` ") for value in stated.split(",")]
        if len(named) != len(values):
            continue
        for option, value in zip(named, values, strict=True):
            if re.fullmatch(r"[\d.]+%?", value):
                assert str(defaults[option]).removesuffix(".0") == value, option
                n_compared += 1
            elif not value or value == "none":
                assert not defaults[option], option
    assert n_compared


def test_every_variable_of_the_environment_is_listed():
    used = {
        name for file in (ROOT / "src").rglob("*.py") for name in re.findall(r"HEADSTART_[A-Z_]+", file.read_text())
    }
    assert {row[0].strip("`") for row in table("docs/cli.md", "variable")} == used


def test_the_extras_that_pages_name_are_those_of_the_project_and_none_is_left_out():
    named = set()
    for name in PAGES:
        text = (ROOT / name).read_text()
        named |= {extra for found in re.findall(r"(?:headstart|\.)\[([a-z,]+)\]", text) for extra in found.split(",")}
        named |= set(re.findall(r"extra `(\w+)`", text))
    assert named == set(PROJECT["project"]["optional-dependencies"]) - {"dev"}


def test_formats_of_photos_are_those_that_are_decoded():
    names = ["PPM" if one == "PPM" else one for one in image._FORMATS if one != "MPO"]  # several JPEG files in one
    listed = ", ".join({"WEBP": "WebP"}.get(name, name) for name in names)
    assert f"{listed} where Pillow has it" in page("docs/load.md")


def test_where_texts_are_cut_is_as_the_cards_say():
    windows = {card.name: card.input["max_tokens"] for card in cards() if card.modality == "text"}
    for tokens in set(windows.values()):
        (named,) = re.findall(rf"{tokens} (?:tokens )?\(((?:`[\w-]+`(?:, )?)+)", page("docs/find.md"))
        assert set(re.findall(r"`([\w-]+)`", named)) == {name for name, window in windows.items() if window == tokens}


def test_the_usual_sources_are_named():
    for modality, noun in (("text", "texts"), ("image", "images")):
        assert f"`{get_modality(modality).default_source}` for {noun}" in page("docs/embed.md")
