"""The pages keep their word: their Python runs, their commands exist, their links lead somewhere; the examples run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import headstart
from headstart.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
}
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
COMMANDS = typer.main.get_command(app).commands
SMALL_DATA = {"tickets.csv", "tickets-model", "photos", "photos/"}
REAL = [pytest.mark.downloads]  # on real data, with real weights
OFFLINE = ("docs/adapt.md", "docs/find.md", "docs/load.md", "docs/prove.md")
N_ROWS, N_PHOTOS = 90, 6


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def pages_with(language):
    return [
        pytest.param(name, marks=[] if name in OFFLINE and language == "python" else REAL)
        for name, text in PAGES.items()
        if blocks(text, language)
    ]


def commands_of(text: str) -> list[list[str]]:
    """The words of each `headstart` call in a page's console blocks, pipes and comments cut off."""
    lines = [line[2:] for block in blocks(text, "console") for line in block.splitlines() if line.startswith("$ ")]
    calls = [part for line in lines for part in re.split(r"[|>]", line.partition(" #")[0])]
    return [shlex.split(call)[1:] for call in calls if call.strip().startswith("headstart ")]


ALL_COMMANDS = [
    pytest.param(words, id=f"{name}: {' '.join(words)}") for name in PAGES for words in commands_of(PAGES[name])
]


@pytest.fixture(scope="module")
def small_data(tmp_path_factory, real_data, fetched_cache):
    """What the pages speak of: tickets.csv, photos/ and tickets-model, cut from real data."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("docs")
    complaints = pd.read_csv(real_data("complaints") / "complaints.csv").query("split == 'train'")
    common = complaints["product"].value_counts().index[:3]
    rows = complaints[complaints["product"].isin(common)].head(N_ROWS)[["text", "product"]]
    rows.to_csv(folder / "tickets.csv", index=False)
    for kind in ("Anjou", "Orange", "Watermelon"):
        (folder / "photos" / kind).mkdir(parents=True)
        for photo in sorted((real_data("groceries") / "train" / kind).iterdir())[:N_PHOTOS]:
            (folder / "photos" / kind / photo.name).symlink_to(photo)
    headstart.fit(
        folder / "tickets.csv", out=folder / "tickets-model", source="wordllama-256", rivals="none", progress=None
    )
    return folder


@pytest.fixture
def workplace(request, tmp_path, monkeypatch):
    """An empty folder to be in, with links to the small data where a test may use real data."""
    monkeypatch.chdir(tmp_path)
    if request.node.get_closest_marker("downloads") is None:
        monkeypatch.setenv("HEADSTART_CACHE", str(request.getfixturevalue("new_cache")()))
    if request.node.get_closest_marker("downloads") is not None:
        for path in request.getfixturevalue("small_data").iterdir():
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.parametrize("name", pages_with("python"))
def test_the_python_of_a_page_runs(name, workplace):
    namespace = {"__name__": "page"}
    for block in blocks(PAGES[name], "python"):
        exec(compile(block, name, "exec"), namespace)


@pytest.mark.parametrize("words", ALL_COMMANDS)
def test_a_command_of_a_page_exists(words, monkeypatch):
    if words[0].startswith("--"):
        assert words in (["--help"], ["--version"])
        return
    assert words[0] in COMMANDS
    command = COMMANDS[words[0]]
    command.make_context(words[0], words[1:])


def is_short(words: list[str]) -> bool:
    """Whether a command takes a moment, and speaks of nothing but the small data."""
    files = {word for word in words if re.search(r"[/.-]", word) and not word.startswith("--")}
    return (
        words[0] in COMMANDS
        and words[0] not in ("fit", "serve")
        and files <= SMALL_DATA
        and not {"fetch", "--out"} & set(words)
    )


@pytest.mark.downloads
@pytest.mark.parametrize("words", [case for case in ALL_COMMANDS if is_short(*case.values)])
def test_a_short_command_of_a_page_runs(words, workplace, capsys):
    typer.main.get_command(app)(words, standalone_mode=False)
    said = capsys.readouterr()
    assert said.out or said.err


def test_the_list_of_sources_is_what_the_command_prints(capsys, cache):
    COMMANDS["sources"]([], standalone_mode=False)
    assert capsys.readouterr().err in PAGES["docs/cli.md"]


def test_every_command_and_option_is_on_the_page_of_the_command_line():
    page = PAGES["docs/cli.md"]
    for name, command in COMMANDS.items():
        assert f"## headstart {name}" in page
        section = page.partition(f"## headstart {name}")[2].partition("\n## ")[0]
        shared = page.partition("## headstart inspect")[2].partition("\n## ")[0] if name == "fit" else ""
        below = getattr(command, "commands", {}).values()  # the forms of `sources`
        params = [parameter for one in (command, *below) for parameter in one.params]
        options = {option for parameter in params for option in parameter.opts if option.startswith("--")}
        assert not {option for option in options if option not in section + shared}


def test_every_field_of_fit_as_json_is_on_the_page_of_the_command_line():
    text = (ROOT / "src" / "headstart" / "line" / "fitted.py").read_text()
    fields = re.findall(
        r'^            "(\w+)":', text.partition("def to_dict")[2].partition("def fit(")[0], flags=re.MULTILINE
    )
    assert len(fields) > 15
    section = PAGES["docs/cli.md"].partition("## headstart fit")[2].partition("\n## ")[0]
    assert not [field for field in fields if f"`{field}`" not in section]


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_exported_name_is_on_a_page(name):
    assert any(re.search(rf"\b{name}\b", text) for text in PAGES.values())


@pytest.mark.parametrize("name", [*PAGES, "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / name).read_text()):
        assert ((ROOT / name).parent / target).exists(), target


def test_the_index_names_every_page():
    linked = set(re.findall(r"\]\((\w+\.md)\)", PAGES["docs/index.md"]))
    assert linked >= {Path(name).name for name in PAGES if name.startswith("docs/")} - {"index.md"}


def test_every_file_that_the_architecture_names_exists():
    page = PAGES["docs/architecture.md"]
    for path in re.findall(r"`((?:\w+/)+[\w.]*)`", page):
        assert any((ROOT / base / path).exists() for base in ("", "src/headstart")), path


ARGUMENTS = {
    "how_many_labels.py": ["tickets.csv", "product"],
    "photos_in_folders.py": ["photos", "photos-model", "none"],
    "predict_without_torch.py": ["tickets-model", "They charged my card twice."],
    "scikit_learn_pipeline.py": ["tickets.csv", "text", "product"],
}


@pytest.mark.downloads
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, workplace):
    path = ROOT / "examples" / name
    assert len(path.read_text().splitlines()) <= 30
    command = [sys.executable, "-W", "error::DeprecationWarning:headstart", str(path), *ARGUMENTS[name]]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    if name == "predict_without_torch.py":
        assert "nothing heavy" in done.stdout
