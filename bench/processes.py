"""Runs in processes of their own: fresh libraries, an empty cache, and a peak of memory that nothing else has a part in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.storage.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADSTART = [sys.executable, "-c", "from headstart.cli import main; main()"]
"""The command of this checkout; its arguments follow."""


def new_cache(folder: Path) -> Path:
    """Make a cache in `folder` that has the weights of the sources and nothing else."""
    cache = Path(tempfile.mkdtemp(dir=folder, prefix="cache-"))
    (cache / "sources").symlink_to(cache_folder().absolute() / "sources")
    return cache


@contextmanager
def temporary_cache() -> Iterator[Path]:
    """Such a cache for a while."""
    with tempfile.TemporaryDirectory() as folder:
        yield new_cache(Path(folder))


def last_line_as_json(command: list[str], *, cache: Path | None = None) -> dict[str, Any]:
    """Run a command, with another cache where one is given, and read the last line that it prints."""
    environment = os.environ if cache is None else {**os.environ, "HEADSTART_CACHE": str(cache)}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def memory_mib(which: str, process: int | str = "self") -> float:
    """Read a line of a process's status as the kernel has it: VmRSS is held now, VmHWM the most that was held at once."""
    found = re.search(which + r":\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
