"""Labelled photos of kinds that people complained about: ids for names, folders of contests, names of other systems, litter."""

from __future__ import annotations

import shutil
import unicodedata
from typing import TYPE_CHECKING

from bench.robustness.labelled_case import LabelledCase, refused, right
from bench.robustness.made_data import photos, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def photo_cases() -> list[LabelledCase]:
    """All of them."""
    both = {"labels": ["box", "ring"], "modality": "image"}
    return [
        LabelledCase(name="ids beside photos", make=_ids("{}", inside=""), expected=right(**both, n_items=24)),
        LabelledCase(name="ids of a subfolder", make=_ids("{}", inside="photos/"), expected=right("photos", **both, n_items=24)),
        LabelledCase(name="ids with their folder", make=_ids("photos/{}", inside="photos/"), expected=right(**both, n_items=24)),
        LabelledCase(name="ids without photos", make=_ids("{}", inside=None), expected=refused("image_id", "ids", "--images")),
        LabelledCase(name="a contest's folder", make=_contest, expected=right(**both, n_items=24)),
        LabelledCase(name="train.csv, train/ and test/", make=_contest_flat, expected=right(**both, n_items=24)),
        LabelledCase(name="folders train_images, test_images", make=_no_labels, expected=refused("train_images", "classes")),
        LabelledCase(name="paths from the project", make=_ids("data/photos/{}.jpg", inside="photos/"), expected=right(**both, n_items=24)),
        LabelledCase(name="backslashes", make=_ids("photos\\{}.jpg", inside="photos/"), expected=right(**both, n_items=24)),
        LabelledCase(name="URLs", make=_ids("https://example.org/{}.jpg", inside=None), expected=refused("URL", "download")),
        LabelledCase(name="paths that are not there", make=_ids("shots/{}.jpg", inside=None), expected=refused("does not exist", "searched")),
        LabelledCase(name="the other Unicode form", make=_unicode, expected=right(**both, n_items=24)),
        LabelledCase(name="litter of desktops", make=_litter, expected=right(**both, n_items=24)),
        LabelledCase(name="photos without a suffix", make=_folders("{shape}/{i:03d}"), expected=right(**both, n_items=24)),
        LabelledCase(name="suffix in capitals", make=_folders("{shape}/{i:03d}.JPG"), expected=right(**both, n_items=24)),
        LabelledCase(name="train/metadata.csv beside photos", make=_metadata,
                     expected=right(**both, splits={"train": 24, "validation": 0, "test": 12})),
    ]  # fmt: skip


def _ids(written: str, *, inside: str | None) -> Callable[[Path], Path]:
    """A table of photos; `written` is how a cell names one, `inside` is where they lie, None for nowhere."""

    def make(folder: Path) -> Path:
        made = photos(folder / (inside or ""), lambda i, _: f"img_{i * 7:04d}.jpg")
        rows = [(written.format(name.removesuffix(".jpg")), shape) for name, shape in made]
        if inside is None:
            for photo in folder.glob("*.jpg"):
                photo.unlink()
        return write_csv(folder / "data.csv", ["image_id", "shape"], rows)

    return make


def _contest(folder: Path) -> Path:
    train = photos(folder / "train_images", lambda i, _: f"{i:03d}.jpg")
    test = photos(folder / "test_images", lambda i, _: f"{i:03d}.jpg", 8, seed=1)
    write_csv(folder / "train.csv", ["image_id", "label"], train)
    write_csv(folder / "sample_submission.csv", ["image_id", "label"], [(name, "ring") for name, _ in test])
    return folder


def _contest_flat(folder: Path) -> Path:
    _contest(folder)
    shutil.move(folder / "train_images", folder / "train")
    shutil.move(folder / "test_images", folder / "test")
    (folder / "sample_submission.csv").unlink()
    return folder


def _no_labels(folder: Path) -> Path:
    for name in ("train_images", "test_images"):
        photos(folder / name, lambda i, _: f"{i:03d}.jpg")
    return folder


def _unicode(folder: Path) -> Path:
    made = photos(folder, lambda i, _: unicodedata.normalize("NFD", f"Größe-é{i:03d}.jpg"))
    return write_csv(
        folder / "data.csv", ["photo", "shape"], [(unicodedata.normalize("NFC", name), s) for name, s in made]
    )


def _folders(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        photos(folder, lambda i, shape: name.format(i=i, shape=shape))
        return folder

    return make


def _litter(folder: Path) -> Path:
    photos(folder, lambda i, shape: f"{shape}/{i:03d}.jpg")
    one = next((folder / "box").iterdir()).read_bytes()
    for name in ("@eaDir/box/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/ring/._1.jpg", ".ipynb_checkpoints/x.jpg", "$RECYCLE.BIN/1.jpg", "lost+found/2.jpg",
                 "#recycle/3.jpg", "box/Thumbs.db", "box/._001.jpg", "box/desktop.ini", "ring/.DS_Store", "ring/~$001.jpg", "System Volume Information/4.jpg"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(one)
    return folder


def _metadata(folder: Path) -> Path:
    for part, n in (("train", 24), ("test", 12)):
        made = photos(folder / part, lambda i, _: f"{i:03d}.jpg", n, seed=n)
        write_csv(folder / part / "metadata.csv", ["file_name", "label"], made)
    return folder
