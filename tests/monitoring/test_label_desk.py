import csv
from types import SimpleNamespace

import pytest
from labelled_log import fit_tiny, log_answers

import headstart
from headstart.core.errors import DataError
from headstart.monitoring.answer_log import read_log
from headstart.monitoring.label_desk import LabelDesk
from headstart.monitoring.label_store import LabelStore
from headstart.serving.prediction_log import PredictionLog


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return headstart.load_bundle(fit_tiny(tmp_path_factory.mktemp("desk")), trust=())


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.db") as one:
        yield one


def test_a_log_holds_keys_and_items_where_the_user_wants_them(model, tmp_path) -> None:
    keys, _ = log_answers(model, tmp_path / "log", 10, seed=1)
    records, _ = next(iter(read_log(tmp_path / "log", 2)))
    assert [record.key for record in records] == keys
    assert set(records[0].content) == {"age", "job", "pay"}
    log_answers(model, tmp_path / "bare", 10, seed=1, keeps_items=False, with_keys=False)
    records, _ = next(iter(read_log(tmp_path / "bare", 2)))
    assert records[0].content is None
    assert len(records[0].key) == 64


def test_the_unsure_and_usual_come_first_and_the_labelled_no_more(model, tmp_path, store) -> None:
    log_answers(model, tmp_path / "log", 120, seed=1)
    desk = LabelDesk(model, tmp_path / "log", store)
    waiting = desk.waiting()
    assert len(waiting) == 120
    margin = [abs(one.outputs[0] - one.outputs[1]) for one in waiting]
    assert sum(margin[:40]) < sum(margin[-40:])
    store.give([(waiting[0].key, "yes")])
    assert waiting[0].key not in [one.key for one in desk.waiting()]


def test_a_file_is_filled_in_and_given_back(model, tmp_path, store) -> None:
    keys, labels = log_answers(model, tmp_path / "log", 30, seed=1)
    truth = dict(zip(keys, labels, strict=True))
    desk = LabelDesk(model, tmp_path / "log", store)
    assert desk.write_next(tmp_path / "ask.csv", 10) == 10
    rows = list(csv.DictReader((tmp_path / "ask.csv").read_text().splitlines()))
    assert list(rows[0]) == ["key", "label", "answer", "age", "job", "pay"]
    with (tmp_path / "filled.csv").open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "label": truth[row["key"]].upper()} for row in rows[:6])
        writer.writerows(rows[6:])
    assert desk.take_csv(tmp_path / "filled.csv") == 6
    store.give([("not-yet-logged", "yes")])
    assert desk.write_labelled(tmp_path / "labelled.csv") == 6
    assert {
        row["key"]: row["label"] for row in csv.DictReader((tmp_path / "labelled.csv").read_text().splitlines())
    }.items() <= truth.items()
    late, late_labels = log_answers(model, tmp_path / "log", 1, seed=9)
    store.give([(late[0], "no"), (late[0], late_labels[0])])
    desk.write_labelled(tmp_path / "labelled.csv")
    found = {row["key"]: row["label"] for row in csv.DictReader((tmp_path / "labelled.csv").read_text().splitlines())}
    assert found[late[0]] == late_labels[0]


def test_labels_without_an_answer_are_counted(model, tmp_path, store) -> None:
    keys, _ = log_answers(model, tmp_path / "log", 3, seed=1)
    (tmp_path / "labels.csv").write_text(f"key,label\n{keys[0]},yes\nnot-yet-logged,no\n{keys[1]},\n")
    assert LabelDesk(model, tmp_path / "log", store).n_without_answer(tmp_path / "labels.csv") == 1
    assert LabelDesk(model, tmp_path / "none", store).n_without_answer(tmp_path / "labels.csv") == 2


def test_a_label_that_the_model_does_not_know_is_refused_with_its_line(model, tmp_path, store) -> None:
    desk = LabelDesk(model, tmp_path / "log", store)
    (tmp_path / "labels.csv").write_text("key,label\na,yes\nb,perhaps\n")
    with pytest.raises(
        DataError, match=r"labels.csv' line 3: 'perhaps' is no label of this model, which knows no, yes"
    ):
        desk.take_csv(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("ticket,kind\na,yes\n")
    with pytest.raises(DataError, match=r"line 1: 'kind' is no label .* If it is a header, write key,label\."):
        desk.take_csv(tmp_path / "labels.csv")
    assert store.current() == {}


def test_the_watch_takes_the_labels_of_a_store(model, tmp_path, store) -> None:
    keys, labels = log_answers(model, tmp_path / "log", 40, seed=1)
    store.give(zip(keys, labels, strict=True))
    store.close()
    verdict = headstart.watch(model, log=tmp_path / "log", labels=tmp_path / "labels.db")
    assert verdict.n_labels == 40


def test_labelled_texts_stand_in_the_column_that_the_model_reads(tmp_path, store) -> None:
    things = ("box", "lamp", "chair", "phone", "shirt", "cable", "book", "clock", "glass", "knife", "shoe", "bag")
    words = {"late": "where is my {} that I paid for", "broken": "a part of the {} fell off"}
    rows = [f"{text.format(thing)},{label}" for thing in things for label, text in words.items()]
    (tmp_path / "texts.csv").write_text("complaint,kind\n" + "\n".join(rows) + "\n")
    how = {"source": "none", "preset": "fast", "baselines": "simple", "progress": None}
    model = headstart.fit(tmp_path / "texts.csv", target="kind", out=tmp_path / "model", **how).model
    texts = ["where is my parcel", "all in pieces"]
    (tmp_path / "log").mkdir()
    log = PredictionLog(tmp_path / "log", 1.0, items=True)
    answering = SimpleNamespace(name=model.name, version="1", bundle=model)
    log.add(answering, texts, list(model.outputs(texts).values), ["a", "b"])
    log.close()
    store.give([("a", "late"), ("b", "broken")])
    assert LabelDesk(model, tmp_path / "log", store).write_labelled(tmp_path / "labelled.csv") == 2
    rows = list(csv.DictReader((tmp_path / "labelled.csv").read_text().splitlines()))
    assert [(row["complaint"], row["label"]) for row in rows] == [*zip(texts, ("late", "broken"), strict=True)]
