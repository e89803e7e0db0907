"""The pages keep their word: their Python runs, their commands exist, their links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import headstart
from headstart.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
}
COMMANDS = typer.main.get_command(app).commands
SMALL_DATA = {"tickets.csv", "tickets-model", "photos", "photos/"}
REAL = [pytest.mark.downloads]  # on real data, with real weights
OFFLINE = ("docs/adapt.md", "docs/find.md", "docs/load.md", "docs/plugins.md", "docs/prove.md")


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
        and words[0] not in ("fit", "label", "pretrain", "query", "serve", "stream", "update")
        and files <= SMALL_DATA
        and not {"fetch", "--open", "--out"} & set(words)
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
        shared = page.partition("## headstart inspect")[2].partition("\n## ")[0] if name in ("fit", "pretrain") else ""
        below = getattr(command, "commands", {}).values()  # the forms of `sources`
        params = [parameter for one in (command, *below) for parameter in one.params]
        options = {option for parameter in params for option in parameter.opts if option.startswith("--")}
        assert not {option for option in options if option not in section + shared}


def test_every_field_of_fit_as_json_is_on_the_page_of_the_command_line():
    text = (ROOT / "src" / "headstart" / "pipeline" / "fitted.py").read_text()
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
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", PAGES["docs/index.md"]))
    assert linked >= {Path(name).name for name in PAGES if name.startswith("docs/")} - {"index.md"}


def test_every_file_that_the_architecture_names_exists():
    page = PAGES["docs/architecture.md"]
    for path in re.findall(r"`((?:\w+/)+[\w.]*)`", page):
        assert any((ROOT / base / path).exists() for base in ("", "src/headstart")), path
