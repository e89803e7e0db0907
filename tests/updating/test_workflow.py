"""The walk of docs/workflows.md on a small table: stream, alarm, labels back, promotion, and a rollback by what the labels say."""

import csv
import json

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
