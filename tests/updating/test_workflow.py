"""The walks of docs/workflows.md on small tables: stream, alarm, labels back, promotion, and a rollback by what the labels say."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headstart.cli import _run

pytest.importorskip("pyarrow")  # the log of answers is Parquet


@pytest.fixture
def day(tmp_path, make_table):
    """Writes a day's records, with keys, and its labels, which come later."""

    def write(name, seed, turned=0.0):
        table = make_table(500, seed, turned)
        labels = table.pop("label")
        keys = [f"{name}-{i}" for i in range(len(labels))]
        for path, columns in (
            (f"{name}.csv", {"id": keys, **table}),
            (f"{name}-labels.csv", {"key": keys, "label": labels}),
        ):
            with (tmp_path / path).open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))

    return write


def test_from_an_alarm_to_another_model_and_back(tmp_path, models, day, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    day("usual", 21)
    day("turned", 22, 1.0)
    day("again", 23)

    def headstart(line):
        """The exit code and what --json prints."""
        code = _run([*line.split(), "--json"])
        return code, json.loads(capsys.readouterr().out)

    def stream(name):
        places = (
            f"--from {name}.csv --to {name}.jsonl --key id --prediction-log log/{name} --log-items --watch live/{name}"
        )
        assert headstart(f"stream registry {places} --progress none")[0] == 0
        return json.loads((tmp_path / f"{name}.jsonl").read_text().splitlines()[-1])["version"]

    def watch(name, state="watch"):
        given = f"--log log/{name} --labels {name}-labels.csv --state {state} --false-alarms 1/2000"
        return headstart(f"watch registry/champion {given} --progress none")

    def label(name):
        given = f"--labels labels.db --csv {name}-labels.csv --out {name}-labeled.csv"
        return headstart(f"label registry/champion --log log/{name} {given}")[1]

    assert headstart(f"update registry --init {models / 'good'} --progress none")[0] == 0
    assert stream("usual") == "1"
    code, said = watch("usual")
    assert (code, said["status"]) == (0, "steady")
    stream("turned")
    code, said = watch("turned")
    assert (code, said["status"]) == (3, "alarm")
    assert label("turned")["written"] == 500
    code, said = headstart("update registry --data turned-labeled.csv --target label --progress none")
    assert (code, said["decision"], said["former"]) == (0, "promoted", 1)
    assert stream("again") == str(said["champion"])
    code, said = watch("again", state="watch-2")  # the new champion has a reference of its own
    assert said["status"] in ("steady", "alarm")
    label("again")
    code, said = headstart("update registry --data again-labeled.csv --target label --challenger none --progress none")
    assert (code, said["decision"], said["champion"]) == (4, "rolled back", 1)
    code, said = headstart("update registry --verify --progress none")
    assert (code, said["problems"]) == (0, [])


@pytest.fixture(scope="module")
def payments(tmp_path_factory):
    """The files that the fraud walk's script writes, of a made table of two days: 6 % are frauds, which four of its columns tell."""
    folder, rng = tmp_path_factory.mktemp("payments"), np.random.default_rng(0)
    n = 48 * 80
    is_fraud = rng.random(n) < 0.06
    columns = {f"V{i}": rng.normal(size=n) for i in range(1, 29)}
    for name in ("V10", "V12", "V14", "V17"):
        columns[name] = np.where(is_fraud, rng.normal(-6, 1.5, n), columns[name])
    table = pd.DataFrame(
        {"Time": np.arange(n) * 45, **columns, "Amount": rng.exponential(50, n), "Class": is_fraud.astype(int)}
    )
    table.to_csv(folder / "card-fraud.csv", index=False)
    script = Path(__file__).parents[2] / "examples" / "workflows" / "payments.py"
    subprocess.run([sys.executable, script, folder / "card-fraud.csv", folder], check=True)
    return folder


def test_the_files_of_the_fraud_walk(payments):
    whole = pd.read_csv(payments / "card-fraud.csv")
    streamed = {
        name: pd.read_csv(payments / f"{name}.csv", index_col="id") for name in ("morning", "changed", "repaired")
    }
    for name, part in streamed.items():
        labels = pd.read_csv(payments / f"{name}-labels.csv", index_col="key")["label"]
        assert labels.equals(whole["Class"][part.index].rename("label").rename_axis("key"))
        before = whole.loc[part.index].drop(columns="Class")
        turned = [column for column in part if not np.allclose(part[column], before[column])]
        assert turned == (["V10", "V12", "V14", "V17"] if name == "changed" else [])
        assert np.allclose(part[turned], -before[turned])
    assert [part["Time"].min() // 3600 for part in streamed.values()] == [33, 35, 43]
    assert pd.read_csv(payments / "first.csv").equals(
        whole[whole["Time"].between(9 * 3600, 24 * 3600 - 1)].reset_index(drop=True)
    )


def test_from_a_stream_of_payments_to_a_promotion_and_back(payments, monkeypatch, capsys):
    monkeypatch.chdir(payments)

    def headstart(line):
        return _run([*line.split(), "--json"]), json.loads(capsys.readouterr().out or "null")

    settings = "--target Class --time Time --source none --preset fast --baselines simple --progress none"
    assert headstart(f"fit first.csv {settings} --out fraud-1")[0] == 0
    headstart("update payments --init fraud-1 --progress none")
    sql = "SELECT window_start FROM windows WHERE window_start NOT IN (SELECT window_start FROM classes WHERE label = '1')"
    found = {}
    for name, challenger in (("morning", ""), ("changed", "window"), ("repaired", "none")):
        places = f"--from {name}.csv --to answers.jsonl --key id --prediction-log log/{name} --log-items --window 1h --window-time Time --windows-to windows"
        assert headstart(f"stream payments {places} --progress none")[0] == 0
        alarm = _run(["query", "windows", sql, "--alarm"])  # hours in which no payment was flagged
        capsys.readouterr()
        given = f"--labels labels.db --csv {name}-labels.csv --out {name}-labeled.csv"
        assert headstart(f"label payments --log log/{name} {given}")[1]["without_answer"] == 0
        update = f"update payments --data {name}-labeled.csv --target label --progress none --challenger {challenger}"
        found[name] = (alarm, headstart(update)[1]["decision"] if challenger else None)
    assert found == {"morning": (0, None), "changed": (3, "promoted"), "repaired": (3, "rolled back")}
    assert headstart("watch payments --log log/repaired --progress none")[1]["n_records"] == 400
