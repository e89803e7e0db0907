"""The examples run, as their first lines say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
ARGUMENTS = {
    "how_many_labels.py": ["tickets.csv", "product"],
    "photos_in_folders.py": ["photos", "photos-model", "none"],
    "predict_without_torch.py": ["tickets-model", "They charged my card twice."],
    "scikit_learn_pipeline.py": ["tickets.csv", "text", "product"],
}


@pytest.mark.downloads
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_a_script_runs(name, workplace):
    path = EXAMPLES / name
    assert len(path.read_text().splitlines()) <= 30
    command = [sys.executable, "-W", "error::DeprecationWarning:headstart", str(path), *ARGUMENTS[name]]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    if name == "predict_without_torch.py":
        assert "nothing heavy" in done.stdout
