"""Rows of fields down the whole line, with sources of some kilobytes."""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import headstart
import tiny
from headstart.cli import main
from headstart.core.dataset import Field
from headstart.core.errors import DataError, OptionError
from headstart.data import load
from headstart.data.rows import Rows
from headstart.evaluation import small_cnn
from headstart.features import embed
from headstart.features.embedding import comparable
from headstart.packaging import load_bundle
from headstart.pipeline import prove_again
from headstart.ranking.candidates import candidates_by_field
from headstart.sklearn import TransferClassifier
from headstart.sources import FieldSource, JointSource, built_in, open_source
from headstart.sources.preprocessors import build

N = 96
TEXT, IMAGE = "tiny-static-embeddings", "tiny-efficientnet-lite"
FRUITS, SHELVES = ("kiwi", "apple"), ("good", "bad")


@pytest.fixture(scope="module", autouse=True)
def tiny_sources(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        kinds = ("bert", "static-embeddings", "efficientnet-lite")
        opened = tiny.open_all(kinds, tmp_path_factory.mktemp("sources"), patch)
        patch.setattr(built_in, "_known", lambda: {name: replace(one, license="MIT") for name, one in opened.items()})
        yield


def said(word, rng):
    return " ".join([*rng.choice(["head", "start", "race", "before"], 3), word])


@pytest.fixture(scope="module")
def columns():
    """Two texts of which only both together tell the label: one names the fruit, the other the shelf."""
    rng = np.random.default_rng(0)
    fruit, shelf = rng.integers(0, 2, N), rng.integers(0, 2, N)
    return {
        "subject": [said(FRUITS[i], rng) for i in fruit],
        "body": [said(SHELVES[i], rng) for i in shelf],
        "kind": [f"{SHELVES[j]} {FRUITS[i]}" for i, j in zip(fruit, shelf, strict=True)],
    }


@pytest.fixture(scope="module")
def with_photos(tmp_path_factory):
    """A table of texts and photos beside it."""
    folder, rng = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    lines = ["title,photo,kind"]
    for i in range(N):
        light, fruit = rng.integers(0, 2), rng.integers(0, 2)
        pixels = np.clip(rng.normal([60, 200][light], 30, (32, 32, 3)), 0, 255).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{i}.png")
        lines.append(f"{said(FRUITS[fruit], rng)},{i}.png,{['dark', 'light'][light]} {FRUITS[fruit]}")
    (folder / "shop.csv").write_text("\n".join(lines))
    return folder / "shop.csv"


def fit(data, out=None, **options):
    quick = {"head": "ridge", "baselines": "none", "source": f"{TEXT},{IMAGE}", "progress": None}
    return headstart.fit(data, out=out, **{**quick, **options})


@pytest.fixture(scope="module")
def two_texts(columns, tmp_path_factory):
    named = {"input": "subject,body", "target": "kind"}
    return fit(columns, tmp_path_factory.mktemp("fitted") / "m", source=TEXT, baselines="simple", **named)


@pytest.fixture(scope="module")
def joint_model(columns):
    """The transferred model itself, whatever the baselines would have said."""
    return fit(columns, source="subject=tiny-bert,body=tiny-static-embeddings", input="subject,body", target="kind")


@pytest.fixture(scope="module")
def text_and_photo(with_photos, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_cnn, "n_epochs", lambda _n: 2)
        return fit(
            with_photos, tmp_path_factory.mktemp("fitted") / "m", input="title,photo", target="kind", baselines="full"
        )


def accuracy(fitted):
    return fitted.report.evaluation.metric.value


def test_both_fields_are_better_than_each_alone(two_texts, columns):
    alone = [accuracy(fit(columns, source=TEXT, input=name, target="kind")) for name in ("subject", "body")]
    assert accuracy(two_texts) > max(alone) + 0.2


def test_a_bundle_says_its_fields_and_predicts_from_dicts_and_rows(two_texts, columns):
    model = load_bundle(two_texts.bundle)
    assert model.modality == "row"
    assert model.fields == (Field("subject", "text"), Field("body", "text"))
    assert model.manifest["fields"] == [{"name": "subject", "modality": "text"}, {"name": "body", "modality": "text"}]
    rows = Rows({name: columns[name] for name in ("subject", "body")})
    probabilities = model.predict_proba(rows)
    np.testing.assert_allclose(model.predict_proba([*rows]), probabilities)
    right = np.mean([said == true for said, true in zip(model.predict(rows), columns["kind"], strict=True)])
    assert right > 0.9
    with pytest.raises(DataError, match="has no field 'body'"):
        model.predict([{"subject": "good"}])


def command_line(monkeypatch, *words):
    """Run the command in this process, for it must see the tiny sources; give its exit code."""
    monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_predict_finds_the_columns_of_rows_by_itself(two_texts, columns, tmp_path, capsys, monkeypatch):
    pd.DataFrame(columns).to_csv(tmp_path / "rows.csv", index=False)
    assert command_line(monkeypatch, "predict", two_texts.bundle, tmp_path / "rows.csv", "--input", "body") == 2
    assert "finds them by their names: 'subject', 'body'. Leave --input out." in capsys.readouterr().err


def test_an_export_of_rows_is_checked_on_a_table(joint_model, columns, tmp_path, capsys, monkeypatch):
    pd.DataFrame(columns).to_csv(tmp_path / "rows.csv", index=False)
    out = tmp_path / "rows.onnx"
    assert (
        command_line(
            monkeypatch,
            "export",
            joint_model.bundle,
            "--onnx",
            out,
            "--tensor-inputs",
            "--check",
            tmp_path / "rows.csv",
        )
        == 0
    )
    assert f"on {N} items" in capsys.readouterr().err


def test_an_argument_that_fit_does_not_know_is_named(columns):
    with pytest.raises(OptionError, match="no argument of fit named 'baseline'. Did you mean 'baselines'"):
        headstart.fit(columns, baseline="none")


def test_the_transferred_model_reads_rows_too(joint_model, columns):
    rows = Rows({name: columns[name] for name in ("subject", "body")})
    assert joint_model.report.package.source == f"tiny-bert on subject and {TEXT} on body"
    right = np.mean([said == true for said, true in zip(joint_model.predict(rows), columns["kind"], strict=True)])
    assert right > 0.9
    assert joint_model.model.features(rows).shape == (N, 24)


def test_the_deployed_source_names_what_it_reads(two_texts):
    assert two_texts.report.package.source == f"{TEXT} on subject and {TEXT} on body"
    assert "subject and body" in load_bundle(two_texts.bundle).card


def test_words_of_all_texts_are_one_baseline(two_texts):
    names = [baseline.name for baseline in two_texts.report.evaluation.baselines]
    assert names == ["constant", "tfidf"]
    assert next(b for b in two_texts.report.evaluation.baselines if b.name == "tfidf").score.value > 0.9


def test_a_text_and_a_photo(text_and_photo, with_photos):
    model = load_bundle(text_and_photo.bundle)
    assert [field.modality for field in model.fields] == ["text", "image"]
    assert accuracy(text_and_photo) > 0.4  # of four labels, by networks that know nothing
    names = [baseline.name for baseline in text_and_photo.report.evaluation.baselines]
    assert names == ["constant", "histograms", "tfidf", "convolutional", "random-weights"]
    again = prove_again(text_and_photo.bundle, with_photos)
    assert again["n_items"] == N


def test_a_page_shows_every_field(text_and_photo):
    page = (text_and_photo.bundle / "report.html").read_text()
    assert "<dt>title</dt>" in page
    assert "<dt>photo</dt>" in page


def test_a_report_of_rows_is_read_back(text_and_photo):
    report = load_bundle(text_and_photo.bundle).report
    assert report.data.fields[1] == {"name": "photo", "modality": "image"}


def test_each_field_has_its_ranking(columns, with_photos):
    dataset = load(columns, input="subject,body", target="kind")
    ranking = headstart.rank(dataset, progress=None)
    assert [one.field for one in ranking.of_fields] == ["subject", "body"]
    assert {source.name for source in ranking.others[0].sources} == {"tiny-bert", TEXT}
    assert json.loads(json.dumps(ranking.to_dict()))["others"][0]["field"] == "body"


def test_one_text_beside_numbers_has_its_ranking_and_is_packed(columns, tmp_path):
    rows = {
        "subject": columns["subject"],
        "size": [float(i % 7) for i in range(N)],
        "rate": [float(i % 5) for i in range(N)],
    }
    rows["kind"] = [kind.split()[1] for kind in columns["kind"]]
    data = load(rows, input="all", target="kind")
    assert [one.modality for one in data.fields].count("text") == 1
    assert headstart.rank(data, progress=None).field == "subject"
    headstart.fit(rows, input="all", target="kind", preset="fast", out=tmp_path / "model", progress=None)
    assert (
        len(load_bundle(tmp_path / "model").predict({name: rows[name][:3] for name in ("subject", "size", "rate")}))
        == 3
    )
    numbers = load({name: rows[name] for name in ("size", "rate", "kind")}, target="kind")
    with pytest.raises(OptionError, match="no source gives features of numbers"):
        headstart.rank(numbers, progress=None)


def test_all_rankings_are_in_the_report(columns):
    fitted = fit(columns, source=None, input="subject,body", target="kind")
    again = load_bundle(fitted.bundle).report.ranking
    assert [one.field for one in again.of_fields] == ["subject", "body"]
    assert all(one.best.dropped == "" for one in again.of_fields)
    assert "Why this source for body" in (fitted.bundle / "report.html").read_text()
    assert set(fitted.to_dict()["rankings"]) == {"subject", "body"}


class TestCandidates:
    @pytest.fixture
    def shop(self, with_photos):
        return load(with_photos, input="title,photo", target="kind")

    def test_go_to_the_fields_that_they_read(self, shop):
        assert candidates_by_field(shop, [TEXT, IMAGE]) == {"title": [TEXT], "photo": [IMAGE]}
        assert candidates_by_field(shop, [TEXT]) == {"title": [TEXT], "photo": None}
        assert candidates_by_field(shop, None) == {"title": None, "photo": None}

    def test_are_assigned(self, shop):
        assert candidates_by_field(shop, ["title=tiny-bert", IMAGE]) == {"title": ["tiny-bert"], "photo": [IMAGE]}
        with pytest.raises(OptionError, match="no field named 'titel'"):
            candidates_by_field(shop, ["titel=tiny-bert"])

    def test_that_read_no_field_are_refused(self, columns):
        with pytest.raises(OptionError, match="reads image"):
            candidates_by_field(load(columns, input="subject,body", target="kind"), [IMAGE])

    def test_of_the_wrong_kind_are_refused(self, with_photos):
        with pytest.raises(OptionError, match="reads images"):
            fit(with_photos, source=f"title={IMAGE}", input="title,photo", target="kind")


class TestFeatures:
    @pytest.fixture
    def joint(self):
        return JointSource(
            tuple(FieldSource(open_source(name), field) for name, field in ((TEXT, "title"), (IMAGE, "photo")))
        )

    def test_are_blocks_side_by_side_each_of_its_field(self, joint, with_photos):
        items = load(with_photos, input="title,photo", target="kind").items
        features = embed(items, joint)
        title, photo = features.blocks
        assert (title.field, photo.field) == ("title", "photo")
        assert title.name == f"{TEXT} on title"
        assert title.is_pretrained
        assert features.values.shape == (len(items), photo.stop)
        alone = embed(items.column("photo"), open_source(IMAGE))
        assert alone.n_computed == 0  # one cache, whatever the field is called
        np.testing.assert_array_equal(features.values[:, photo.columns], alone.values)
        assert len(set(features.keys.tolist())) == len(items)

    def test_weigh_the_same_in_distances(self, joint, with_photos):
        features = embed(load(with_photos, input="title,photo", target="kind").items, joint)
        scaled = comparable(features)
        spread = [float((scaled[:, block.columns] ** 2).sum(axis=1).mean()) for block in features.blocks]
        np.testing.assert_allclose(spread, 1, rtol=1e-4)

    def test_the_input_travels(self, joint, with_photos):
        items = load(with_photos, input="title,photo", target="kind").items[:3]
        again = build(joint.input.kind, joint.input.settings(), joint.input.files())
        assert again.fields == ("title", "photo")
        for name, array in joint.input.transform([*items]).items():
            np.testing.assert_array_equal(array, again.transform(items)[name])


def test_a_field_that_harms_is_left_out_with_a_word(columns):
    rng = np.random.default_rng(1)
    data = {
        **columns,
        "body": [said("a", rng) for _ in range(N)],
        "kind": [text.split()[-1] for text in columns["subject"]],
    }
    fitted = fit(data, source=TEXT, input="subject,body", target="kind")
    messages = [notice["message"] for notice in fitted.report.notices]
    is_alone = fitted.report.package.source == f"{TEXT} on subject"
    assert is_alone == any("'body' is not read" in message for message in messages)
    assert fitted.model.predict([{"subject": "good kiwi", "body": ""}, {"subject": "apple", "body": "race"}]) == [
        "kiwi",
        "apple",
    ]


def test_tuning_is_refused_by_name_and_skipped_otherwise(columns):
    named = {"source": TEXT, "input": "subject,body", "target": "kind"}
    with pytest.raises(OptionError, match="--tune lora tunes the network of one field"):
        fit(columns, tune="lora", **named)
    notices = fit(columns, tune="auto", **named).report.notices
    assert any("No network is tuned" in notice["message"] for notice in notices)


def test_new_data_may_call_its_columns_otherwise(two_texts, columns):
    other = {"s": columns["subject"], "b": columns["body"], "kind": columns["kind"]}
    again = prove_again(two_texts.bundle, other, input="s,b", target="kind")
    assert again["metrics"][0]["value"] > 0.9
    with pytest.raises(DataError, match="the model reads"):
        prove_again(two_texts.bundle, other, input="s", target="kind")


class TestEstimators:
    """A frame with columns of texts and photos is rows."""

    def test_learn_from_two_columns(self, columns):
        frame = pd.DataFrame({name: columns[name] for name in ("subject", "body")})
        named = f"subject={TEXT},body={TEXT}"
        model = TransferClassifier(source=named, head="ridge").fit(frame, columns["kind"])
        assert model.score(frame, columns["kind"]) > 0.9
        assert model.source_ == named
        again = pickle.loads(pickle.dumps(model)).predict_proba(frame[["body", "subject"]])
        np.testing.assert_array_equal(again, model.predict_proba(frame))

    def test_say_which_column_they_lack(self, columns):
        frame = pd.DataFrame({name: columns[name] for name in ("subject", "body")})
        model = TransferClassifier(source=TEXT, head="ridge").fit(frame, columns["kind"])
        with pytest.raises(DataError, match="no column 'body'"):
            model.predict(frame[["subject"]])
        with pytest.raises(DataError, match="fitted on a frame"):
            model.predict(columns["subject"])

    def test_learn_from_numbers_beside_texts(self, columns):
        frame = pd.DataFrame({"subject": columns["subject"], "price": np.random.default_rng(0).normal(size=N)})
        model = TransferClassifier(source="none").fit(frame, columns["kind"])
        assert model.predict(frame[["price", "subject"]][:3]).shape == (3,)
        with pytest.raises(DataError, match="'price'"):
            model.predict(frame[["subject"]])


def test_compression_reads_rows_and_says_what_it_cannot_do(joint_model, columns, tmp_path):
    found = headstart.compress(joint_model.bundle, columns, out=tmp_path / "small", methods=("distil",), progress=None)
    assert "several fields" in found.trials[0].note
