"""Many items: as few give, in their order, whatever their lengths."""

import numpy as np
import pytest
from tiny_texts import make_text_bundle

from headstart.core.errors import DataError
from headstart.data.modalities import get_modality
from headstart.engines.cancelling import CancelToken, Stopped
from headstart.engines.context import RunContext
from headstart.engines.events import ProgressMade
from headstart.engines.reporters import SilentReporter
from headstart.packaging import load_bundle
from headstart.packaging.many_items import BATCH_SIZE, batches_of

WORDS = ("kiwi", "plum", "lime", "what")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return load_bundle(make_text_bundle(tmp_path_factory.mktemp("bundles") / "words"), threads=2)


def texts(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(1, 15))) for _ in range(n)]


class Listening(SilentReporter):
    def __init__(self):
        super().__init__(cancel_token=CancelToken())
        self.events = []

    def receive(self, event):
        self.events.append(event)


def test_batches_hold_every_item_once_the_longest_first():
    items = [*texts(100), "kiwi " * 1000]
    batches = batches_of(items, get_modality("text"))
    assert sorted(np.concatenate(batches)) == list(range(101))
    assert batches[0].tolist() == [100]
    longest = [max(len(items[i]) for i in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    assert all(len(batch) <= BATCH_SIZE for batch in batches)


@pytest.mark.parametrize("threads", [1, 2])
def test_many_items_get_what_each_gets_alone(words, tmp_path, threads):
    model = load_bundle(make_text_bundle(tmp_path / "words"), threads=threads)
    items = texts(150)
    alone = np.concatenate([words.predict_proba([item]) for item in items])
    np.testing.assert_allclose(model.predict_proba(items), alone, atol=1e-6)
    assert model.predict(items) == [words.predict([item])[0] for item in items]
    assert [p.label for p in model.predictions(items)] == [words.predict([item])[0] for item in items]
    np.testing.assert_allclose(
        model.features(items), np.concatenate([words.features([item]) for item in items]), atol=1e-6
    )


def test_an_item_among_many_that_cannot_be_read_is_named_and_the_others_answered(words):
    items = [{"message": text} for text in texts(90)]
    items[41] = {"another": "kiwi", "number": 7}
    with pytest.raises(DataError, match="item 42"):
        words.predict(items)
    answers = words.predictions(items)
    assert [i for i, answer in enumerate(answers) if answer.error] == [41]
    assert "item 42" in answers[41].error
    assert answers[40].label == words.predict([items[40]])[0]


def test_progress_counts_every_item(words):
    reporter = Listening()
    words.predictions(texts(100), context=RunContext(reporter=reporter))
    made = [event for event in reporter.events if isinstance(event, ProgressMade)]
    assert made[-1].done == made[-1].total == 100


def test_a_cancelled_prediction_stops(words):
    reporter = Listening()
    reporter.cancel_token.cancel()
    with pytest.raises(Stopped):
        words.predict(texts(100), context=RunContext(reporter=reporter))


def test_no_row_pays_for_a_clock_of_its_own(words, monkeypatch):
    monkeypatch.setattr("headstart.engines.clock.cpu_seconds", lambda: pytest.fail("a system call for each row"))
    assert words.predict(["kiwi"]) == words.predict(["kiwi", "plum"])[:1]
