"""What live records are to be compared with, from the proof of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.monitoring.referring import make_reference

if TYPE_CHECKING:
    from headstart.evaluation.prove import Proof
    from headstart.monitoring.reference import Reference


def reference_of(proof: Proof) -> Reference:
    """Compare records with those learned from, answers and losses with those of held-out items, features with their Moments."""
    dataset, plan = proof.experiment.dataset, proof.experiment.plan
    starts = np.cumsum([0, *(one.shape[1] for one in proof.feature_blocks.values())])
    blocks = [(name, int(starts[i]), int(starts[i + 1])) for i, name in enumerate(proof.feature_blocks)]
    return make_reference(
        task=dataset.task_spec,
        labels=dataset.labels,
        fields=dataset.fields,
        items=dataset.items_at(plan.final),
        outputs=proof.outputs,
        targets=dataset.targets[plan.test],
        judged_items=dataset.items_at(plan.test),
        features=np.concatenate([*proof.feature_blocks.values()], axis=1) if blocks else None,
        blocks=blocks,
        decision_weights=None if dataset.decision is None else dataset.decision.weights,
        keep_case=dataset.label_rule.keep_case,
        is_cross_fitted=True,
        made_of=f"the {len(plan.final):,} items that the model was fitted on; answers and losses of {len(plan.test):,} held-out ones",
    )
