"""A report with every section, of a model that was never fitted."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.compression.compression_section import CompressionSection
from headstart.core.report import BaselineResult, Report, Score
from headstart.core.tasks.single_label import single_label_task
from headstart.data.data_section import DataSection
from headstart.data.modalities import get_modality
from headstart.engines.timing_section import TimingSection
from headstart.evaluation.ablation_section import AblationSection, LeftOut, WeighedModel
from headstart.evaluation.columns_section import ColumnEffect, ColumnsSection
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.evaluation.own_source_section import OwnSourceSection, TakenSource
from headstart.evaluation.rare_class_section import describe_rare_class
from headstart.heads.heads_section import HeadsSection
from headstart.monitoring.findings import Alarm, Break, Change, Estimate
from headstart.monitoring.watch_section import WatchSection
from headstart.packaging.package_section import PackageSection
from headstart.ranking import Ranked, Ranking
from headstart.sources.preprocessors import modality_of
from headstart.tuning.tuning_section import TuningSection

if TYPE_CHECKING:
    from headstart.core.report import Section

LABELS = ("apple", "kiwi", "lime")


def make_report(*added: Section, **changes: Any) -> Report:
    """A report of the sections that every fit has; `changes` are fields of any of them, `added` further sections."""
    fields = {**_DATA, **_EVALUATION, **_PACKAGE, **changes}
    sections = [_section(kind, fields) for kind in (DataSection, HeadsSection, EvaluationSection, PackageSection)]
    report = Report(tuple(sections)).with_section(*added)
    return report.with_section(TimingSection(**fields["timing"])) if fields["timing"] else report


def _section(kind: type[Any], fields: dict[str, Any]) -> Section:
    """Make a section of the fields that it knows; the notices are those of the data."""
    known = {field.name for field in dataclasses.fields(kind)} & set(fields)
    section: Section = kind(**{name: fields[name] for name in known if (name, kind) != ("notices", EvaluationSection)})
    return section


def _score(value: float, width: float = 0.03, name: str = "accuracy", **more: Any) -> Score:
    return Score(name=name, value=value, low=value - width, high=value + width, n=40, **more)


def _preview(text: str) -> dict[str, str]:
    """Show a text as the report does."""
    return get_modality(str(modality_of("tokens"))).preview(text)


_DATA: dict[str, Any] = {
    "task": single_label_task(3).name,
    "modality": modality_of("pixels"),
    "name": "fruit",
    "labels": LABELS,
    "n_items": 120,
    "n_groups": 100,
    "duplicate_groups": ({"size": 2, "members": [{"id": "a", **_preview("one")}, {"id": "b", **_preview("two")}]},),
    "notices": ({"kind": "guess", "message": "Read as photos.", "where": ["row 1"]},),
}
_EVALUATION: dict[str, Any] = {
    "n_train": 80,
    "n_test": 40,
    "protocol": "Judged on 40 photos that took no part.",
    "source": "mean-colour",
    "head": "auto",
    "verdict": "transfer helps",
    "sentence": "Transfer helps: the model is right on 90 % of unseen photos.",
    "metric": _score(0.9),
    "metrics": (_score(0.9), _score(0.4, name="log loss", unit="nats")),
    "baselines": (BaselineResult(name="constant", score=_score(0.4), gain=_score(0.5), note="The majority"),),
    "gain": _score(0.5),
    "estimates": {"naive": _score(0.97), "more of the same": _score(0.92), "new conditions": _score(0.85)},
    "head_candidates": (
        {"name": "ridge", "loss": 0.3, "chosen": True},
        {"name": "bad", "loss": None, "chosen": False},
    ),
    "curve": tuple({"n_items": n, "value": v, "low": v - 0.1, "high": v + 0.05} for n, v in ((20, 0.6), (80, 0.9))),
    "forecast": "About 40 more labels for 2 points.",
    "figures": {
        "confusion": {"labels": list(LABELS), "counts": [[10, 1, 0], [0, 12, 2], [1, 0, 14]]},
        "reliability": [{"confidence": c, "accuracy": c - 0.05, "n": 10} for c in (0.5, 0.7, 0.9)],
        "mistakes": [{"id": "a.jpg", "true": "kiwi", "predicted": "lime", "probability": 0.9, **_preview("green")}],
        "label_issues": [],
    },
}
_PACKAGE: dict[str, Any] = {
    "card": {"name": "mean-colour", "license": "Apache-2.0", "trained_on": "nothing", "known_bias": "colour"},
    "deployed": "mean-colour + linear",
    "seed": 0,
    "timing": {"seconds": {"load": 0.1, "embed": 1.0, "total": 1.1}, "peak_mib": 100.0, "energy_wh": 0.01},
}

_REPORT = make_report()
DATA, HEADS, EVALUATION, PACKAGE, TIMING = _REPORT.sections
RANKING = Ranking(
    metric="accuracy",
    n_items=48,
    sources=tuple(
        Ranked(
            name=name,
            score=_score(value),
            latency_ms=latency_ms,
            n_items=48,
            seconds=1.0,
            size_mib=30.0,
            license="MIT",
            predicted=_score(value),
            dropped="",
        )
        for name, value, latency_ms in (("slow", 0.9, 20.0), ("quick", 0.8, 1.0))
    ),
)
TUNING = TuningSection(
    results=tuple(
        {
            "name": name,
            "below": below,
            "planned_s": 80.0,
            "seconds": 95.0,
            "metric": asdict(_score(value)),
            "gain": None if below is None else asdict(_score(0.02)),
            "kept": True,
            "why": "better by more than one standard error",
            "alpha": None if below is None else 0.5,
            "trained": None if below is None else 0.75,
            "settings": {} if below is None else {"learning_rate": 1e-4, "epochs": 8},
        }
        for name, below, value in (("closed form", None, 0.84), ("fine-tune", "closed form", 0.86))
    )
)
ABLATION = AblationSection(
    models=(
        WeighedModel(name="mean-colour + ridge", family="frozen", weight=0.6, score=_score(0.88)),
        WeighedModel(name="histograms", family="plain", weight=0.4, score=_score(0.7)),
        WeighedModel(name="joint model", family="joint", weight=0.0, score=_score(0.85)),
    ),
    left_out=(LeftOut(part="mean-colour", score=_score(0.7), gain=_score(0.2)),),
)
COLUMNS = ColumnsSection(
    columns=(
        ColumnEffect(
            name="age",
            modality="number",
            missing=0.1,
            change=0.2,
            curve=({"at": 20.0, "value": 0.2}, {"at": 60.0, "value": 0.6}),
        ),
        ColumnEffect(
            name="job",
            modality="category",
            missing=0.0,
            change=0.1,
            curve=({"at": "clerk", "value": 0.3}, {"at": "nurse", "value": 0.4}),
        ),
    ),
    answer="probability of kiwi",
    n_rows=40,
)
RARE_CLASS = describe_rare_class(
    np.eye(2)[[0] * 36 + [1] * 4], np.stack([1 - np.arange(40) / 40, np.arange(40) / 40], axis=1), ("apple", "kiwi")
)
COMPRESSION = CompressionSection(
    name="weight-only",
    methods=("weight-only",),
    size_mib=1.0,
    latency={"ms": 1.0, "original_ms": 2.0, "ratio": 0.5, "low": 0.4, "high": 0.6},
    gain=_score(0.9),
    metric=_score(0.9),
    goal={"tolerance": 0.01},
    evaluation="on 40 items",
    original_mib=4.0,
    original=_score(0.9),
    sentence="weight-only: 1 MiB of 4.",
    trials=({"name": "weight-only", "methods": ["weight-only"], "kept": True, "note": ""},),
)
OWN_SOURCE = OwnSourceSection(
    sources=(
        TakenSource(
            name="last year",
            n_rows=20_000,
            quality={"name": "accuracy", "value": 0.9, "low": 0.89, "high": 0.91},
            columns=({"source": "amount", "target": "amt", "why": "a like name", "scale": 1.0},),
            units=("'amt' may be in another unit.",),
            taken="Its score was left as it is 60 %, corrected by your own rows 40 %.",
            weight=0.8,
        ),
    ),
    worth="The source was worth rows: about 700 rows of the target reach without it what the 100 given ones reach with it.",
    curve=({"n_items": 25, "value": 0.6}, {"n_items": 100, "value": 0.7}),
)
WATCH = WatchSection(
    name="fruit",
    status="alarm",
    sentence="Age is higher than in the reference, about since record 1,000 (alarm at record 1,100).",
    budget="at most 1 false alarm in 100,000 records",
    n_records=2000,
    n_labels=500,
    evidence=12.0,
    threshold=100_000.0,
    alarms=(
        Alarm(
            record=1100,
            time=1.7e9,
            name="age",
            group="columns",
            column="age",
            direction="higher",
            since=1000,
            since_time=None,
            share=0.9,
            sentence="Age is higher than in the reference.",
            advice="Ask where 'age' comes from.",
            examples=("1001", "1040"),
        ),
    ),
    changes=(
        Change(name="age", group="columns", change=0.6, low=0.5, high=0.7, unit="standard deviations", size="moved", reference=40.0, live=52.0),
        Change(name="job missing", group="columns", change=0.01, low=-0.01, high=0.03, unit="share", size="steady", reference=0.0, live=0.01),
    ),
    accuracy={"estimated": Estimate(value=0.8, low=0.75, high=0.85, reference=0.83, n=2000)},
    label_shares={"kiwi": Estimate(value=0.3, low=0.2, high=0.4, reference=0.2, n=2000)},
    answers={"kiwi": Estimate(value=0.25, low=0.2, high=0.3, reference=0.2, n=2000)},
    breaks=(Break(kind="duplicates", message="12 % of the records equal one shortly before."),),
    course=({"series": "estimated", "at": 500.0, "value": 0.8}, {"series": "measured", "at": 500.0, "value": 0.7}),
    made_of="500 items",
)  # fmt: skip
