"""Tests of `monitoring/watching.py`, `answer_log.py` and `headstart watch`, with a bundle that was really fitted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_watch import draw

import headstart
from headstart.cli import main
from headstart.core.errors import BundleError, DataError, OptionError
from headstart.monitoring import watch
from headstart.monitoring.answer_log import read_log
from headstart.monitoring.model_reference import reference_of_bundle

OLD_BUNDLE = Path(__file__).parent.parent / "packaging" / "bundles" / "format-1"


def write_rows(path, n, *, labelled=True, **how):
    items, _, labels = draw(n, **how)
    names = ["age", "job", "pay", *(["answer"] if labelled else [])]
    lines = [",".join(names)]
    for item, label in zip(items, labels, strict=True):
        cells = [f"{item['age']:.6f}", item["job"], f"{item['pay']:.6f}", *([label] if labelled else [])]
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    data = write_rows(folder / "train.csv", 300, seed=0)
    fitted = headstart.fit(data, target="answer", out=folder / "model", source="none", preset="fast", progress=None)
    return fitted.bundle


def test_a_bundle_holds_its_reference(bundle) -> None:
    model = headstart.load_bundle(bundle, trust=())
    found = reference_of_bundle(model)
    assert found.n_records == 300
    assert {"age", "job = clerk", "error"} <= {member.name for member in found.members}


def test_new_records_like_the_old_are_steady(bundle, tmp_path) -> None:
    verdict = watch(bundle, live=write_rows(tmp_path / "live.csv", 500, seed=1), state=tmp_path / "state")
    assert (verdict.status, verdict.n_labels) == ("steady", 500)
    again = watch(bundle, live=write_rows(tmp_path / "next.csv", 100, seed=2, labelled=False), state=tmp_path / "state")
    assert (again.n_records, again.n_labels) == (600, 500)
    with pytest.raises(OptionError, match="another budget"):
        watch(bundle, live=tmp_path / "next.csv", state=tmp_path / "state", false_alarms="1/20")


def test_the_command_ends_with_three_at_an_alarm(bundle, tmp_path, monkeypatch, capsys) -> None:
    live = write_rows(tmp_path / "live.csv", 500, seed=3, shift=1.5)
    words = [
        "headstart",
        "watch",
        str(bundle),
        "--live",
        str(live),
        "--false-alarms",
        "1 per month",
        "--rate",
        "100 per hour",
    ]
    monkeypatch.setattr("sys.argv", [*words, "--json", "--mail", str(tmp_path / "mail"), "--progress", "none"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 3
    said = json.loads(capsys.readouterr().out)
    assert said["alarms"][0]["name"] in ("age", "probability of yes", "confidence")
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_two_files_need_no_reference_in_the_bundle(bundle, tmp_path) -> None:
    reference = write_rows(tmp_path / "reference.csv", 400, seed=4)
    live = write_rows(tmp_path / "live.csv", 300, seed=5, labelled=False)
    verdict = watch(bundle, live=live, reference=reference)
    assert "400 records" in verdict.made_of
    assert verdict.accuracy["estimated"].n == 300


def test_a_bundle_without_a_reference_says_what_to_do() -> None:
    with pytest.raises(BundleError, match="--reference DATA"):
        watch(OLD_BUNDLE, live=["a text"])


def test_one_of_live_and_log_is_needed(bundle, tmp_path) -> None:
    for how in ({}, {"live": "a.csv", "log": tmp_path}):
        with pytest.raises(OptionError, match="--live DATA"):
            watch(bundle, **how)


def test_a_log_of_answers_is_watched_and_labelled(bundle, tmp_path) -> None:
    from types import SimpleNamespace

    from headstart.serving.prediction_log import PredictionLog

    model = headstart.load_bundle(bundle, trust=())
    items, _, labels = draw(200, seed=6)
    log = PredictionLog(tmp_path / "log", 1.0)
    (tmp_path / "log").mkdir(exist_ok=True)
    log.add(SimpleNamespace(name="m", version="1", bundle=model), items, list(model.outputs(items).values))
    log.close()
    records, outputs = next(iter(read_log(tmp_path / "log", 2)))
    assert outputs.shape == (200, 2)
    rows = "\n".join(f"{record.key},{label}" for record, label in zip(records, labels, strict=True))
    (tmp_path / "labels.csv").write_text(f"key,label\n{rows}\n")
    verdict = watch(bundle, log=tmp_path / "log", labels=tmp_path / "labels.csv", state=tmp_path / "state")
    assert (verdict.n_records, verdict.n_labels) == (200, 200)
    assert watch(bundle, log=tmp_path / "log", state=tmp_path / "state").n_records == 200


def test_what_is_no_log_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="holds no prediction log"):
        list(read_log(tmp_path, 2))
    (tmp_path / "predictions-1-1.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(DataError, match="no readable part"):
        list(read_log(tmp_path, 2))


def test_labels_are_a_key_and_a_label_a_row(bundle, tmp_path) -> None:
    (tmp_path / "labels.csv").write_text("1,yes,sure\n")
    live = write_rows(tmp_path / "live.csv", 5, seed=7, labelled=False)
    with pytest.raises(DataError, match="line 1 has 3 cells"):
        watch(bundle, live=live, labels=tmp_path / "labels.csv")


def test_the_same_fit_gives_the_same_reference(bundle, tmp_path) -> None:
    data = write_rows(tmp_path / "train.csv", 300, seed=0)
    again = headstart.fit(data, target="answer", out=tmp_path / "model", source="none", preset="fast", progress=None)
    for name in ("reference.json", "reference.safetensors"):
        assert (again.bundle / name).read_bytes() == (bundle / name).read_bytes()
    assert np.isfinite(again.model.outputs(draw(3, seed=1)[0]).values).all()


def test_what_is_wrong_with_labels_is_said(bundle, tmp_path) -> None:
    (tmp_path / "labels.csv").write_text("key,label\n1,yes\n1,yes\n2,\n3,perhaps\n99,yes\n")
    live = write_rows(tmp_path / "live.csv", 5, seed=7, labelled=False)
    verdict = watch(bundle, live=live, labels=tmp_path / "labels.csv")
    assert verdict.n_labels == 2
    said = [one.message for one in verdict.breaks if one.kind == "labels"]
    assert [message.partition(" of ")[0] for message in said] == ["1", "1", "1"]
    assert "unknown" in said[0]
    assert "had one already" in said[1]
    assert "none that the model knows" in said[2]


@pytest.mark.parametrize(("n_bad", "status"), [(10, "steady"), (90, "broken")])
def test_rows_that_cannot_be_read_are_counted(bundle, tmp_path, n_bad, status) -> None:
    live = write_rows(tmp_path / "live.csv", 60, seed=1, labelled=False)
    with live.open("a") as file:
        file.writelines("old,clerk,1e400\n" for _ in range(n_bad))
    verdict = watch(bundle, live=live)
    assert (verdict.status, verdict.n_records) == (status, 60)
    assert f"{n_bad} of {60 + n_bad} records could not be read." in [one.message for one in verdict.breaks]


@pytest.mark.parametrize("labelled", [True, False])
def test_a_column_that_is_gone_is_a_broken_stream(bundle, tmp_path, monkeypatch, capsys, labelled) -> None:
    live = write_rows(tmp_path / "live.csv", 30, seed=1, labelled=labelled)
    live.write_text(live.read_text().replace("pay", "wage", 1))
    verdict = watch(bundle, live=live)
    assert (verdict.status, verdict.exit_code) == ("broken", 3)
    assert "has no column 'pay'" in verdict.sentence
    monkeypatch.setattr("sys.argv", ["headstart", "watch", str(bundle), "--live", str(live)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert "has no column 'pay'" in capsys.readouterr().err


def test_a_file_as_state_is_refused_before_anything_is_read(bundle, tmp_path) -> None:
    live = write_rows(tmp_path / "live.csv", 5, seed=1)
    with pytest.raises(OptionError, match="is a file, and a folder is needed for the state"):
        watch(bundle, live=live, state=live)
