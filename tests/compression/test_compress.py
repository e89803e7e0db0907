"""`compress`: what is kept, what is written, and what it says if no variant is kept."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

import headstart
from headstart.cli.app import app
from headstart.compression import compress
from headstart.compression.measuring import Latency, Measured, Reference
from headstart.compression.method import Variant
from headstart.compression.search import best_of, nearest_miss
from headstart.compression.trial import Goal, Trial
from headstart.core.dataset import Dataset
from headstart.core.errors import BundleError, DataError, OptionError, StorageError
from headstart.core.report import Report, Score
from headstart.pipeline import prove_again
from headstart.testing.small_bundles import make_items


@pytest.fixture(scope="module")
def smaller(bundles, tmp_path_factory):
    """The bundle of convolutions in 8 bits of storage: size was asked for alone."""
    out = tmp_path_factory.mktemp("smaller") / "model"
    arguments = {"out": out, "target_mib": 0.02, "tolerance": 0.05, "methods": ["weight-only"], "progress": None}
    return compress(bundles["convolutions"], make_items("convolutions"), **arguments)


def test_the_smaller_bundle_is_a_bundle_that_answers_alike(smaller, bundles):
    before, after = headstart.load_bundle(bundles["convolutions"]), headstart.load_bundle(smaller.bundle)
    photos, labels = make_items("convolutions", seed=1)
    assert len(after.graph) < 0.6 * len(before.graph)
    np.testing.assert_allclose(after.predict_proba(list(photos)), before.predict_proba(list(photos)), atol=0.05)
    assert np.mean(np.array(after.predict(list(photos))) == labels) > 0.9


def test_manifest_and_report_say_what_was_done(smaller, bundles):
    model = headstart.load_bundle(smaller.bundle)
    assert model.manifest["compressed"]["methods"] == ["weight-only"]
    assert 0 < model.manifest["checked"]["max_difference"] < 0.05
    assert model.manifest["checked"]["alone_or_in_batch"] < 1e-5
    assert model.manifest["labels"] == headstart.load_bundle(bundles["convolutions"]).manifest["labels"]
    (trial,) = model.report.compression.trials
    assert trial["kept"]
    assert trial["size_mib"] == smaller.chosen.measured.size_mib
    page = (smaller.bundle / "report.html").read_text()
    assert "Compression" in page
    assert smaller.sentence in page
    assert "compressed version" in (smaller.bundle / "README.md").read_text()


def test_the_promise_of_the_smaller_bundle_is_moved_by_the_paired_gain(smaller, bundles):
    data = make_items("convolutions", seed=2)
    before, after = (prove_again(bundle, data)["promised"] for bundle in (bundles["convolutions"], smaller.bundle))
    gain = smaller.chosen.measured.gain
    assert after["value"] == pytest.approx(before["value"] + gain.value)
    assert before["low"] + gain.low - 1e-9 <= after["low"] <= before["low"] + gain.value
    assert after["value"] <= after["high"] <= 1.0


def test_a_report_comes_back_from_json(smaller):
    fields = json.loads((smaller.bundle / "report.json").read_text())
    assert json.loads(json.dumps(Report.from_dict(fields).to_dict())) == fields
    evaluation = fields["sections"]["evaluation"]
    evaluation |= {"gain": None, "metric": {**evaluation["metric"], "low": None}}
    assert np.isnan(Report.from_dict(fields).evaluation.metric.low)


def test_a_target_that_nothing_reaches_names_the_nearest_miss_and_writes_nothing(bundles, tmp_path):
    out = tmp_path / "model"
    compressed = compress(bundles["table"], make_items("table"), out=out, target_mib=1e-4, progress=None)
    assert compressed.bundle is None
    assert not out.exists()
    assert "nearest miss is" in compressed.sentence
    assert "MiB is over 0.0001 MiB" in compressed.sentence


def test_combinations_are_tried_where_no_method_reaches_the_target_alone(bundles, tmp_path):
    tried = compress(
        bundles["products"], make_items("products"), out=tmp_path, target_mib=1e-4, tolerance=0.1, progress=None
    ).trials
    assert {"dynamic-int8 + weight-only", "dynamic-int8 + fp16"} <= {trial.name for trial in tried}
    alone = next(trial for trial in tried if trial.name == "dynamic-int8").measured
    together = next(trial for trial in tried if trial.name == "dynamic-int8 + weight-only").measured
    assert together.size_mib < alone.size_mib


def test_the_command_ends_with_2_where_nothing_pays(bundles, tmp_path, capsys):
    import typer

    data = tmp_path / "texts.csv"
    rows = "\n".join(f"{text},{label}" for text, label in zip(*make_items("table"), strict=True))
    data.write_text(f"text,label\n{rows}\n")
    words = ["compress", str(bundles["table"]), str(data), "--out", str(tmp_path / "out"), "--target-mib", "0.0001"]
    with pytest.raises(OptionError, match="nearest miss"):
        typer.main.get_command(app)([*words, "--method", "fp16", "--json"], standalone_mode=False)
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["bundle"] is None
    assert figures["trials"][0]["name"] == "fp16"
    assert "fp16" in said.err
    words[-1] = "1"
    typer.main.get_command(app)([*words, "--method", "fp16", "--tolerance", "5%"], standalone_mode=False)
    assert headstart.load_bundle(tmp_path / "out").manifest["compressed"]["methods"] == ["fp16"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"tolerance": 1.5}, OptionError, "tolerance must be between 0 and 1"),
        ({"purpose": "sped"}, OptionError, "Did you mean 'speed'"),
        ({"target_ms": 0}, OptionError, "target_ms must be above 0"),
        ({"target_mib": -1}, OptionError, "target_mib must be above 0"),
        ({"methods": ["fp61"]}, OptionError, "Did you mean 'fp16'"),
        ({"bundle": "nothing"}, BundleError, "there is no bundle at nothing"),
        ({"data": (["good race", "bad race"] * 4, ["apple", "kiwi"] * 4)}, DataError, "at least 3 groups"),
        ({"data": (["good race", "bad race"] * 4, ["pear", "plum"] * 4)}, DataError, "'pear'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(bundles, tmp_path, change, error, said):
    arguments = {"bundle": bundles["table"], "data": make_items("table"), "out": tmp_path / "out", "progress": None}
    with pytest.raises(error, match=said):
        compress(**{**arguments, **change})
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_left_alone(bundles, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(StorageError, match="other things"):
        compress(bundles["table"], make_items("table"), out=tmp_path, progress=None)
    assert (tmp_path / "note.txt").read_text() == "mine"


def trial(name="one", *, gain=(0.0, -0.002), ms=5.0, ratio=(0.8, 0.75, 0.85), mib=5.0, **goal):
    def score(value, low):
        return Score(name="accuracy", value=value, low=low, high=value, n=100)

    latency = Latency(ms=ms, original_ms=10.0, ratio=ratio[0], low=ratio[1], high=ratio[2])
    measured = Measured(size_mib=mib, score=score(0.9, 0.85), gain=score(*gain), latency=latency)
    variant = Variant(name=name, packed=None)
    return Trial(methods=(name,), goal=Goal(**goal), original_mib=10.0, variant=variant, measured=measured)


@pytest.mark.parametrize(
    ("made", "failed"),
    [
        (trial(), ()),
        (trial(gain=(-0.02, -0.04)), ("accuracy may fall by 4 points, over 1 point",)),
        (trial(gain=(-0.02, -0.04), tolerance=0.05), ()),
        (trial(ratio=(0.98, 0.95, 1.01), purpose="speed"), ("no faster: 0.98 times the time (0.95 to 1.01)",)),
        (trial(ratio=(1.2, 1.1, 1.3), target_mib=6), ()),
        (trial(target_mib=4), ("5 MiB is over 4 MiB",)),
        (trial(target_ms=4), ("5 ms is over 4 ms",)),
        (trial(mib=11.0), ("11 MiB is larger than the original",)),
        (trial(mib=9.8), ("9.8 MiB of 10 is no smaller",)),
        (trial(mib=9.8, purpose="speed"), ()),
        (trial(ratio=(1.2, 1.1, 1.3)), ()),
        (trial(ratio=(1.2, 1.1, 1.3), purpose="both"), ("no faster: 1.20 times the time (1.10 to 1.30)",)),
    ],
)
def test_a_variant_is_kept_only_if_every_condition_holds(made, failed):
    assert made.failed == failed
    assert made.kept == (not failed)


def test_without_a_target_the_best_for_the_purpose_is_taken():
    slow, fast, small = (
        trial("slow"),
        trial("fast", ratio=(0.5, 0.4, 0.6)),
        trial("small", ratio=(0.51, 0.4, 0.6), mib=2.0),
    )
    assert best_of([slow, fast, small], Goal(purpose="speed")).name == "small"
    assert best_of([slow, fast], Goal(purpose="speed")).name == "fast"
    assert best_of([slow, fast], Goal(purpose="size")).name == "fast"  # of one size the fastest
    tiny = trial("tiny", ratio=(0.9, 0.8, 0.95), mib=1.0)
    assert best_of([tiny, small, fast], Goal(purpose="size")).name == "tiny"
    assert best_of([tiny, fast], Goal(purpose="speed")).name == "fast"
    assert best_of([tiny, fast, small], Goal(purpose="both")).name == "tiny"
    assert best_of([trial(gain=(-0.1, -0.2))], Goal()) is None


def test_with_a_target_the_one_that_loses_least_is_taken():
    better, faster = trial("better", target_ms=6), trial("faster", gain=(-0.003, -0.005), ms=2.0, target_ms=6)
    assert best_of([faster, better], Goal(target_ms=6)).name == "better"


def test_the_nearest_miss_is_the_one_whose_worst_condition_is_missed_least():
    near, far = trial("near", ms=8, target_ms=4), trial("far", ms=9, target_ms=4)
    wrong = trial("wrong", ms=5, gain=(-0.5, -0.6), target_ms=4)
    assert nearest_miss([far, wrong, near]).name == "near"
    assert nearest_miss([wrong]).name == "wrong"
    assert nearest_miss([]) is None
    almost = trial("almost", gain=(-0.004, -0.0101))
    assert nearest_miss([trial("slow", ratio=(1.2, 1.1, 1.3), purpose="speed"), almost]) is almost
    assert almost.excess == pytest.approx(1.01)


@pytest.mark.parametrize(
    ("missed", "remedy"),
    [
        (trial(ratio=(1.2, 1.1, 1.3), purpose="speed"), "--for size"),
        (trial(gain=(-0.02, -0.0404)), "--tolerance 4.1%"),
        (trial(gain=(-0.02, -0.0404), ratio=(1.2, 1.1, 1.3), purpose="both"), "--tolerance 4.1% --for size"),
        (trial(mib=9.8), "--for speed"),
        (trial(target_mib=4), "--target-mib 5.05"),
        (trial(target_ms=4, ms=5.0), "--target-ms 5.5"),
        (trial(ratio=(1.2, 1.1, 1.3), target_ms=4), ""),
        (trial(mib=11.0, purpose="both"), ""),
        (trial(), ""),
    ],
)
def test_a_miss_names_the_options_with_which_it_is_kept(missed, remedy):
    assert missed.remedy == remedy


def test_a_tolerance_that_so_few_items_cannot_decide_is_said_at_the_start(bundles, tmp_path):
    items, labels = make_items("table")
    asked = {"out": tmp_path / "out", "methods": ["fp16"]}
    undecided = compress(bundles["table"], (items, labels), **asked, progress=(said := io.StringIO()))
    first = said.getvalue().splitlines()[0]
    assert "nothing was written" in undecided.sentence
    least, n = re.search(
        r"--tolerance ([\d.]+)% or more; --tolerance 1% takes about ([\d,]+) held-out items", first
    ).groups()
    assert int(n.replace(",", "")) > len(items) / 2
    decided = compress(
        bundles["table"], (items, labels), **asked, tolerance=float(least) / 100, progress=(said := io.StringIO())
    )
    assert "cannot show" not in said.getvalue()
    assert decided.chosen is not None


def test_the_items_that_a_tolerance_takes_decide_it():
    def reference(n):
        targets = np.eye(2)[np.arange(n) % 2]
        data = Dataset(
            name="t", modality="text", task="binary", items=[""] * n, ids=[str(i) for i in range(n)], targets=targets,
            labels=("a", "b"), groups=np.arange(n),
        )  # fmt: skip
        outputs = np.where(np.arange(n)[:, None] % 5 == 0, 1 - targets, targets)
        return Reference(None, data, outputs, data.headline(targets), 0)

    said = reference(100).doubt(0.01)
    n = int(re.search(r"takes about (\d+)", said).group(1))
    assert 100 < n < 300
    assert reference(n).doubt(0.01) == ""
    assert reference(100).doubt(0.0).endswith("% or more.")
