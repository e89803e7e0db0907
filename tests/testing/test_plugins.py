"""A plugin's part that breaks a promise fails the check of that promise, by its sentence; one that keeps them all passes."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from headstart.compression.methods.half import Half
from headstart.core.errors import OptionError
from headstart.core.report import Section
from headstart.core.tasks.single_label import SingleLabel
from headstart.data.modalities.text import Text
from headstart.evaluation.baselines.constant import Constant
from headstart.features.encoders.ngrams import NgramEncoder
from headstart.features.encoders.terms import FittedTerms
from headstart.heads.folds import RefittedFit
from headstart.heads.prototypes import Prototypes
from headstart.monitoring.detectors.shiryaev_roberts import ShiryaevRoberts
from headstart.packaging.exports import onnx_file
from headstart.ranking.ranker import Rating
from headstart.ranking.rankers.ridge import RidgeRanker
from headstart.reporting import Part, Rendering
from headstart.sources.networks.onnx import static_embeddings
from headstart.sources.networks.torch import bert
from headstart.sources.onnx_preprocessors import pixels
from headstart.sources.preprocessors.pixels import ImagePreprocessor
from headstart.streaming.connectors.file import File, FileInlet
from headstart.streaming.record import Delivery
from headstart.testing import KINDS, CheckFailed, check, checks_of
from headstart.testing import __main__ as command
from headstart.testing.connector_examples import FILE
from headstart.testing.detectors import SHIRYAEV_ROBERTS
from headstart.testing.examples import PIXELS, TEXT
from headstart.tuning.methods.fine_tune import FineTune
from headstart.updating.challengers.recalibrate import Recalibrate


@dataclass(frozen=True, kw_only=True)
class Centroids(Prototypes):
    """Keeps every promise."""

    name: str = "centroids"


class PeekingFit(RefittedFit):
    def held_out(self, groups):
        return self.head.scores(self.problem.features)


@dataclass(frozen=True, kw_only=True)
class Peeking(Prototypes):
    """Scores items by a head that has seen them."""

    name: str = "peeking"
    transform: str = "identity"

    def fit(self, problem):
        return PeekingFit(problem=problem, fit_head=self.fit_head, estimator=self)


class Steep(SingleLabel):
    """Its gradient is twice what it should be."""

    def gradient(self, outputs, targets):
        return 2 * (outputs - targets)


class FirstRow:
    """Looks at the first item alone."""

    name = "first-row"

    def score_source(self, problem, card):
        return Rating(value=float(problem.features[0, 0]))


class AllKnowing(Constant):
    """Learns from items that it was not given."""

    name = "all-knowing"

    def fit(self, dataset, index, **settings):
        return super().fit(dataset, np.arange(len(dataset)), **settings)


class Notes(Text):
    """Keys depend on more than the content."""

    name, singular, plural, order = "notes", "note", "notes", 5
    column_names, suffixes = ("note",), frozenset({".note"})
    seen: ClassVar[list] = []

    def content(self, item):
        self.seen.append(item)
        return f"{len(self.seen)} {item}".encode()


class Centred(ImagePreprocessor):
    """What it makes of an item depends on the batch."""

    kind = "centred"

    def transform(self, items):
        prepared = super().transform(items)["pixels"]
        return {"pixels": prepared - prepared[-1:]}


def squashed(graph, prepared, items, *, are_files):
    """Resizes by another rule than Python does."""
    return pixels.add_nodes(graph, replace(prepared, resize="squash"), items, are_files=are_files)


def shifted(state, card):
    """A network in torch that adds 1 to the features."""
    module = bert.build(state, card)
    pool = module.pool
    module.pool = lambda hidden, batch: pool(hidden, batch) + 1
    return module


class Frequent(NgramEncoder):
    """Learns from what it encodes, too."""

    name = "frequent"

    def fit(self, values):
        fitted = super().fit(values)
        object.__setattr__(fitted, "name", self.name)
        return Counting(**vars(fitted))


class Counting(FittedTerms):
    def encode(self, values):
        return super().encode(values) * (1 + 0.01 * len(values))


class Restless(FineTune):
    """Draws from no seed."""

    name = "restless"

    def loss(self, *given):
        return super().loss(*given) * np.random.default_rng().uniform(0.99, 1.01)


class Idle(Half):
    """Makes nothing and does not say why."""

    name = "idle"

    def variants(self, packed, calibration):
        return iter(())


def silent(bundle, out, options):
    """Leaves the sentence out of its record."""
    record = onnx_file.export(bundle, out, options)
    return {name: value for name, value in record.items() if name != "sentence"} | {"format": "silent"}


@dataclass(frozen=True, kw_only=True)
class Drift(Section):
    """Keeps every promise."""

    section_name: ClassVar[str] = "drift"
    shares: tuple[float, ...] = ()

    def rendering(self, report):
        return Rendering(page=(Part(order=950, title="Drift", template="<p>{{ section.shares[0] }}</p>"),))


@dataclass(frozen=True, kw_only=True)
class Forgetful(Drift):
    """Leaves a field out of its JSON."""

    section_name: ClassVar[str] = "forgetful"

    def to_dict(self):
        return {"n_shares": len(self.shares)}


class Hasty(File):
    """Forgets what was not acknowledged when it is closed."""

    def inlet(self, address):
        return HastyInlet(address)


class HastyInlet(FileInlet):
    async def close(self):
        await self.acknowledge([Delivery(record=None, token=token) for token in list(self._by_start)])
        await super().close()


class Nervous(ShiryaevRoberts):
    """Allows itself a tenth of the values that it is asked for."""

    def __init__(self, reference, strictness):
        super().__init__(reference, strictness / 10)


class Misnamed(Recalibrate):
    """Has a name under which it is not registered."""

    name = "misnamed"


BROKEN = {
    "heads": (Peeking, {}, "held_out_scores_do_not_know_the_group", "Expected no correlation"),
    "tasks": (Steep("steep", gives="a label"), {}, "gradient_equals_finite_differences", "The gradient: expected"),
    "rankers": (FirstRow, {}, "order_of_rows_does_not_matter", "The rating of the items in another order: expected"),
    "baselines": (AllKnowing, {}, "learns_from_the_index_alone", "a fit that never had the other items: expected"),
    "modalities": (
        Notes,
        {"example": replace(TEXT, suffix=".note")},
        "equal_contents_have_equal_keys",
        "Expected the same key for the same content in another file, got another",
    ),
    "preprocessors": (
        Centred,
        {"example": replace(PIXELS, preprocessor=Centred(height_px=8, width_px=6))},
        "an_item_does_not_depend_on_the_others",
        "'pixels' of the first item among others: expected",
    ),
    "onnx_preprocessors": (squashed, {"name": "pixels"}, "graph_prepares_the_same", "'pixels' in the graph: expected"),
    "torch_networks": (shifted, {"name": "bert"}, "gives_the_features_of_the_graph", "they differ by up to 1"),
    "tuning_methods": (Restless, {}, "follows_from_the_seed", "in the weights of the same seed: expected"),
    "compression_methods": (Idle, {}, "makes_models_or_says_why_not", "Expected a model or a reason, got neither"),
    "challengers": (
        Misnamed,
        {"name": "reweigh"},
        "has_its_registered_name",
        "Its name: expected reweigh, got misnamed",
    ),
    "connectors": (
        Hasty,
        {"name": "hasty", "example": FILE},
        "unacknowledged_comes_again",
        "records that came again: expected [3, 4, 5, 6], got []",
    ),
    "detectors": (
        Nervous,
        {"name": "nervous", "example": SHIRYAEV_ROBERTS},
        "keeps_its_promise_of_false_alarms",
        "false alarms at most in 12 series of 1000 values",
    ),
    "exports": (silent, {"name": "silent"}, "writes_what_its_record_says", "got none of ['sentence']"),
    "encoders": (Frequent, {}, "learns_from_its_values_alone", "The features of values alone: expected"),
    "report_sections": (Forgetful, {"example": Forgetful(shares=(0.5,))}, "survives_json", "expected"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_promise_is_named(kind):
    part, settings, promise, words = BROKEN[kind]
    found = [one for one in checks_of(kind, part, **settings) if one.name == promise]
    assert found
    with pytest.raises(CheckFailed) as caught:
        found[0]()
    assert str(caught.value).startswith(f"{kind} '{found[0].part}'")
    assert f"breaks a promise. {found[0].promise}" in str(caught.value)
    assert words in str(caught.value)


def test_a_network_that_draws_from_no_seed_is_named(monkeypatch):
    monkeypatch.setattr(
        static_embeddings, "initialise", lambda name, array, rng: np.random.default_rng().normal(size=array.shape)
    )
    with pytest.raises(CheckFailed, match=r"The type of the fresh|of the same seed: expected"):
        check("onnx_networks", "static-embeddings")


def test_every_kind_has_a_broken_example():
    assert {*BROKEN, "onnx_networks"} == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "part", "settings"),
    [
        ("heads", Centroids, {}),
        ("tasks", SingleLabel("ordinary", gives="a label"), {}),
        ("rankers", functools.partial(RidgeRanker, name="my-ridge"), {"name": "my-ridge"}),
        ("report_sections", Drift, {"example": Drift(shares=(0.5, 0.25))}),
        ("preprocessors", ImagePreprocessor, {"name": "pixels", "example": PIXELS}),
    ],
)
def test_a_part_that_keeps_its_promises_passes(kind, part, settings):
    check(kind, part, **settings)


def test_a_part_without_an_example_is_told_where_it_belongs():
    with pytest.raises(CheckFailed, match="register one as 'drift' in the group 'headstart.examples.report_sections'"):
        check("report_sections", Drift)


def test_a_part_that_cannot_be_made_breaks_a_promise():
    with pytest.raises(CheckFailed, match="It can be imported and tried out. It raised TypeError"):
        check("heads", lambda missing: None)


def test_unknown_kinds_and_parts_are_named():
    with pytest.raises(OptionError, match="Did you mean 'heads'"):
        checks_of("head")
    with pytest.raises(OptionError, match="Did you mean 'ridge'"):
        checks_of("heads", "rigde")


def test_the_checks_leave_the_cache_of_the_user_alone(cache):
    check("rankers", "chance")
    assert not list(cache.rglob("*"))


class TestCommand:
    def test_without_plugins_there_is_nothing_to_check(self, capsys):
        assert command.main([]) == 0
        assert capsys.readouterr().out == "0 parts checked, 0 promises broken\n"

    def test_built_in_parts_are_checked_when_asked(self, capsys):
        assert command.main(["rankers", "--built-in"]) == 0
        said = capsys.readouterr().out
        assert "kept    rankers chance (binary): It rates a source by a finite number.\n" in said
        assert said.endswith("6 parts checked, 0 promises broken\n")

    def test_a_broken_plugin_is_reported(self, capsys, monkeypatch):
        monkeypatch.setattr(command, "_installed", lambda kinds, built_in: [("rankers", "first-row")])
        monkeypatch.setattr(command, "checks_of", lambda kind, name: checks_of(kind, FirstRow))
        assert command.main([]) == 1
        said = capsys.readouterr().out
        assert "BROKEN  rankers 'first-row' (binary) breaks a promise. The same items in another order" in said

    def test_what_cannot_be_checked_here_is_said(self, capsys, monkeypatch):
        monkeypatch.setenv("HEADSTART_REDIS", "redis://127.0.0.1:1")
        monkeypatch.setattr(command, "_installed", lambda kinds, built_in: [("connectors", "redis")])
        assert command.main([]) == 0
        said = capsys.readouterr().out
        assert "skipped connectors redis: no Redis answers at 127.0.0.1:6379; run it with: make services" in said

    def test_an_unknown_kind_is_named(self, capsys):
        with pytest.raises(SystemExit):
            command.main(["head"])
        assert "there are no checks of 'head'" in capsys.readouterr().err


def test_every_check_says_its_promise():
    for path in Path(command.__file__).parent.glob("*.py"):
        assert path.stem not in KINDS or '"""What every ' in path.read_text()
    for kind in ("heads", "rankers", "tasks", "preprocessors", "report_sections"):
        for one in checks_of(kind):
            assert one.promise.endswith(".")
            assert one.promise != one.name
    assert dataclasses.is_dataclass(checks_of("heads", "ridge")[0])
