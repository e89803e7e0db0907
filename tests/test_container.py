"""The container recipe: linted, without root, and what it starts does start and is found healthy."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from tiny_bundle import make_bundle

from servers import SERVE, free_port, running

ROOT = Path(__file__).parent.parent
CONTAINERFILE = ROOT / "container" / "Containerfile"
SERVICE = yaml.safe_load((ROOT / "container" / "compose.yaml").read_text())["services"]["headstart"]


def words_of(instruction: str) -> list[str]:
    """The JSON words of an instruction that runs something."""
    (found,) = re.findall(rf"^{instruction} (?:--\S+ )*(?:CMD )?(\[.*\])$", CONTAINERFILE.read_text(), re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def test_the_recipe_is_linted():
    tool = shutil.which("hadolint", path=Path(sys.executable).parent)
    done = subprocess.run([tool, "--no-color", CONTAINERFILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nothing_runs_as_root_and_the_root_is_read_only():
    (user,) = re.findall(r"^USER (\S+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    assert user == SERVICE["user"] == "10001:10001"
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert all(volume.endswith(":ro") for volume in SERVICE["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE.read_text(), re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in ignored


def test_what_the_container_starts_is_found_healthy(tmp_path):
    make_bundle(tmp_path / "models" / "fruit")
    (tmp_path / "token").write_text("a-token-of-the-tests\n")
    port = str(free_port())
    here = {
        "/models": str(tmp_path / "models"),
        "/run/secrets/token": str(tmp_path / "token"),
        "8000": port,
        "0.0.0.0": "127.0.0.1",
    }
    assert words_of("ENTRYPOINT") == ["headstart", "serve"]
    command = [*SERVE, *(here.get(word, word) for word in words_of("CMD"))]
    python, *check = words_of("HEALTHCHECK")
    assert python == "python"
    check = [sys.executable, *(word.replace("8000", port) for word in check)]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1
    with running(command, ready=f"http://127.0.0.1:{port}/v2/health/ready", log=tmp_path / "log"):
        assert subprocess.run(check, capture_output=True, check=False).returncode == 0
