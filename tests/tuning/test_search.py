"""The search over settings: what it finds, what it stops, and what it remembers."""

import math
import time

import pytest

from headstart.engines.context import RunContext
from headstart.storage.result_cache import ResultCache
from headstart.tuning.search import SEARCHED, search
from headstart.tuning.settings import TuningSettings

START = TuningSettings()
BEST_RATE = 5e-4
NOTHING_KEPT = ResultCache(None)


class Bowl:
    """Held-out losses that fall to a bowl's height over three points, lowest at a rate of `BEST_RATE`; runs are counted."""

    def __init__(self, *, killed_at=None, seconds=0.0):
        self.runs, self.killed_at, self.seconds = [], killed_at, seconds

    def __call__(self, settings, report):
        if len(self.runs) == self.killed_at:
            raise KeyboardInterrupt
        self.runs.append(settings)
        height = abs(math.log10(settings.learning_rate / BEST_RATE)) + settings.dropout
        for point in (1, 2, 3):
            time.sleep(self.seconds)
            report(point, height + 1 / point)
        return height + 1 / 3


def find(evaluate, *, seed=0, cache=NOTHING_KEPT, **options):
    context = RunContext(seed=seed, cache=cache)
    return search(evaluate, START, context=context, **{"budget_s": 60.0, "max_attempts": 20, **options})


def test_finds_better_settings_and_stops_the_others_early():
    bowl = Bowl()
    found = find(bowl)
    assert found.tried[0].settings == START
    assert found.tried[0].ended == "finished"
    losses = [attempt.loss for attempt in found.tried if attempt.ended == "finished"]
    assert min(losses) < found.tried[0].loss
    assert found.best == next(a.settings for a in found.tried if a.ended == "finished" and a.loss == min(losses))
    pruned = [attempt for attempt in found.tried if attempt.ended == "pruned"]
    assert pruned
    assert all(len(attempt.losses) < 3 for attempt in pruned)
    assert len(bowl.runs) == 20


def test_settings_that_the_training_does_not_read_are_not_drawn():
    for attempt in find(Bowl(), unused_settings=("mixup", "dropout"), max_attempts=8).tried:
        assert (attempt.settings.mixup, attempt.settings.dropout) == (START.mixup, START.dropout)


def test_settings_that_are_not_searched_stay():
    fixed = {name for name in TuningSettings.__dataclass_fields__ if name not in SEARCHED}
    assert fixed >= {"epochs", "min_steps", "max_steps", "batch_size", "augmentation", "rank", "soup_members"}
    for attempt in find(Bowl()).tried:
        assert all(getattr(attempt.settings, name) == getattr(START, name) for name in fixed)


def test_warm_starts_are_tried_second():
    warm_starts = {"learning_rate": BEST_RATE, "dropout": 0.0}
    found = find(Bowl(), warm_starts=[warm_starts], max_attempts=2)
    assert found.tried[1].settings.learning_rate == pytest.approx(BEST_RATE)
    assert found.best == found.tried[1].settings


def test_same_seed_same_attempts_another_seed_others():
    settings = [[a.settings for a in find(Bowl(), seed=seed).tried] for seed in (0, 0, 1)]
    assert settings[0] == settings[1]
    assert settings[0] != settings[2]


def test_a_killed_search_goes_on(tmp_path):
    whole = find(Bowl())
    result_cache = ResultCache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        find(Bowl(killed_at=7), cache=result_cache)
    rest = Bowl()
    resumed = find(rest, cache=result_cache)
    assert len(rest.runs) == 13
    assert [(a.settings, a.losses, a.ended) for a in resumed.tried] == [
        (a.settings, a.losses, a.ended) for a in whole.tried
    ]
    assert resumed.best == whole.best


def test_another_question_is_not_mixed_up(tmp_path):
    find(Bowl(), cache=ResultCache(tmp_path), key=("one",), max_attempts=3)
    other = Bowl()
    find(other, cache=ResultCache(tmp_path), key=("two",), max_attempts=3)
    assert len(other.runs) == 3


def test_keeps_to_its_budget():
    started = time.monotonic()
    found = find(Bowl(seconds=0.05), budget_s=1.0, max_attempts=1000)
    assert 2 <= len(found.tried) < 30
    assert sum(attempt.seconds for attempt in found.tried) <= 1.0
    assert time.monotonic() - started < 3.0  # the library's import, too


def test_a_budget_too_small_for_one_run_leaves_the_start():
    found = find(Bowl(seconds=0.1), budget_s=0.05)
    assert found.tried == ()
    assert found.best == START


def test_a_run_that_diverges_is_never_best():
    found = find(lambda settings, _: math.nan if settings.learning_rate > START.learning_rate else settings.dropout)
    assert {attempt.ended for attempt in found.tried} == {"diverged", "finished"}
    assert found.best.learning_rate <= START.learning_rate
    assert all(math.isinf(attempt.loss) for attempt in found.tried if attempt.ended == "diverged")


def test_nothing_is_printed(capfd):
    find(Bowl(), max_attempts=3)
    assert capfd.readouterr() == ("", "")


def test_starting_points_can_be_tried():
    import tomllib
    from importlib.resources import files

    from headstart.core import registry
    from headstart.tuning.starting_points import starting_points

    table = tomllib.loads(files("headstart.tuning").joinpath("starting_points.toml").read_text(encoding="utf-8"))
    for point in table.get("points", ()):
        assert point["method"] in registry.names("tuning_methods")
        assert point["input"] in registry.names("preprocessors")
        assert set(point["settings"]) <= set(TuningSettings.__dataclass_fields__)
        assert 0 < point["left"] < 1
        found = starting_points(point["method"], point["input"], batch_norms=point["batch_norms"])
        assert point["settings"] in found
        TuningSettings(**point["settings"])
    assert starting_points("contrastive", "pixels") == ()


def test_a_method_starts_with_the_settings_that_worked_on_earlier_tasks(tmp_path):
    import tiny
    from headstart.core import registry
    from headstart.tuning.starting_points import starting_points, with_default_settings

    method = registry.get("tuning_methods", "contrastive")()
    first = starting_points("contrastive", "tokens")[0]
    found = with_default_settings(method, tiny.source("bert", tmp_path)).settings
    assert {name: getattr(found, name) for name in first} == first
    photos = registry.get("tuning_methods", "contrastive")()
    assert with_default_settings(photos, tiny.source("efficientnet-lite", tmp_path)) == photos


def test_photo_networks_with_batch_norms_have_starting_points_of_their_own(tmp_path):
    import tiny
    from headstart.core import registry
    from headstart.tuning.starting_points import has_batch_norms, starting_points, with_default_settings

    source = tiny.source("resnet", tmp_path)
    assert has_batch_norms(source)
    assert not has_batch_norms(tiny.source("bert", tmp_path / "bert"))
    method = registry.get("tuning_methods", "lora")()
    assert starting_points("lora", "pixels") == ()
    assert with_default_settings(method, source).settings.augmentation == "crop"
