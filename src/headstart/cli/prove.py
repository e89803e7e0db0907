"""headstart prove: a saved model on new labelled data."""

from __future__ import annotations

from headstart.cli.dataset_options import DatasetOptionsOfBundle
from headstart.cli.options import BundlePath, Data, Json, Trust
from headstart.cli.output import emit, say, score_words


def prove(
    bundle: BundlePath,
    data: Data,
    *,
    options: DatasetOptionsOfBundle,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Measure BUNDLE on new labelled DATA, beside what was promised."""
    from headstart.pipeline import prove_again

    figures = prove_again(bundle, data, trust=trust, **options.arguments())
    for notice in figures["notices"]:
        say(f"  - {notice['message']}")
    for score in figures["metrics"]:
        say(score_words(score))
    say(f"shipped with: {score_words(figures['promised'])}")
    say(figures["sentence"])
    if as_json:
        emit(figures)
