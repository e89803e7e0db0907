"""Writing: what is in the folder, that it is whole or not there, and that it equals the fitted object."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_bundle import CREATED, LABELS, make_bundle, make_photos, make_predictor, make_report, make_schema

import missing
from headstart.core.errors import InternalError, StorageError
from headstart.packaging import load_bundle, write
from headstart.packaging.export import export


def test_a_bundle_holds_every_file_and_seals_it(bundle_files):
    names = {path.relative_to(bundle_files).as_posix() for path in bundle_files.rglob("*") if path.is_file()}
    wanted = {"model.onnx", "head.safetensors", "moments.safetensors", "report.json", "report.html", "README.md"}
    assert names == wanted | {"manifest.json"}
    manifest = json.loads((bundle_files / "manifest.json").read_text())
    assert set(manifest["files"]) == wanted
    assert manifest["labels"] == list(LABELS)
    assert manifest["columns"] == {"input": "photo"}
    assert manifest["created"] == CREATED.isoformat()
    assert manifest["checked"]["n_items"] == 4
    assert 0 <= manifest["checked"]["max_difference"] < 1e-6
    assert {"numpy", "onnxruntime"} <= set(manifest["libraries"])


def test_the_arrays_travel(bundle_files):
    np.testing.assert_array_equal(load_file(bundle_files / "moments.safetensors")["scatter"], np.eye(3))
    np.testing.assert_array_equal(load_file(bundle_files / "head.safetensors")["weight"], make_predictor().head.weight)


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    one, two = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "two")
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_a_bundle_predicts_as_the_fitted_object(bundle_files):
    photos = make_photos(40, seed=3)
    np.testing.assert_allclose(
        load_bundle(bundle_files).predict_proba(photos), make_predictor().predict(photos), atol=1e-5
    )


def test_images_of_pillow_are_answered_as_their_pixels(bundle_files):
    from PIL import Image

    rng, model = np.random.default_rng(0), load_bundle(bundle_files)
    photos = [rng.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8) for i in range(5)]
    held = [Image.fromarray(photo) for photo in photos]
    np.testing.assert_array_equal(model.predict_proba(held), model.predict_proba(photos))
    assert model.predict(held[:1]) == model.predict(photos[:1])
    assert not any(answer.error for answer in model.predictions(held))


def test_likely_label_errors_are_a_table_of_their_own(tmp_path):
    issues = [
        {"id": f"t.csv row {i}", "true": "kiwi", "predicted": "lime, green", "probability": 0.9, "text": "x"}
        for i in range(30)
    ]
    made = make_bundle(tmp_path / "m", report=make_report(figures={"label_issues": issues}))
    rows = list(csv.DictReader((made / "label_issues.csv").read_text().splitlines()))
    assert len(rows) == 30
    assert rows[0] == {"item": "t.csv row 0", "label": "kiwi", "predicted": "lime, green", "probability": "0.9000"}
    assert "All 30 likely label errors are in label_issues.csv" in (made / "report.html").read_text()
    assert load_bundle(made).manifest["files"]["label_issues.csv"]["bytes"]


def test_a_graph_that_differs_is_not_written(tmp_path):
    with pytest.raises(InternalError, match="differs from the fitted one by"):
        make_bundle(tmp_path / "out", predictor=make_predictor(error=0.01))
    assert not list(tmp_path.iterdir())


def test_large_values_are_compared_by_their_size(tmp_path):
    predictor = make_predictor("Identity", 1)
    predictor.head.weight *= 1e6
    schema = make_schema(task="regression", labels=("price",))
    assert make_bundle(tmp_path / "out", predictor=predictor, schema=schema).is_dir()


def test_the_graph_has_dynamic_batch_and_features():
    import onnxruntime

    session = onnxruntime.InferenceSession(export(make_predictor(), n_outputs=3))
    assert [(value.name, value.shape) for value in session.get_outputs()] == [
        ("outputs", ["batch", 3]),
        ("features", ["batch", 3]),
    ]
    for n in (1, 5):
        outputs, features = session.run(None, {"pixels": np.stack(make_photos(n))})
        assert outputs.shape == features.shape == (n, 3)


def test_a_bundle_is_replaced(bundle):
    make_bundle(bundle, schema=make_schema(name="better"))
    assert load_bundle(bundle).name == "better"
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


def test_a_damaged_bundle_may_be_replaced(bundle):
    (bundle / "model.onnx").write_bytes(b"")
    assert load_bundle(make_bundle(bundle)).labels == LABELS


def test_an_empty_folder_may_become_a_bundle(tmp_path):
    (tmp_path / "out").mkdir()
    assert load_bundle(make_bundle(tmp_path / "out")).labels == LABELS


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_not_a_bundle_is_never_replaced(tmp_path, kind):
    target = tmp_path / "out"
    if kind == "folder":
        target.mkdir()
        (target / "thesis.tex").write_text("years of work")
    elif kind == "file":
        target.write_text("years of work")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="Choose a new name") as caught:
        make_bundle(target)
    assert "\n" not in str(caught.value)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_write_keeps_the_old_bundle(bundle, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        make_bundle(bundle, schema=make_schema(name="better"))
    monkeypatch.undo()
    assert load_bundle(bundle).name == "fruit"
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        missing.skip("mount")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_really_full_disk_is_an_error_and_leaves_nothing(small_disk):
    with pytest.raises(StorageError, match="disk is full"):
        make_bundle(small_disk / "out", moments={"scatter": np.zeros((128, 128))})
    assert not list(small_disk.iterdir())


def test_a_really_read_only_disk_is_an_error(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="read-only"):
        make_bundle(small_disk / "out")


def test_a_killed_write_leaves_no_half_bundle(bundle, tmp_path):
    """A process that writes bundles all the time is killed at any moment: the old one or the new one stands there."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from tiny_bundle import make_bundle\nfrom headstart.packaging import bundle\n"
        "bundle._documents = lambda *_: {'report.json': b'{}'}\n"  # drawing is slow, and is done before anything is written
        f"make_bundle({str(bundle)!r})\nprint('ready', flush=True)\n"
        f"while True: make_bundle({str(bundle)!r})\n"
    )
    rng = np.random.default_rng(0)
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        aside = list(tmp_path.glob(".*-old"))
        assert load_bundle(bundle if bundle.exists() else aside[0]).labels == LABELS
        make_bundle(bundle)
        assert [path.name for path in tmp_path.iterdir()] == [bundle.name]


def test_the_report_is_strict_json(tmp_path):
    report = make_report(
        timing={"peak_mib": float("nan")}, figures={"confusion": {"labels": ["a"], "counts": np.ones((1, 1), int)}}
    )
    folder = make_bundle(tmp_path / "out", report=report)
    strict = json.loads((folder / "report.json").read_text(), parse_constant=pytest.fail)["sections"]
    assert strict["timing"]["peak_mib"] is None
    assert strict["evaluation"]["figures"]["confusion"]["counts"] == [[1]]
    assert load_bundle(folder).report.evaluation.verdict == "transfer helps"


def test_write_takes_a_bundle_without_moments(tmp_path):
    folder = write(
        tmp_path / "out",
        predictor=make_predictor(),
        report=make_report(),
        schema=make_schema(),
        check_items=make_photos(1),
    )
    assert not (folder / "moments.safetensors").exists()
    assert load_bundle(folder).labels == LABELS
