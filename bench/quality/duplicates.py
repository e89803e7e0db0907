"""Are near-duplicates found, and nothing else? And what do groups and clusters by content say of the test, beside those by a source's features?

Planted: edited copies of real items among the real items, one kind of edit at a time. `found` is the share of copies in the group of their
original, `precise` the share of the items grouped with a copy that belong there (its original and what is grouped with that without copies).
The old way groups by the features of the usual source; the new by content.
Estimates: `more of the same` and `new conditions` of the model beside its score on the test, groups and clusters by content, or by features.
Run: .venv/bin/python -m bench.quality.duplicates
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import demo_dataset, own_parts
from bench.options import names, parse, parser_of
from bench.quality.planted import photo_edits, text_edits
from headstart.data.clusters import Descriptions, cluster_items
from headstart.data.image import open_image
from headstart.data.near_duplicates import find_near_duplicates, join_similar_items
from headstart.data.similar_features import join_similar_features
from headstart.engines.context import RunContext
from headstart.features import embed
from headstart.heads import adapt
from headstart.sources import open_source
from headstart.sources.defaults import default_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray

SECOND_SOURCES = {"image": "mobilenet-v2", "text": "wordllama-256"}
N_CLUSTERINGS = 3


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument(
        "--planted", type=names, default=["groceries", "cifar10", "sms-spam", "questions", "complaints"]
    )
    parser.add_argument("--estimates", type=names, default=["groceries", "questions", "complaints"])
    parser.add_argument("--items", type=int, default=400, help="real items among which copies are planted")
    parser.add_argument("--copies", type=int, default=50, help="of each kind")
    parser.add_argument("--train", type=int, help="training items of an estimate, at most (400 of texts, all photos)")
    options = parse(parser, planted=["questions"], estimates=["questions"], items=60, copies=10, train=100)
    if options.planted:
        print("| data | edit | found, old | precise, old | found, new | precise, new |")
        print("|---|---|---|---|---|---|")
    for name in options.planted:
        plant(name, options.items, options.copies)
    if options.estimates:
        print("\n| data | source | test | by | groups | more of the same | new conditions |")
        print("|---|---|---|---|---|---|---|")
    for name in options.estimates:
        compare_estimates(name, options.train)


def plant(name: str, n_items: int, n_copies: int) -> None:
    """Print a row for each kind of edit."""
    dataset = demo_dataset(name)
    rng = np.random.default_rng(0)
    dataset = dataset.take(np.sort(rng.permutation(len(dataset))[:n_items]))
    items = list(dataset.items)
    chosen = rng.permutation(len(items))[:n_copies]
    are_photos = dataset.modality == "image"
    source = open_source(default_source(dataset.modality))
    features = features_of(items, source.name)
    before = {
        "old": join_similar_features(features).groups,
        "new": join_similar_items(items, dataset.fields).groups,
    }
    for kind, edit in (photo_edits() if are_photos else text_edits()).items():
        copies = [edit(open_image(items[i]) if are_photos else items[i], rng) for i in chosen]
        after = {
            "old": join_similar_features(np.vstack([features, features_of(copies, source.name)])).groups,
            "new": join_similar_items([*items, *copies], dataset.fields).groups,
        }
        cells = [f"{value:.2f}" for way in after for value in found_and_precise(before[way], after[way], chosen)]
        print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)
    seconds = -time.perf_counter()
    groups = join_similar_items(items, dataset.fields)
    seconds += time.perf_counter()
    shares = [np.mean(np.bincount(one)[one] > 1) for one in (before["old"], groups.groups)]
    print(f"| {name} | none: items in groups | | {shares[0]:.3f} | {seconds:.1f} s | {shares[1]:.3f} |", flush=True)


def found_and_precise(before: IntArray, after: IntArray, chosen: IntArray) -> tuple[float, float]:
    """Share of copies in the group of their original; share of right ones among the real items grouped with a copy."""
    n = len(before)
    found, right, joined = 0, 0, 0
    for copy, original in enumerate(chosen):
        together = np.flatnonzero(after[:n] == after[n + copy])
        found += bool(after[n + copy] == after[original])
        right += int((before[together] == before[original]).sum())
        joined += len(together)
    return found / len(chosen), right / joined if joined else 1.0


def compare_estimates(name: str, n_train: int | None) -> None:
    """Print a row for each source and way to group and cluster."""
    train, test = parts_of(name, n_train)
    metric = train.task_spec.headline(train.targets)
    strata = train.task_spec.strata(train.targets)
    content = find_near_duplicates(train).groups
    described = Descriptions(train.items, train.fields).values
    for source in (default_source(train.modality), SECOND_SOURCES[train.modality]):
        x, z = (features_of(part.items, source) for part in (train, test))
        for way, groups, by in (
            ("features", join_similar_features(x, train.groups).groups, x),
            ("content", content, described),
        ):
            adapted = adapt(x, train.targets, task=train.task, groups=groups)
            same = metric.of(train.targets, adapted.held_out)
            conditions = [
                metric.of(train.targets, adapted.outputs_without(cluster_items(by, strata, groups, seed=seed)))
                for seed in range(N_CLUSTERINGS)
            ]
            told = metric.of(test.targets, adapted.head.outputs(z))
            spread = f"{np.mean(conditions):.3f} ({min(conditions):.3f} to {max(conditions):.3f})"
            n_groups = len(np.unique(groups))
            print(f"| {name} | {source} | {told:.3f} | {way} | {n_groups} | {same:.3f} | {spread} |", flush=True)


def parts_of(name: str, n_train: int | None) -> tuple[Dataset, Dataset]:
    """Groceries keep their own test part, which is of other shops; of the rest, both parts are drawn."""
    dataset = demo_dataset(name)
    rng = np.random.default_rng(0)
    if name == "groceries":
        train, test = own_parts(dataset, 0)
        train = rng.permutation(train)[:n_train]
    else:
        order = rng.permutation(len(dataset))
        train, test = order[: n_train or 400], order[-400:]
    return replace(dataset.take(np.sort(train)), splits=None), replace(dataset.take(test), splits=None)


def features_of(items: Sequence[Any], source: str) -> FloatArray:
    return embed(list(items), open_source(source), context=RunContext.default(progress=None)).values


if __name__ == "__main__":
    main()
