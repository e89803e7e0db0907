"""The commands as people and machines use them: exit codes, one-line errors, figures on standard output."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_data import write_photo
from tiny_bundle import make_bundle

import headstart
import missing
import tiny
from headstart.cli import main
from headstart.core.errors import BundleError
from headstart.sources import built_in

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS, PHOTOS = "static-embeddings", "efficientnet-lite"
QUICK = ("--source", f"tiny-{TEXTS}", "--head", "ridge", "--baselines", "none")
PROMISED = {
    *("task", "n_items", "n_groups", "source", "head", "verdict", "metric", "baselines", "gain", "naive_estimate"),
    *("seconds", "peak_mib", "bundle"),
}


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys, monkeypatch) -> Callable[..., Done]:
    """Run a command as its entry point does, in this process."""

    def call(*words: object, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return Done(int(stopped.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture(scope="module", autouse=True)
def tiny_sources(tmp_path_factory):
    """Two sources of some kilobytes, in a cache of their own, found by name beside the real ones."""
    folder = tmp_path_factory.mktemp("sources")
    with pytest.MonkeyPatch.context() as patch:
        known = built_in._known() | tiny.open_all((TEXTS, PHOTOS), folder, patch)
        patch.setattr(built_in, "_known", lambda: known)
        yield


def write_texts(path: Path, n: int = 60, seed: int = 0, n_words: int = 6, **columns: Any) -> Path:
    """Texts in the words of the tiny source, labelled by the fruit in them; more columns as lists or functions."""
    rng = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "fruit", *columns])
        for i in range(n):
            fruit = ("apple", "kiwi")[i % 2]
            words = [*rng.choice(tiny.WORDS[4:14], n_words), fruit]
            writer.writerow([" ".join(rng.permutation(words)), fruit, *(values(i) for values in columns.values())])
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory, tiny_sources) -> Path:
    """A bundle that tells two fruits apart in texts."""
    folder = tmp_path_factory.mktemp("model")
    table = write_texts(folder / "fruit.csv")
    return headstart.fit(
        table, out=folder / "model", source=QUICK[1], head="ridge", baselines="simple", progress=None
    ).bundle


@pytest.fixture(scope="module")
def photo_model(tmp_path_factory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("photos") / "model")


class TestFit:
    def test_figures_for_machines_and_words_for_people(self, run, tmp_path):
        done = run(
            "fit",
            write_texts(tmp_path / "t.csv"),
            *QUICK[:4],
            "--baselines",
            "simple",
            "--out",
            tmp_path / "m",
            "--json",
        )
        assert done.code == 0, done.err
        figures = done.json
        assert set(figures) >= PROMISED
        assert set(figures["metric"]) >= {"name", "value", "low", "high", "n"}
        assert set(figures["seconds"]) >= {"load", "embed", "adapt", "prove", "package", "total"}
        assert {baseline["name"] for baseline in figures["baselines"]} == {"constant", "tfidf"}
        assert all({"name", "value", "low", "high"} <= set(baseline) for baseline in figures["baselines"])
        assert set(figures["gain"]) >= {"value", "low", "high"}
        assert figures["sentence"] in done.err
        assert figures["bundle"] == str(tmp_path / "m")

    def test_without_json_standard_output_is_empty(self, run, tmp_path):
        done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m")
        assert (done.code, done.out) == (0, "")
        assert f"open {tmp_path / 'm'}/report.html" in done.err

    def test_a_threshold_a_metric_and_a_name_are_kept_and_reported(self, run, tmp_path):
        table = write_texts(tmp_path / "t.csv")
        asked = ("--threshold", "kiwi=0.999999", "--metric", "f1_macro", "--name", "Fruit of June")
        done = run("fit", table, *QUICK[:4], "--baselines", "simple", "--out", tmp_path / "m", *asked, "--json")
        assert done.code == 0, done.err
        assert done.json["metric"]["name"] == "macro-F1"
        assert done.json["decision"] == "'kiwi' is predicted from a probability of 1 on."
        recalls = {row["label"]: row["recall"] for row in done.json["per_label"]}
        assert recalls["apple"] == 1.0
        assert recalls["kiwi"] < 0.5
        assert "apple                precision" in done.err
        answers = run("predict", tmp_path / "m", table, "--json").json
        assert {answer["label"] for answer in answers if answer["top"][0] != answer["label"]} == {"apple"}
        said = run("report", tmp_path / "m").err
        assert "Fruit of June: " in said
        assert done.json["decision"] in said
        again = run("prove", tmp_path / "m", write_texts(tmp_path / "new.csv", 40, seed=9), "--json").json
        assert again["metrics"][0]["name"] == "macro-F1"
        assert again["metrics"][0]["value"] < 0.5

    def test_the_first_score_is_that_of_what_is_packed(self, run, tmp_path):
        words = ("--baselines", "simple", "--prefer", "small", "--out", tmp_path / "m", "--json")
        done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK[:4], *words)
        figures = done.json
        assert figures["deployed"] == "tfidf"
        packed = next(one for one in figures["baselines"] if one["name"] == "tfidf")
        assert figures["shipped"]["value"] == packed["value"]
        scores = [line for line in done.err.splitlines() if "95 % interval" in line]
        assert scores[0].startswith(f"tfidf (packed): accuracy {packed['value']:.3f}")
        assert scores[1].startswith("not packed: ")
        assert figures["forecast"] == ""  # the curve is that of a head that does not ship
        assert "which is not packed" in (tmp_path / "m" / "report.html").read_text()
        shipped = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m", "--json").json
        assert shipped["forecast"]
        assert shipped["shipped"] == shipped["metric"]

    def test_balanced_weights_are_judged_by_balanced_accuracy(self, run, tmp_path):
        done = run(
            "fit",
            write_texts(tmp_path / "t.csv"),
            *QUICK,
            "--out",
            tmp_path / "m",
            "--class-weights",
            "balanced",
            "--json",
        )
        assert done.json["metric"]["name"] == "balanced accuracy"
        assert json.loads((tmp_path / "m" / "manifest.json").read_text())["decision_weights"] == [1.0, 1.0]

    def test_a_bundle_is_replaced(self, run, tmp_path):
        table = write_texts(tmp_path / "t.csv")
        for seed in (0, 1):
            assert run("fit", table, *QUICK, "--out", tmp_path / "m", "--seed", seed).code == 0
        assert run("report", tmp_path / "m", "--json").json["sections"]["evaluation"]["seed"] == 1


class TestRank:
    def test_figures_for_machines_and_words_for_people(self, run, tmp_path):
        done = run("rank", write_texts(tmp_path / "t.csv"), *QUICK[:2], "--json")
        assert done.code == 0, done.err
        (source,) = done.json["sources"]
        assert source["name"] == QUICK[1]
        assert {"score", "predicted", "n_items", "seconds", "latency_ms", "size_mib", "license", "dropped"} < set(
            source
        )
        assert f"{source['n_items']} items" in done.err
        assert done.json["sentence"] in done.err

    def test_fit_within_limits_says_what_it_was_chosen_from(self, run, tmp_path):
        limits = ("--max-latency-ms", 1000, "--license", "permissive", "--preset", "fast")
        done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK[:4], *limits, "--out", tmp_path / "m", "--json")
        assert done.code == 0, done.err
        assert [source["name"] for source in done.json["ranking"]] == [QUICK[1]]
        assert {baseline["name"] for baseline in done.json["baselines"]} == {"constant", "tfidf"}  # those of the preset
        assert run("report", tmp_path / "m", "--json").json["sections"]["ranking"]["sources"] == done.json["ranking"]


class TestPredict:
    def test_a_table(self, run, model, tmp_path):
        done = run("predict", model, write_texts(tmp_path / "new.csv", 30), "--json")
        assert done.code == 0, done.err
        assert len(done.json) == 30
        assert {"item", "label", "probability", "top"} <= set(done.json[0])

    def test_answers_never_take_the_place_of_what_was_asked(self, run, model, tmp_path):
        table = write_texts(tmp_path / "new.csv", 3)
        before = table.read_bytes()
        done = run("predict", model, table, "--out", tmp_path / "." / "new.csv")
        assert done.code == 2
        assert "Name another file" in done.err
        assert table.read_bytes() == before

    def test_people_see_twenty_and_how_to_get_them_all(self, run, model, tmp_path):
        done = run("predict", model, write_texts(tmp_path / "new.csv", 30))
        assert len(done.out.splitlines()) == 20
        assert "10 more; --out FILE or --json" in done.err

    def test_standard_input(self, run, model):
        lines = '{"text": "the apple on the shelf"}\n{"text": "a kiwi"}\n'
        done = run("predict", model, "-", "--json", stdin=lines)
        assert [answer["label"] for answer in done.json] == ["apple", "kiwi"]

    def test_a_file_and_a_folder_of_texts(self, run, model, tmp_path):
        (tmp_path / "f").mkdir()
        for name in ("1.txt", "2.txt"):
            (tmp_path / "f" / name).write_text("the kiwi")
        assert [a["label"] for a in run("predict", model, tmp_path / "f" / "1.txt", "--json").json] == ["kiwi"]
        assert len(run("predict", model, tmp_path / "f", "--json").json) == 2

    def test_photos(self, run, photo_model, tmp_path):
        photo = write_photo(tmp_path / "p" / "1.jpg")
        write_photo(tmp_path / "p" / "2.jpg")
        assert len(run("predict", photo_model, photo, tmp_path / "p", "--json").json) == 3

    @pytest.mark.parametrize("top", [1, 2, 3])
    def test_top(self, run, photo_model, tmp_path, top):
        (answer,) = run("predict", photo_model, write_photo(tmp_path / "1.jpg"), "--top", top, "--json").json
        assert len(answer["top"]) == top
        assert answer["top"][0]["label"] == answer["label"]

    def test_out_csv(self, run, model, tmp_path):
        done = run("predict", model, write_texts(tmp_path / "new.csv", 30), "--out", tmp_path / "answers.csv")
        assert (done.code, done.out) == (0, "")
        with (tmp_path / "answers.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 30
        assert {row["prediction"] for row in rows} == {"apple", "kiwi"}

    def test_out_keeps_the_users_columns_in_their_order_and_every_row(self, run, photo_model, tmp_path):
        write_photo(tmp_path / "1.jpg")
        (tmp_path / "2.jpg").write_bytes(b"hello")
        (tmp_path / "new.csv").write_text("id,photo,label\na,1.jpg,x\nb,2.jpg,y\nc,gone.jpg,z\nd,1.jpg,w\n")
        for out, label in ((tmp_path / "a.csv", "label"), (tmp_path / "a.jsonl", "input_label")):
            done = run("predict", photo_model, tmp_path / "new.csv", "--out", out, "--probabilities", "--top", 2)
            assert done.code == 0, done.err
            assert "2 items set aside: 'new.csv row 2'" in done.err
            lines = out.read_text().splitlines()
            rows = list(csv.DictReader(lines)) if out.suffix == ".csv" else list(map(json.loads, lines))
            assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
            assert [row[label] for row in rows] == ["x", "y", "z", "w"]
            assert [bool(row.get("error")) for row in rows] == [False, True, True, False]
        assert sum(rows[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert len(rows[0]["top"]) == 2

    def test_one_bad_file_among_seven_is_reported_and_skipped(self, run, photo_model, tmp_path):
        files = [write_photo(tmp_path / "p" / f"{i}.jpg") for i in range(6)]
        files.append(written(tmp_path / "p" / "bad.jpg", "hello"))
        for named in ([tmp_path / "p"], files):
            done = run("predict", photo_model, *named, "--json")
            assert done.code == 0, done.err
            assert "1 item set aside" in done.err
            assert [answer["item"] for answer in done.json if answer.get("error")] == [str(files[-1])]
            assert len(done.json) == 7
        refused = run("predict", photo_model, tmp_path / "p", "--max-unreadable", "1%")
        assert (refused.code, "1 of the 7 items" in refused.err, "at most 1 %" in refused.err) == (2, True, True)

    def test_out_jsonl(self, run, model, tmp_path):
        run("predict", model, write_texts(tmp_path / "new.csv", 30), "--out", tmp_path / "answers.jsonl")
        assert len([json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]) == 30

    def test_answers_carry_the_ids_of_their_rows(self, run, model, tmp_path):
        (tmp_path / "one.csv").write_text("Ticket ID;text\nT-1;the apple\nT-2;\nT-3;a kiwi\n")
        (tmp_path / "two.jsonl").write_text('{"uuid": 7, "text": "kiwi"}\n')
        for name in ("a.csv", "a.jsonl"):
            done = run("predict", model, tmp_path / "one.csv", tmp_path / "two.jsonl", "--out", tmp_path / name)
            assert done.code == 0, done.err
            assert "1 text is blank, the first one.csv row 2" in done.err
        with (tmp_path / "a.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["Ticket ID"], row["uuid"], row["prediction"]) for row in rows] == [
            ("T-1", "", "apple"), ("T-2", "", ""), ("T-3", "", "kiwi"), ("", "7", "kiwi"),
        ]  # fmt: skip
        assert rows[1]["error"].startswith("the text is blank")
        lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
        assert [(line["Ticket ID"], line["uuid"], line.get("label")) for line in lines] == [
            ("T-1", None, "apple"), ("T-2", None, None), ("T-3", None, "kiwi"), (None, 7, "kiwi"),
        ]  # fmt: skip
        piped = run("predict", model, "-", "--json", stdin='{"id": 3, "text": "kiwi"}\n{"text": null}\n').json
        assert [(one["id"], one.get("label"), "error" in one) for one in piped] == [
            (3, "kiwi", False),
            (None, None, True),
        ]

    def test_probabilities_are_printed_where_no_file_is_named(self, run, model, tmp_path):
        table = write_texts(tmp_path / "t.csv", 3)
        line = run("predict", model, table, "--probabilities").out.splitlines()[0]
        assert {word.split()[0] for word in line.partition("\t")[2].split(", ")} == {"apple", "kiwi"}

    def test_another_column_than_the_one_learnt_from(self, run, model, tmp_path):
        texts = ["kiwi", "apple"]
        one = written(tmp_path / "one.csv", "id,note\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts)))
        done = run("predict", model, one, "--json")
        assert [answer["label"] for answer in done.json] == texts
        assert "taken from 'note' of 'one.csv', as there is no 'text', which the model learnt from" in done.err
        two = written(tmp_path / "two.csv", "title,note\n" + "".join(f"a word,{text}\n" for text in texts))
        assert_says(run("predict", model, two), "'two.csv' has no 'text'", "'title', 'note'", "--input COLUMN")
        named = run("predict", model, two, "--input", "note", "--json")
        assert [answer["label"] for answer in named.json] == texts
        assert "which the model learnt from" not in named.err
        assert_says(run("predict", model, "-", stdin='{"title": "a", "note": "b"}'), "stdin row 1 has no 'text'")

    @pytest.mark.parametrize("place", ["/proc/x.csv", "/proc/new/x.csv"])
    def test_a_folder_that_takes_no_files(self, run, model, tmp_path, place):
        table = write_texts(tmp_path / "t.csv", 3)
        assert_says(run("predict", model, table, "--out", place), "cannot write /proc/", "Choose another folder")
        assert_says(run("embed", table, *QUICK[:2], "--out", place.replace("csv", "npy")), "cannot write /proc/")
        assert_says(run("fit", table, *QUICK, "--out", Path(place).parent / "m"), "cannot write /proc/")


class TestOtherCommands:
    def test_inspect(self, run, tmp_path):
        done = run("inspect", write_texts(tmp_path / "t.csv"), "--json")
        assert (done.json["task"], done.json["labels"]) == ("binary", {"apple": 30, "kiwi": 30})
        assert "60 labelled texts, binary" in done.err
        assert done.json["advice"][-1] == f"Next: headstart fit {tmp_path / 't.csv'} --out MODEL"
        named = run("inspect", tmp_path / "t.csv", "--target", "fruit", "--input", "text", "--json")
        assert (
            named.json["advice"][-1]
            == f"Next: headstart fit {tmp_path / 't.csv'} --input text --target fruit --out MODEL"
        )
        assert all(sentence in done.err for sentence in done.json["advice"])
        sources = {source["name"]: source for source in done.json["sources"]}
        assert sources["wordllama-256"]["known_bias"] in done.err
        assert sources["wordllama-256"]["warnings"] == []
        assert "efficientnet-lite0" not in sources

    def test_the_next_step_repeats_what_was_given(self, run, tmp_path):
        table = write_texts(tmp_path / "my table.csv", part=lambda i: "test" if i < 20 else "train")
        given = [
            "--input",
            "text",
            "--target",
            "fruit",
            "--task",
            "multiclass",
            "--split",
            "part",
            "--keep-case",
            "--missing",
            "",
        ]
        step = run("inspect", table, *given, "--json").json["advice"][-1]
        words = shlex.split(step.removeprefix("Next: "))
        assert words[:3] == ["headstart", "fit", str(table)]
        assert sorted(words[3:]) == sorted([*given, "--out", "MODEL"])

    def test_split_says_which_column_divides_the_rows(self, run, tmp_path):
        table = write_texts(tmp_path / "t.csv", used=lambda i: ("train", "holdout")[i % 3 == 0])
        assert run("inspect", table, "--json").json["splits"] == {"train": 40, "validation": 0, "test": 20}
        assert run("inspect", table, "--split", "none", "--json").json["splits"] is None
        named = write_texts(tmp_path / "n.csv", part=lambda i: ("train", "gold")[i % 3 == 0])
        assert_says(run("inspect", named, "--split", "part"), "n.csv row 1", "'gold'", "--split none")
        assert_says(
            run("inspect", named, "--split", "parts"), "no column (for --split) named 'parts'", "Did you mean 'part'"
        )
        fitted = run("fit", table, *QUICK, "--split", "used", "--out", tmp_path / "m", "--json").json
        assert fitted["metric"]["n"] == 20

    def test_images_says_where_the_files_lie(self, run, photo_model, tmp_path):
        rows = "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(8))
        table = written(tmp_path / "tables" / "t.csv", f"file,label\n{rows}")
        for i in range(8):
            written(tmp_path / "elsewhere" / "deep" / f"{i}.png", png(8, 8))
        folder = tmp_path / "elsewhere" / "deep"
        found = run("inspect", table, "--images", folder, "--json").json
        assert (found["modality"], found["n_items"]) == ("image", 8)
        assert len(run("predict", photo_model, table, "--input", "file", "--images", folder, "--json").json) == 8
        assert_says(run("inspect", table, "--images", tmp_path / "elsewhere" / "no"), "does not exist", "elsewhere")
        assert_says(run("inspect", table, "--images", table), "which is no folder")
        few = written(tmp_path / "tables" / "u.csv", "file,label\n0.png,a\n1.png,b\n")
        assert_says(run("inspect", few, "--images", tmp_path / "tables", "--input", "file"), "does not exist", "tables")

    def test_inspect_and_fit_warn_of_texts_that_are_cut(self, run, tmp_path):
        table = write_texts(tmp_path / "long.csv", n_words=20)
        expected = f"100% of the texts are longer than the 12 tokens that tiny-{TEXTS} reads: their ends are not seen."
        inspected = run("inspect", table, "--json")
        assert expected in inspected.err
        assert [s["warnings"] for s in inspected.json["sources"] if s["name"] == f"tiny-{TEXTS}"] == [[expected]]
        notices = run("fit", table, *QUICK, "--out", tmp_path / "m", "--json").json["notices"]
        assert [n["message"] for n in notices if n["kind"] == "suitability"] == [expected]

    def test_sources(self, run):
        assert "efficientnet-lite0" in [card["name"] for card in run("sources", "--json").json]
        done = run("sources", "wordllama-256", "--json")
        assert done.json["license"] == "MIT AND LicenseRef-Llama-2-Community"
        assert "known bias" in done.err

    def test_demo_lists_what_there_is(self, run):
        done = run("demo", "--json")
        assert {"groceries", "complaints", "vader"} <= {entry["name"] for entry in done.json}

    def test_prove_again(self, run, model, tmp_path):
        done = run("prove", model, write_texts(tmp_path / "new.csv", 40, seed=9), "--json")
        assert done.code == 0, done.err
        assert done.json["n_items"] == 40
        assert done.json["metrics"][0]["name"] == done.json["promised"]["name"]
        assert done.json["sentence"] in done.err

    def test_prove_with_other_spellings_and_a_new_label(self, run, model, tmp_path):
        table = write_texts(tmp_path / "new.csv", 40, seed=9)
        lines = table.read_text().replace(",apple", ",APPLE").splitlines()
        lines[2] = lines[2].replace(",kiwi", ",lime")
        table.write_text("\n".join(lines))
        done = run("prove", model, table, "--json")
        assert done.code == 0, done.err
        assert "1 item has the label 'lime'" in done.err
        assert "'APPLE' (20) is taken as the label, 'apple'" in done.err
        assert done.json["n_items"] == 40

    def test_letter_case_and_words_for_no_label(self, run, tmp_path):
        table = write_texts(tmp_path / "t.csv", kind=lambda i: ("a", "A", "NA")[i % 3])
        found = run("inspect", table, "--target", "kind", "--json").json
        assert found["labels"] == {"A": 40, "NA": 20}
        found = run("inspect", table, "--target", "kind", "--keep-case", "--missing", "na", "--json").json
        assert (found["labels"], found["n_unlabelled"]) == ({"A": 20, "a": 20}, 20)

    def test_prove_promises_what_was_measured_of_the_baseline_that_was_packed(self, run, model, tmp_path):
        report = run("report", model, "--json").json["sections"]["evaluation"]
        scores = {baseline["name"]: baseline["score"] for baseline in report["baselines"]}
        promised = run("prove", model, write_texts(tmp_path / "new.csv", 40), "--json").json["promised"]
        assert promised == scores.get(report["deployed"], report["metric"])

    def test_report(self, run, model):
        done = run("report", model, "--json")
        evaluation = done.json["sections"]["evaluation"]
        assert evaluation["verdict"] in evaluation["sentence"].lower()
        assert evaluation["sentence"] in done.err

    @pytest.mark.parametrize(
        "words", [("--help",), ("--version",), *((c, "--help") for c in ("fit", "predict", "prove", "demo"))]
    )
    def test_help_is_no_error(self, run, words):
        done = run(*words)
        assert (done.code, done.err) == (0, "")
        assert done.out

    def test_no_words_at_all_show_the_help(self, run):
        done = run()
        assert (done.code, done.out) == (2, "")
        assert "Commands:" in done.err


@dataclass(frozen=True)
class Case:
    """A command that the user must fix; `words` are made in an empty folder, from a text and a photo model."""

    name: str
    words: Callable[[Path, Path, Path], tuple[object, ...]]
    says: tuple[str, ...]
    stdin: str = ""


def fit_case(name: str, data: Callable[[Path], object], *says: str, options: tuple[object, ...] = ()) -> Case:
    return Case(name, lambda p, _t, _i: ("fit", data(p), *QUICK, *options, "--out", p / "made"), says)


def photo_case(name: str, data: Callable[[Path], object], *says: str, options: tuple[object, ...] = ()) -> Case:
    source = ("--source", f"tiny-{PHOTOS}", *QUICK[2:])
    return Case(name, lambda p, _t, _i: ("fit", data(p), *source, *options, "--out", p / "made"), says)


def option_case(name: str, options: tuple[object, ...], *says: str) -> Case:
    return fit_case(name, lambda p: write_texts(p / "t.csv"), *says, options=options)


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def photos(folder: Path, *labels: str, n: int = 6) -> Path:
    for label in labels:
        for i in range(n):
            write_photo(folder / "photos" / label / f"{i}.png", (40 * i, 90, 200 - 30 * i))
    return folder / "photos"


def photos_with(folder: Path, content: bytes, name: str = "bad.png") -> Path:
    written(photos(folder, "kiwi", "plum") / "plum" / name, content)
    return folder / "photos"


def png(width: int, height: int, *, cut: int | None = None) -> bytes:
    """Some bytes that claim to be that large: what they unpack to is all zeros."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    content = (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(200 * (width + 1)))) + chunk(b"IEND", b"")
    )
    return content[:cut]


def rows(*last: str, header: str = "text,fruit", n: int = 20) -> str:
    good = [f"message {i} of some length,{('apple', 'kiwi')[i % 2]}" for i in range(n)]
    return "\n".join((header, *good, *last)) + "\n"


def copied(bundle: Path, folder: Path) -> Path:
    return Path(shutil.copytree(bundle, folder / "copy"))


def tampered(bundle: Path, folder: Path, name: str) -> Path:
    copy = copied(bundle, folder)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    return copy


def newer(bundle: Path, folder: Path) -> Path:
    copy = copied(bundle, folder)
    manifest = json.loads((copy / "manifest.json").read_text())
    written(copy / "manifest.json", json.dumps({**manifest, "schema": 99}))
    return copy


def without(bundle: Path, folder: Path, name: str) -> Path:
    copy = copied(bundle, folder)
    (copy / name).unlink()
    return copy


MANY = "text,fruit\n" + "".join(f"the {kind} {i},{kind}\n" for i in range(12) for kind in ("apple", "kiwi", "lime"))
CASES = [
    # words
    Case("unknown command", lambda p, t, i: ("fitt",), ("no such command 'fitt'", "fit", "headstart --help")),
    Case("unknown option", lambda p, t, i: ("fit", "x", "--otu", "y"), ("--otu", "headstart fit --help")),
    Case("no data", lambda p, t, i: ("fit", "--out", p / "made"), ("DATA", "headstart fit --help")),
    Case("no out", lambda p, t, i: ("fit", write_texts(p / "t.csv")), ("--out", "headstart fit --help")),
    Case("no input", lambda p, t, i: ("predict", t), ("INPUT", "headstart predict --help")),
    Case("threshold of many", lambda p, t, i: ("fit", written(p / "t.csv", MANY), "--threshold", "0.3", "--out", p / "m"), ("there are 3", "class weights")),
    Case("weight of an unknown label", lambda p, t, i: ("fit", written(p / "t.csv", MANY), "--class-weights", "aple=2", "--out", p / "m"), ("'aple'", "'apple'")),
    Case("weight that is no number", lambda p, t, i: ("fit", written(p / "t.csv", MANY), "--class-weights", "apple=x", "--out", p / "m"), ("--class-weights", "spam=5,ham=1")),
    Case("metric of which less is better", lambda p, t, i: ("fit", written(p / "t.csv", MANY), "--metric", "log loss", "--out", p / "m"), ("of which more is better", "accuracy")),
    Case("top of zero", lambda p, t, i: ("predict", t, "-", "--top", 0), ("--top", "1")),
    option_case("seed is a word", ("--seed", "abc"), "--seed", "integer"),
    option_case("seed is negative", ("--seed", "-1"), "--seed", "0"),
    option_case("unknown source", ("--source", "wordlama"), "Did you mean 'wordllama-256'"),
    option_case("one of several sources unknown", ("--source", f"tiny-{TEXTS},wordlama"), "Did you mean 'wordllama-256'"),
    option_case("unknown preset", ("--preset", "fats"), "Did you mean 'fast'"),
    option_case("no source so quick", (*QUICK[:2], "--max-latency-ms", "0.000001"), "no source is within 1e-06 ms", f"the nearest is tiny-{TEXTS}"),
    option_case("no source so small", (*QUICK[:2], "--max-size-mib", "0.001"), "no source is within 0.001 MiB", f"the nearest is tiny-{TEXTS}"),
    option_case("no source of the license", (*QUICK[:2], "--license", "MIT"), "no source has a license among MIT", "Apache-2.0"),
    option_case("unknown license", ("--license", "MTI"), "'MTI'", "Did you mean 'MIT'"),
    option_case("limit of nothing", ("--max-size-mib", "0"), "must be above 0"),
    option_case("unknown head", ("--head", "rigde"), "Did you mean 'ridge'"),
    option_case("unknown baselines", ("--baselines", "ful"), "Did you mean 'full'"),
    option_case("budget of another unit", ("--budget", "2x"), "90s, 2m or 1h", "'2x'"),
    option_case("budget of nothing", ("--budget", "0"), "90s, 2m or 1h", "'0'"),
    option_case("max-bad above all", ("--max-unreadable", "150%"), "between 0 % and 100 %", "'150%'"),
    option_case("max-bad is a word", ("--max-unreadable", "few"), "1% or 0.01", "'few'"),
    option_case("unknown task", ("--task", "binry"), "Did you mean 'binary'"),
    option_case("source of photos for texts", ("--source", f"tiny-{PHOTOS}"), "reads images", "holds texts"),
    option_case("head of classes for a number", ("--target", "fruit", "--task", "regression"), "'fruit'"),
    Case("prototypes for a number", lambda p, t, i: ("fit", write_texts(p / "t.csv", price=lambda i: i / 7), *QUICK[:2], "--baselines", "none",
         "--head", "prototypes", "--target", "price", "--out", p / "made"), ("'prototypes'", "regression", "'ridge'")),
    # where it goes
    fit_case("out is a file", lambda p: written(p / "made", "mine") and write_texts(p / "t.csv"), "made", "--out"),
    fit_case("out holds other things", lambda p: written(p / "made" / "mine.txt", "mine") and write_texts(p / "t.csv"), "made", "other things", "--out"),
    fit_case("out is the data", lambda p: write_texts(written(p / "made" / "x", "").parent / "t.csv"), "made", "other things", "--out"),
    Case("out below a file", lambda p, t, i: ("fit", write_texts(p / "t.csv"), *QUICK, "--out", written(p / "file", "") / "made"),
         ("file/made", "a part of the path is a file")),
    # what comes in: paths
    fit_case("missing path", lambda p: p / "nothere", "nothere", "does not exist", "Correct the path"),
    fit_case("misspelt path", lambda p: (write_texts(p / "fruit.csv"), p / "friut.csv")[1], "Did you mean", "fruit.csv"),
    fit_case("empty folder", lambda p: p, "holds no files"),
    fit_case("spreadsheet", lambda p: written(p / "t.xlsx", b"PK"), "t.xlsx", "no spreadsheet that can be read"),
    fit_case("pickle", lambda p: written(p / "t.pkl", b"\x80\x04"), "t.pkl", "may run code"),
    fit_case("two tables", lambda p: (write_texts(p / "a.csv"), write_texts(p / "b.csv"), p)[2], "a.csv", "b.csv"),
    # photos
    photo_case("one class", lambda p: photos(p, "kiwi"), "one class", "kiwi"),
    photo_case("photos without class folders", lambda p: write_photo(p / "f" / "1.jpg").parent, "no class folders"),
    photo_case("every class single", lambda p: photos(p, "a", "b", "c", n=1), "fewer than 2"),
    photo_case("unreadable image", lambda p: photos_with(p, b"hello there"), "plum/bad.png", "--max-unreadable"),
    photo_case("truncated image", lambda p: photos_with(p, png(100, 100, cut=60)), "plum/bad.png", "cut off", "--max-unreadable"),
    photo_case("zip bomb image", lambda p: photos_with(p, png(20_000, 20_000)), "plum/bad.png", "400 megapixels", "--max-unreadable"),
    photo_case("100-megapixel image", lambda p: photos_with(p, png(10_000, 10_000)), "plum/bad.png", "100 megapixels", "--max-unreadable"),
    photo_case("SVG", lambda p: photos_with(p, b"<svg/>", "bad.svg"), "bad.svg", "SVG"),
    photo_case("all are copies", lambda p: [write_photo(p / "photos" / label / f"{i}.png") for label in "ab" for i in range(4)] and p / "photos", "copies", "groups"),
    photo_case("target of a folder", lambda p: photos(p, "a", "b"), "--target", "folder", options=("--target", "label")),
    # tables
    fit_case("empty file", lambda p: written(p / "t.csv", ""), "t.csv", "is empty"),
    fit_case("header alone", lambda p: written(p / "t.csv", "text,fruit\n"), "t.csv"),
    fit_case("non-UTF-8 noise", lambda p: written(p / "t.csv", rows().encode("utf-16-le")), "t.csv", "UTF-16", "Save it"),
    fit_case("ragged rows", lambda p: written(p / "t.csv", rows("a,b,c,d")), "t.csv row 21", "4 cells", "--max-unreadable"),
    fit_case("open quote", lambda p: written(p / "t.csv", rows('x,"kiwi', "y,kiwi")), "never closed"),
    fit_case("columns of one name", lambda p: written(p / "t.csv", rows(header="text,text")), "two columns named 'text'"),
    fit_case("not JSON", lambda p: written(p / "t.jsonl", '{"text": "a b", "label": "x"}\n{"text": "c d", "label": "y"}\nhello\n'), "t.jsonl row 3", "not JSON"),
    fit_case("Parquet that is none", lambda p: written(p / "t.parquet", "hello"), "t.parquet"),
    option_case("wrong target", ("--target", "friut"), "Did you mean 'fruit'"),
    option_case("wrong input", ("--input", "txt"), "--input", "Did you mean 'text'"),
    option_case("wrong group", ("--group", "shop"), "--group", "Known"),
    option_case("wrong time", ("--time", "day"), "--time", "Known"),
    fit_case("time not a time", lambda p: write_texts(p / "t.csv", day=lambda i: "soon"), "row 1", "'soon'", "2026-01-31", options=("--time", "day")),
    # targets
    fit_case("all labels missing", lambda p: written(p / "t.csv", "text,fruit\n" + "hello you,\nthere you are,\n" * 5), "'fruit'", "no value", options=("--target", "fruit")),
    fit_case("NaN target", lambda p: write_texts(p / "t.csv", price=lambda i: "nan"), "'price'", "no value", options=("--target", "price")),
    fit_case("infinite target", lambda p: write_texts(p / "t.csv", price=lambda i: "inf" if i == 5 else i / 3), "row 6", "'inf'",
             options=("--target", "price", "--task", "regression")),
    fit_case("constant target", lambda p: written(p / "t.csv", "text,fruit\n" + "hello you,x\nthere it is,x\n" * 5), "one class, 'x'", options=("--target", "fruit")),
    fit_case("word among numbers", lambda p: write_texts(p / "t.csv", price=lambda i: "many" if i == 5 else i / 3), "row 6", "'many'",
             options=("--target", "price", "--task", "regression")),
    # bundles
    Case("no bundle", lambda p, t, i: ("predict", p / "gone", "-"), ("gone", "headstart fit --out")),
    Case("folder that is no bundle", lambda p, t, i: ("report", p), ("is not a bundle", "manifest.json")),
    Case("tampered graph", lambda p, t, i: ("predict", tampered(t, p, "model.onnx"), "-"), ("model.onnx", "has been changed")),
    Case("tampered head", lambda p, t, i: ("predict", tampered(t, p, "head.safetensors"), "-"), ("head.safetensors", "has been changed")),
    Case("tampered report", lambda p, t, i: ("report", tampered(t, p, "report.json")), ("report.json", "has been changed")),
    Case("tampered manifest", lambda p, t, i: ("predict", tampered(t, p, "manifest.json"), "-"), ("manifest.json",)),
    Case("part of a bundle", lambda p, t, i: ("predict", without(t, p, "model.onnx"), "-"), ("model.onnx is missing",)),
    Case("newer bundle", lambda p, t, i: ("predict", newer(t, p), "-"), ("newer Headstart", "pip install --upgrade")),
    # predict
    Case("predict a missing file", lambda p, t, i: ("predict", t, p / "gone.csv"), ("gone.csv", "does not exist")),
    Case("predict an empty folder", lambda p, t, i: ("predict", i, p), ("holds no images",)),
    Case("photo for texts", lambda p, t, i: ("predict", t, write_photo(p / "a.png")), ("a.png", "takes texts")),
    Case("text for photos", lambda p, t, i: ("predict", i, written(p / "a.txt", "hello")), ("a.txt",)),
    Case("unreadable photo", lambda p, t, i: ("predict", i, written(p / "a.jpg", "hello")), ("a.jpg", "holds text")),
    Case("zip bomb photo", lambda p, t, i: ("predict", i, written(p / "a.png", png(20_000, 20_000))), ("a.png", "400 megapixels")),
    Case("empty pipe", lambda p, t, i: ("predict", t, "-"), ("stdin is empty",)),
    Case("pipe of no JSON", lambda p, t, i: ("predict", t, "-"), ("stdin row 1", "not JSON"), stdin="hello"),
    Case("pipe without the key", lambda p, t, i: ("predict", t, "-"), ("stdin row 1", "'text'"), stdin='{"body": "a", "note": "b"}'),
    Case("table without the column", lambda p, t, i: ("predict", t, written(p / "t.csv", "a,b\n1,2\n")), ("t.csv", "'a', 'b'", "--input")),
    Case("answers as a spreadsheet", lambda p, t, i: ("predict", t, "-", "--out", p / "a.xlsx"), (".csv or .jsonl", "a.xlsx")),
    Case("two columns of one name", lambda p, t, i: ("inspect", written(p / "t.csv", "text,text,fruit\na,b,c\n"), "--input", "text", "--target", "fruit"), ("two columns named 'text'", "Rename")),
    Case("predict blank texts", lambda p, t, i: ("predict", t, written(p / "t.csv", "id,text\n1,\n2, \n")), ("every text is blank", "t.csv row 1", "is filled")),
    Case("predict without a header", lambda p, t, i: ("predict", t, written(p / "t.csv", "the apple on the shelf,red\nthe kiwi and the apple,red\na kiwi on a shelf,red\n")), ("no header", "first line")),
    # prove
    Case("prove unknown labels", lambda p, t, i: ("prove", t, written(p / "t.csv", rows().replace("kiwi", "lime").replace("apple", "pear"))), ("'lime'", "'apple', 'kiwi'", "--target")),
    Case("prove a number", lambda p, t, i: ("prove", t, write_texts(p / "t.csv", price=lambda i: i / 7), "--target", "price"), ("none of the labels", "--target")),
    Case("prove nothing", lambda p, t, i: ("prove", t, p / "gone.csv"), ("gone.csv", "does not exist")),
    Case("prove on photos", lambda p, t, i: ("prove", t, photos(p, "apple", "kiwi")), ("images", "texts")),
    # the others
    Case("inspect a missing path", lambda p, t, i: ("inspect", p / "gone"), ("gone", "does not exist")),
    Case("unknown source's card", lambda p, t, i: ("sources", "all-minilm"), ("Did you mean 'all-minilm-l6-v2'",)),
    Case("unknown demo", lambda p, t, i: ("demo", "grocery"), ("Did you mean 'groceries'",)),
    Case("demo into a full folder", lambda p, t, i: (written(p / "d" / "mine", ""), ("demo", "vader", "--out", p / "d"))[1], ("--out",)),
    Case("no network", lambda p, t, i: ("demo", "vader", "--out", p / "vader"), ("cannot fetch", "vaderSentiment", "by hand into")),
    Case("weights without network", lambda p, t, i: ("fit", write_texts(p / "t.csv"), "--source", "wordllama-256", "--out", p / "made"), ("cannot fetch", "by hand into")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_user_can_mend_is_one_line_and_writes_nothing(case, run, model, photo_model, tmp_path):
    words = case.words(tmp_path, model, photo_model)
    before = sorted(tmp_path.rglob("*"))
    done = run(*words, stdin=case.stdin)
    assert_one_line(done)
    assert [said for said in case.says if said not in done.err] == [], done.err
    assert sorted(tmp_path.rglob("*")) == before


def assert_says(done: Done, *words: str) -> None:
    assert_one_line(done)
    assert [word for word in words if word not in done.err] == [], done.err


def assert_one_line(done: Done, code: int = 2) -> None:
    *progress, last = done.err.splitlines()
    assert (done.code, done.out) == (code, ""), done.err
    assert last.startswith("headstart: ")
    assert len(last) < 700
    assert not [line for line in progress if "headstart: " in line or "Traceback" in line]


@pytest.mark.parametrize(
    ("reason", "says"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the disk is read-only"), (errno.EACCES, "permission denied")],
)
@pytest.mark.parametrize("command", ["fit", "predict"])
def test_a_disk_that_does_not_take_it(run, model, tmp_path, monkeypatch, reason, says, command):
    table = write_texts(tmp_path / "t.csv")
    (tmp_path / "place").mkdir()
    monkeypatch.setattr(Path, "write_bytes", refuse_below(tmp_path / "place", Path.write_bytes, reason))
    words = {
        "fit": (table, *QUICK, "--out", tmp_path / "place/m"),
        "predict": (model, table, "--out", tmp_path / "place/a.csv"),
    }
    done = run(command, *words[command])
    assert_one_line(done)
    assert says in done.err
    assert str(tmp_path / "place") in done.err
    assert list((tmp_path / "place").iterdir()) == []


def refuse_below(folder: Path, write: Callable[..., int], reason: int) -> Callable[..., int]:
    def refuse(path: Path, content: bytes) -> int:
        if path.is_relative_to(folder):
            raise OSError(reason, os.strerror(reason), str(path))
        return write(path, content)

    return refuse


def test_a_cache_that_cannot_be_written(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(written(tmp_path / "cache", "a file")))
    done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m")
    assert_one_line(done)
    assert str(tmp_path / "cache") in done.err


def test_tampered_weights_are_not_used(run, tmp_path, monkeypatch):
    folder = Path(os.environ["HEADSTART_CACHE"])
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    shutil.copytree(folder / "sources", tmp_path / "cache" / "sources")
    (weights,) = (tmp_path / "cache" / "sources" / f"tiny-{TEXTS}").rglob("weights.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(content)
    done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m")
    assert_one_line(done)
    assert not (tmp_path / "m").exists()


def test_threads_that_are_no_number(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_THREADS", "many")
    done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m")
    assert_one_line(done)
    assert "HEADSTART_THREADS" in done.err


def test_a_fault_of_ours_is_one_line_and_code_1(run, model, monkeypatch):
    monkeypatch.setattr("headstart.packaging.load_bundle", lambda folder, **trusted: 1 / 0)
    done = run("report", model)
    assert_one_line(done, code=1)
    assert "internal error: ZeroDivisionError" in done.err
    assert "HEADSTART_DEBUG=1" in done.err


def test_an_interruption_says_how_to_go_on(run, model, monkeypatch):
    def interrupt(folder: object, **trusted: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("headstart.packaging.load_bundle", interrupt)
    assert_one_line(run("report", model), code=130)


class TestAsAProcess:
    def test_a_missing_path(self, tmp_path):
        done = command("fit", "nothere", "--out", "m", folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("headstart: 'nothere' does not exist")
        assert done.stderr.count("\n") == 1

    def test_standard_input(self, model, tmp_path):
        done = command("predict", str(model), "-", "--json", folder=tmp_path, input='{"text": "the kiwi"}\n')
        assert json.loads(done.stdout)[0]["label"] == "kiwi"

    def test_a_reader_who_goes_away_is_no_error(self, photo_model, tmp_path):
        for i in range(30):
            write_photo(tmp_path / "photos" / f"{i}.png")
        line = f"{sys.executable} -c '{ENTRY}' predict {photo_model} {tmp_path}/photos | true; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        assert done.stdout == "0\n", done.stderr
        assert "Error" not in done.stderr


class TestStreams:
    @pytest.mark.parametrize(
        ("words", "redirected", "code", "says"),
        [
            ("predict {model} -", "<&-", 2, "standard input is closed. Pipe JSON Lines into the command"),
            ("report {model} --json", ">&-", 2, "standard output is closed. Redirect it to a file"),
            ("report {model} --json", ">/dev/full", 2, "cannot write standard output: the disk is full"),
            ("report {model} --json", "2>&-", 0, ""),
            ("report {model} --json", "2>/dev/full", 0, ""),
            ("no-such-command", "2>&-", 2, ""),
            ("predict {model} - --json", "</etc <&- >&- 2>&-", 2, ""),
        ],
    )
    def test_one_that_is_closed_or_full(self, model, tmp_path, words, redirected, code, says):
        if "/dev/full" in redirected and not Path("/dev/full").exists():
            missing.skip("full device")
        line = f"{sys.executable} -c '{ENTRY}' {words.format(model=model)} {redirected}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        assert says in (done.stderr.splitlines() or [""])[-1]
        assert "Traceback" not in done.stderr

    def test_a_file_that_is_written_never_takes_the_place_of_a_closed_stream(self, model, tmp_path):
        table = write_texts(tmp_path / "t.csv", n=4)
        line = f"{sys.executable} -c '{ENTRY}' predict {model} {table} --out {tmp_path}/a.csv <&- >&- 2>&-"
        done = subprocess.run(["bash", "-c", line], check=False)
        assert done.returncode == 0
        assert (
            (tmp_path / "a.csv").read_text().startswith("item,text,fruit,prediction,probability,prediction_set,error\n")
        )


@pytest.fixture
def read_only_cache(tmp_path):
    """A cache on a disk that cannot be written, with the weights of the tiny sources in it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        missing.skip("mount")
    shutil.copytree(
        Path(os.environ["HEADSTART_CACHE"]) / "sources" / f"tiny-{TEXTS}", disk / "sources" / f"tiny-{TEXTS}"
    )
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_cache_with_the_weights_in_it_serves_a_fit(run, tmp_path, monkeypatch, read_only_cache):
    monkeypatch.setenv("HEADSTART_CACHE", str(read_only_cache))
    done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m")
    assert done.code == 0, done.err
    assert sorted(path.name for path in read_only_cache.iterdir()) == ["sources"]


def test_a_home_that_is_no_folder(run, tmp_path, monkeypatch):
    monkeypatch.delenv("HEADSTART_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(written(tmp_path / "home", "a file")))
    done = run("fit", write_texts(tmp_path / "t.csv"), *QUICK, "--out", tmp_path / "m")
    assert_one_line(done)
    assert "Set HEADSTART_CACHE to a folder that you may write to" in done.err


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("std::bad_alloc"), RuntimeError("can't start new thread")],
    ids=["python", "C++", "threads"],
)
def test_memory_that_ran_out_is_no_fault_of_ours(run, model, monkeypatch, error):
    def load(folder: object, **trusted: object) -> None:
        raise BundleError("cannot be opened. Upgrade.") from error

    monkeypatch.setattr("headstart.packaging.load_bundle", load)
    done = run("report", model)
    assert_one_line(done)
    assert "memory ran out" in done.err
    assert "HEADSTART_THREADS=1" in done.err


def test_words_of_the_users_data_are_not_taken_for_a_lack_of_memory(run, model, monkeypatch):
    def load(folder: object, **trusted: object) -> None:
        raise BundleError("the label 'out of memory' is unknown.")

    monkeypatch.setattr("headstart.packaging.load_bundle", load)
    done = run("report", model)
    assert_one_line(done)
    assert "memory ran out" not in done.err


ENTRY = "from headstart.cli import main; main()"


def command(*words: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ENTRY, *words], capture_output=True, text=True, check=False, cwd=folder, **options
    )
