"""Fit: load, rank, embed, adapt, prove, package, in one screen."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.adaptation.select import strategies
from headstart.core.errors import DataError, OptionError, StorageError, unknown_name
from headstart.data import load
from headstart.data.bad_items import BadItems
from headstart.data.holdout import plan_splits
from headstart.data.near_duplicates import find_near_duplicates
from headstart.engines.clock import Clock
from headstart.engines.files import cache_folder
from headstart.engines.journal import Journal
from headstart.engines.memory import share_one_heap
from headstart.engines.timing_section import TimingSection
from headstart.features import embed
from headstart.line.choosing import choose_source, names_of, settle
from headstart.line.climbing import climb_above, tunings
from headstart.line.fitted import Fitted
from headstart.line.presets import preset_named
from headstart.packaging import Schema, check_target, load_bundle, write
from headstart.packaging.package_section import PackageSection
from headstart.proof import Arena, prove
from headstart.proof.rival import COSTS
from headstart.ranking import Limits, with_mismatches
from headstart.reporting import start_drawing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from headstart.core.dataset import Dataset
    from headstart.features import Features
    from headstart.proof.rival import Cost
    from headstart.sources import AnySource

_N_CHECKED = 16  # real items on which the packed graph must equal the fitted model


def fit(
    data: Any,
    *,
    out: str | Path | None = None,
    source: str | Sequence[str] | None = None,
    strategy: str = "auto",
    preset: str = "balanced",
    rivals: Cost | None = None,
    budget_s: float | None = None,
    max_latency_ms: float | None = None,
    max_size_mib: float | None = None,
    licence: str | None = None,
    max_sources: int | None = None,
    seed: int = 0,
    max_bad: float = 0.01,
    progress: TextIO | None = sys.stderr,
    **columns: Any,
) -> Fitted:
    """Turn labelled data into a proven, portable model.

    Parameters
    ----------
    data : whatever `headstart.load` takes
    out : folder of the bundle; None for one that goes when the process ends
    source : name of a pretrained network; several, as a list or with commas between, are ranked and the best is taken;
        None for all that read such items
    strategy : 'auto', the name of one closed-form head ('ridge', 'logistic', 'prototypes', 'discriminant'), or of one way to
        tune the network above it ('fine-tune', 'lora', 'bias', 'contrastive'), which is kept where it is better by more than one standard error
    preset : 'fast' (a minute: candidates ranked on up to 96 items, simple rivals), 'balanced' (on up to 1,000 by successive
        halving, all rivals), 'best' (likewise, of any size, up to three blended, networks tuned, all rivals); what is given on its own goes before
    rivals : 'full', 'simple' (seconds), or 'none', which proves nothing; None for the preset's
    budget_s : time for everything, in seconds; sources and rivals that cost too much are left out, and named
    max_latency_ms, max_size_mib, licence : what a source must keep to, as in `headstart.ranking.Limits`; where neither these
        nor a source are given, the preset says what is looked at
    max_sources : how many sources may be blended, each embedding all items; None for the preset's (3 for 'best', else 1)
    seed : for folds, random weights and rivals; the same data and seed give the same model, byte for byte
    max_bad : fraction of the items that may be unreadable
    progress : where to write how far it is; None for silence
    columns : `input`, `target`, `task`, `group`, `time`, as for `headstart.load`

    Raises
    ------
    UserError
        Data, options or disk are not as they must be; nothing is written then.
    """
    chosen = preset_named(preset)
    rivals = chosen.rivals if rivals is None else rivals
    _check_options(strategy=strategy, rivals=rivals, budget_s=budget_s, seed=seed)
    names = names_of(source)
    limits = Limits(max_latency_ms=max_latency_ms, max_size_mib=max_size_mib, licence=licence)
    clock = Clock(chosen.budget_s if budget_s is None else budget_s)
    share_one_heap()
    folder = _target(out)
    _check_place(folder)
    with clock.stage("load"):
        dataset = load(data, max_bad=max_bad, **columns)
    with clock.stage("rank"):
        backbone, ranking = choose_source(
            dataset,
            names,
            limits,
            preset=chosen if max_sources is None else replace(chosen, max_sources=max_sources),
            clock=clock,
            seed=seed,
            progress=progress,
        )
    with clock.stage("embed"):
        dataset, features = _embed_readable(dataset, backbone, max_bad, progress)
    start_drawing()
    with clock.stage("adapt"):
        duplicates = find_near_duplicates(features.values, dataset.groups)
        dataset = replace(dataset, groups=duplicates.groups)
        plan = plan_splits(dataset, duplicates.groups, seed=seed)
        arena = Arena(
            dataset=dataset,
            features=features.values,
            backbone=backbone,
            plan=plan,
            strategy="auto" if strategy in tunings() else strategy,
            seed=seed,
            journal=Journal(cache_folder() / "journal"),
            progress=progress,
        )
        arena, adapted = settle(arena, arena.adapt(plan.final))
        arena = replace(arena, dataset=with_mismatches(arena.dataset, arena.backbone, arena.features))
    tuned = None
    if strategy in tunings() or (chosen.tunes and strategy == "auto"):
        with clock.stage("tune"):
            tuned = climb_above(arena, strategy=strategy, clock=clock)
    with clock.stage("prove"):
        proof = prove(arena, adapted, duplicates, rivals=rivals, clock=clock, tuned=tuned)
    with clock.stage("package"):
        report = proof.report.with_section(
            *([ranking.with_chosen(arena.backbone.parts)] if ranking else []),
            PackageSection(deployed=proof.predictor.name, source=proof.network.name, card=proof.network.describe()),
            TimingSection(**clock.timing(), n_embedded=features.n_computed),
        )
        write(
            folder,
            predictor=proof.predictor,
            report=report,
            schema=_schema(dataset),
            check_items=[dataset.items[i] for i in plan.held_out[:_N_CHECKED]],
            moments=proof.moments,
        )
    return Fitted(model=load_bundle(folder, trust=()), report=report, bundle=folder, seconds=clock.seconds())


def _check_options(*, strategy: str, rivals: str, budget_s: float | None, seed: int) -> None:
    """Refuse what cannot work before a long embedding, not after it."""
    if strategy not in (*strategies(), *tunings()):
        raise unknown_name("strategy", strategy, (*strategies(), *tunings()))
    if rivals not in COSTS:
        raise unknown_name("choice of rivals", rivals, COSTS)
    if budget_s is not None and not budget_s > 0:
        raise OptionError(f"budget_s must be above 0 seconds, but {budget_s!r} came. Give more, or None for no limit.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed must be a whole number from 0, but {seed!r} came.")


def _target(out: str | Path | None) -> Path:
    if out is not None:
        return Path(out)
    return Path(tempfile.mkdtemp(prefix="headstart-")) / "model"


def _check_place(folder: Path) -> None:
    """Refuse a place that cannot take a bundle before the work, not after it."""
    check_target(folder)
    nearest = next(parent for parent in folder.absolute().parents if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise StorageError(
            f"cannot write {folder}: {nearest} is no folder that you may write to. Choose another --out."
        )


def _embed_readable(
    dataset: Dataset, backbone: AnySource, max_bad: float, progress: TextIO | None
) -> tuple[Dataset, Features]:
    """Embed, setting aside items that cannot be decoded as long as they are few."""
    bad, positions = BadItems(max_bad=max_bad), []

    def set_aside(position: int, error: DataError) -> None:
        positions.append(position)
        bad.add(str(dataset.ids[position]), str(error))

    features = embed(dataset.items, backbone, progress=progress, on_bad=set_aside)
    if not positions:
        return dataset, features
    bad.check(len(dataset), dataset.name)
    good = np.setdiff1d(np.arange(len(dataset)), positions)
    notice = bad.notice()
    assert notice is not None
    kept = dataset.take(good)
    return replace(kept, notices=(*kept.notices, notice)), replace(
        features, values=features.values[good], keys=features.keys[good]
    )


def _schema(dataset: Dataset) -> Schema:
    return Schema(
        name=dataset.name, modality=dataset.modality, task=dataset.task, labels=dataset.labels, columns=dataset.columns
    )
