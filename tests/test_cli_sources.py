"""The command `headstart sources` and all that stands under it."""

from __future__ import annotations

import json
import sys

import pytest

import headstart
import tiny
import tiny_hub
from headstart.cli import main
from headstart.sources import built_in

SHORT = {"head": "ridge", "tune": "none", "baselines": "none", "progress": None}


@pytest.fixture
def run(monkeypatch, capsys):
    """Calls the command and gives its exit code, the JSON it printed, and what it said."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), json.loads(printed.out) if printed.out else None, printed.err

    return call


@pytest.fixture
def added(cache, tmp_path):
    from headstart.sources import add

    return add(tiny_hub.bert(tmp_path / "fruit-bert"))


def test_lists_and_filters(run, added):
    code, found, said = run("sources", "--json")
    assert code == 0
    assert {"fruit-bert", "efficientnet-lite0"} <= {card["name"] for card in found}
    assert all(card["size_mib"] > 0 for card in found)
    assert "MiB" in said
    names = lambda *words: {card["name"] for card in run("sources", *words, "--json")[1]}  # noqa: E731
    assert "fruit-bert" not in names("--modality", "image")
    assert names("--max-size-mib", "1") == {"fruit-bert"}
    assert "fruit-bert" in names("--license", "permissive")
    assert names("--license", "cc-by-nc-4.0") == set()
    assert "no source is within these limits" in run("sources", "--license", "agpl-3.0-only")[2]


def test_permissive_leaves_others_out(run, cache, tmp_path):
    from headstart.sources import add

    folder = tiny_hub.bert(tmp_path / "m")
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    add(folder)
    assert "m" in {card["name"] for card in run("sources", "--json")[1]}
    assert "m" not in {card["name"] for card in run("sources", "--license", "permissive", "--json")[1]}


@pytest.mark.parametrize("words", [("fruit-bert",), ("show", "fruit-bert")])
def test_shows_a_card(run, added, words):
    code, card, said = run("sources", *words, "--json")
    assert (code, card["license"], card["provenance"]["format"]) == (0, "MIT", "hub-folder")
    assert "license      MIT" in said


def test_adds_and_removes(run, cache, tmp_path):
    path = tiny_hub.onnx_photos(tmp_path / "net.onnx")
    code, card, said = run(
        "sources", "add", path, "--license", "mit", "--mean", "0.5,0.5,0.5", "--std", "1,1,1", "--json"
    )
    assert (code, card["name"], card["network"]["mean"]) == (0, "net", [0.5, 0.5, 0.5])
    assert "features: pooled_maps" in said
    assert run("sources", "remove", "net", "--json")[:2] == (0, {"removed": "net"})
    assert run("sources", "remove", "net")[0] == 2


def test_verifies(run, added, cache):
    assert run("sources", "verify", "--json")[:2] == (0, [{"name": "fruit-bert", "state": "sound", "problem": ""}])
    (cache / "added" / "fruit-bert" / "tokenizer.json").write_bytes(b"{}")
    code, found, said = run("sources", "verify", "--json")
    assert (code, found[0]["state"]) == (2, "damaged")
    assert "tokenizer.json has changed" in said


def test_fetches_from_a_folder_of_archives(run, cache, links, tmp_path, monkeypatch):
    """A mirror that is nothing but a folder: pip's find-links and no index."""
    made = tiny.published("bert", links, tmp_path / "scratch")
    known = {name: built_in._known()[name] for name in ("all-minilm-l6-v2", "wordllama-256")} | {made.name: made}
    monkeypatch.setattr(built_in, "_known", lambda: known)
    assert run("sources", "fetch", made.name, "--json")[:2] == (0, {"ready": [made.name], "failures": []})
    assert run("sources", "verify", made.name, "--json")[1][0]["state"] == "sound"
    code, found, _ = run("sources", "fetch", "--all", "--json")
    assert (code, found["ready"]) == (2, [made.name])  # the real ones are not in that folder
    assert len(found["failures"]) == len(known) - 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fetch",), "say which sources to fetch, or --all"),
        (("fetch", "x", "--all"), "but not both"),
        (("--modality", "smell"), "no modality named 'smell'"),
        (("--license", "free"), "not the SPDX name"),
        (("--max-size-mib", "0"), "above 0 MiB"),
        (("all-minilm",), "Did you mean 'all-minilm-l6-v2'"),
        (("add", "nowhere"), "there is nothing at nowhere"),
        (("add", "nowhere", "--mean", "1"), "3 numbers with commas between"),
        (("verify", "nothing"), "no source named 'nothing'"),
    ],
)
def test_what_the_user_can_mend_is_one_line(run, cache, words, message):
    code, _, said = run("sources", *words)
    assert code == 2
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.downloads
class TestFitFrom:
    """From what somebody already has to a bundle, on real data and with real weights."""

    @pytest.fixture
    def photos(self, real_data, fetched_cache, tmp_path):
        folder = tmp_path / "photos"
        folder.mkdir()
        for kind in ("Anjou", "Orange", "Watermelon"):
            (folder / kind).mkdir()
            for photo in sorted((real_data("groceries") / "train" / kind).iterdir())[:10]:
                (folder / kind / photo.name).symlink_to(photo)
        return folder

    def test_an_earlier_bundle_and_an_onnx_file(self, photos, tmp_path):
        from headstart.sources import add

        first = headstart.fit(photos, out=tmp_path / "first", source="efficientnet-lite0", **SHORT)
        card = add(tmp_path / "first", name="yesterday")
        assert (card.license, card.dimensions) == ("Apache-2.0", 1280)
        assert card.provenance["parent"]["source"] == "efficientnet-lite0"
        again = headstart.fit(photos, out=tmp_path / "again", source="yesterday", **SHORT)
        assert again.report.evaluation.metric.value == pytest.approx(first.report.evaluation.metric.value, abs=1e-6)
        graph = add(tmp_path / "first" / "model.onnx", name="graph", license="apache-2.0", feature_layer="features")
        assert graph.fingerprint == pytest.approx(card.fingerprint, abs=1e-4)
        third = headstart.fit(photos, out=tmp_path / "third", source="graph", **SHORT)
        assert third.report.evaluation.metric.value == pytest.approx(first.report.evaluation.metric.value, abs=1e-6)
        paths = sorted(photos.rglob("*.*"))[:6]
        assert headstart.load_bundle(tmp_path / "third").predict(paths) == first.model.predict(paths)

    def test_a_hub_layout_folder(self, real_data, fetched_cache, tmp_path):
        """MiniLM as its package lays it out, against the built-in source of the same weights."""
        import zipfile

        import numpy as np
        import pandas as pd

        from headstart.sources import add, find

        download = find("all-minilm-l6-v2").downloads[0]
        with zipfile.ZipFile(fetched_cache / "packages" / download.archive) as box:
            inside = [name for name in box.namelist() if "/model/" in name and not name.endswith("/")]
            for name in inside:
                path = tmp_path / "minilm" / name.partition("/model/")[2]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(box.read(name))
        card = add(tmp_path / "minilm", license="apache-2.0", max_tokens=128)
        assert (card.architecture, card.dimensions) == ("bert", 384)
        np.testing.assert_allclose(card.fingerprint[:8], find("all-minilm-l6-v2").fingerprint, atol=1e-3)
        table = pd.read_csv(real_data("complaints") / "complaints.csv").query("split == 'train'")
        table[table["product"].isin(table["product"].value_counts().index[:2])].head(60)[["text", "product"]].to_csv(
            tmp_path / "tickets.csv", index=False
        )
        fitted = headstart.fit(tmp_path / "tickets.csv", out=tmp_path / "model", source="minilm", **SHORT)
        assert fitted.report.package.source == "minilm"
        assert fitted.report.evaluation.metric.value > 0.7
