"""The rules of the house: what is light stays light, what is promised exists, nothing is unpickled."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import headstart
from headstart.core.registry import get, names
from headstart.data.modalities import item_modalities

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "headstart").rglob("*.py"))
HEAVY = (
    "torch",
    "onnxruntime",
    "onnx",
    "sklearn",
    "pandas",
    "pyarrow",
    "scipy",
    "typer",
    "jinja2",
    "PIL",
    "tokenizers",
)


def modules_after(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_exported_name_exists(name):
    assert callable(getattr(headstart, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        headstart.fitt  # noqa: B018


def test_importing_headstart_loads_no_heavy_library():
    assert not modules_after("import headstart") & set(HEAVY)


@pytest.mark.parametrize(
    "package",
    [
        "core",
        "engines",
        "data",
        "sources",
        "features",
        "heads",
        "evaluation",
        "packaging",
        "compression",
        "serving",
        "streaming",
        "pipeline",
    ],
)
def test_importing_a_stage_loads_no_heavy_library(package):
    assert not modules_after(f"import headstart.{package}") & {
        "torch",
        "onnx",
        "sklearn",
        "pandas",
        "pyarrow",
        "scipy",
        "jinja2",
    }


def test_a_server_needs_the_light_install_only():
    loaded = modules_after("import headstart.serving.run, headstart.packaging, headstart.streaming")
    heavy = {"torch", "onnx", "sklearn", "pandas", "pyarrow", "scipy", "jinja2", "transformers", "opentelemetry.sdk"}
    assert not loaded & heavy


def test_predicting_leaves_no_trace_for_anybody(tmp_path):
    """ONNX Runtime would make an identifier of this machine and a queue of reports below the home folder."""
    bundle = ROOT / "tests" / "packaging" / "bundles" / "format-1"
    settings = {key: value for key, value in os.environ.items() if key not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    program = f"import headstart; headstart.load_bundle({str(bundle)!r})"
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", program], check=True, env={**settings, **homes})
    assert not list(tmp_path.iterdir())


def test_every_registered_part_can_be_imported():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for group, parts in points.items():
        kind = group.removeprefix("headstart.")
        assert set(parts) <= set(names(kind))
        for name in parts:
            assert get(kind, name) is not None


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path):
    text = path.read_text()
    assert not re.search(r"\b(import pickle|from pickle|import joblib|allow_pickle=True|\beval\(|\bexec\()", text)
    for call in re.findall(r"torch\.load\([^\n]*", text):
        assert "weights_only=True" in call


ITEM_MODALITIES = [one.name for one in item_modalities()]  # "number" and "date" are words of JSON Schema too
AFTER_THE_ITEMS = [p for p in SOURCES if not {"data", "sources"} & set(p.relative_to(ROOT / "src" / "headstart").parts)]


@pytest.mark.parametrize("path", AFTER_THE_ITEMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_after_data_and_sources_asks_which_modality_it_is(path):
    text = path.read_text()
    if path.name.endswith("charts.py") or path.name == "result.py":  # Vega's marks and channels, no modalities
        text = re.sub(r'"type": "text"|"text": \{', "", text)
    for name in ITEM_MODALITIES:
        assert not re.search(rf"""["']{name}["']""", text)
    assert not re.search(r"""\bmodality (?:==|!=|in|is) ["'(\[]""", text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_grows_fat(path):
    assert len(path.read_text().splitlines()) <= 300


def test_every_package_says_what_it_is():
    for path in SOURCES:
        if path.name == "__init__.py":
            assert importlib.import_module(".".join(path.parent.relative_to(ROOT / "src").parts)).__doc__


def test_only_its_own_room_knows_the_words_for_tasks():
    """`data/targets.py` guesses the task; everything else asks `TaskSpec`."""
    rooms = [path for path in SOURCES if path.parent.name == "tasks" or path.name == "targets.py"]
    others = [path for path in SOURCES if path not in rooms]
    assert len(rooms) > 4
    assert not [path for path in others if re.search(r'"(multiclass|multilabel|regression)"', path.read_text())]
