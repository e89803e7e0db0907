"""Compress: make a bundle smaller or faster, verified on labeled data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.compression.compressed import Compressed
from headstart.compression.measuring import Reference
from headstart.compression.method import CalibrationSet
from headstart.compression.search import all_methods, best_of, search
from headstart.compression.split import split_data
from headstart.compression.trial import Goal, Purpose
from headstart.core.errors import require
from headstart.engines.context import RunContext
from headstart.packaging import check_target, load_bundle
from headstart.packaging.labelled import known_to, load_for
from headstart.packaging.packed import rewrite, unpack
from headstart.packaging.registries.address import folder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.engines.reporters import ProgressOutput


def compress(
    bundle: str | Path,
    data: Any,
    *,
    out: str | Path,
    purpose: Purpose = "size",
    tolerance: float = 0.01,
    target_ms: float | None = None,
    target_mib: float | None = None,
    methods: Sequence[str] | None = None,
    seed: int = 0,
    max_unreadable: float = 0.01,
    progress: ProgressOutput = sys.stderr,
    context: RunContext | None = None,
    **columns: Any,
) -> Compressed:
    """Make a bundle smaller or faster, and verify on held-out items that it is still as accurate.

    Parameters
    ----------
    bundle : path of the bundle
    data : labeled data, as for `headstart.load`: what the bundle was fitted on. Its test part is held out; without one, half
        of the groups are
    out : folder of the new bundle; written only if a variant is kept
    purpose : what has to become better: 'size', whatever the time; 'speed', at no larger size; or 'both'. Without a target, the variant that
        is best for it is taken
    tolerance : how far the headline metric may fall, by the lower end of the paired 95 % interval
    target_ms, target_mib : maximum time for a single item on this machine, and maximum size; with a target, `purpose` does
        not count, and the variant with the smallest loss that reaches it is taken
    methods : names of the methods to try; None for all
    seed : for sampling items and folds
    progress : where to write progress: a stream or a reporter; None for silence
    context : how it runs; it overrides `seed` and `progress`
    columns : `input`, `target`, `group`, as for `headstart.load`

    Returns
    -------
    All trials. `bundle` is None if no variant is kept; then `sentence` names the nearest miss.

    Raises
    ------
    UserError
        The bundle, the data or an option is invalid.
    """
    require("onnx", extra="train", purpose="compressing a model")
    goal = Goal(purpose=purpose, tolerance=tolerance, target_ms=target_ms, target_mib=target_mib)
    to_try = all_methods(methods)
    folder = Path(out)
    check_target(folder)
    context = context or RunContext.default(seed=seed, progress=progress)
    with context.stage("load"):
        original = unpack(bundle)
        model = load_bundle(bundle)
        dataset = known_to(model, load_for(model, data, max_unreadable=max_unreadable, **columns))
    with context.stage("compress"):
        split = split_data(dataset, original, seed=context.seed)
        reference = Reference(original, split.test, split.outputs, split.metric, context.seed)
        if doubt := reference.doubt(tolerance):
            context.notice("plan", doubt)
        calibration = CalibrationSet(dataset=split.calibration, context=context)
        trials = search(reference, calibration, goal, to_try)
    best = best_of(trials, goal)
    compressed = Compressed(
        bundle=None if best is None else folder,
        chosen=best,
        trials=tuple(trials),
        goal=goal,
        original_mib=original.size_mib,
        original=reference.score,
        evaluation=split.evaluation,
    )
    if best is not None and best.variant is not None:
        packed = best.variant.packed
        with context.stage("package"):
            rewrite(
                folder,
                packed,
                original=folder_of(bundle),
                checked=reference.check(packed),
                compression=compressed.section(),
            )
    return compressed
