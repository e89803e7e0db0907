"""headstart prove: a saved model on new labelled data."""

from __future__ import annotations

from headstart.cli.dataset_options import DatasetOptionsOfBundle
from headstart.cli.options import BundlePath, Data, Json, Trust, TrustGraphs
from headstart.cli.output import emit, score_words
from headstart.cli.progress import ProgressFormat, reporting


def prove(
    bundle: BundlePath,
    data: Data,
    *,
    options: DatasetOptionsOfBundle,
    trust: Trust = None,
    trust_graphs: TrustGraphs = False,
    progress: ProgressFormat = "auto",
    as_json: Json = False,
) -> None:
    """Measure BUNDLE on new labelled DATA, beside what was promised."""
    from headstart.pipeline import prove_again

    with reporting(progress) as voice:
        figures = prove_again(
            bundle,
            data,
            trust=trust,
            trust_graphs=trust_graphs or None,
            progress=voice.reporter,
            **options.arguments(),
        )
        for notice in figures["notices"]:
            voice.say(f"  - {notice['message']}")
        for score in figures["metrics"]:
            voice.say(score_words(score))
        voice.say(f"shipped with: {score_words(figures['promised'])}")
        voice.say(figures["sentence"])
        if as_json:
            emit(figures)
