"""headstart report: what a bundle's proof found."""

from __future__ import annotations

from dataclasses import asdict

from headstart.cli.options import BundlePath, Json, Trust, TrustGraphs
from headstart.cli.output import emit, label_words, model_words, say, score_words


def report(
    bundle: BundlePath, trust: Trust = None, *, trust_graphs: TrustGraphs = False, as_json: Json = False
) -> None:
    """Say what the proof of BUNDLE found, and where its page is."""
    from headstart.packaging import load_bundle
    from headstart.packaging.registries.address import folder_of

    model = load_bundle(bundle, trust=trust, trust_graphs=trust_graphs or None)
    found = model.report
    evaluation, package = found.evaluation, found.package
    say(f"{found.data.name}: {package.deployed} is packed, {score_words(asdict(evaluation.shipped))}")
    if evaluation.decision:
        say(f"  {evaluation.decision}")
    for label in evaluation.figures.get("per_label", ()):
        say(f"  {label_words(label)}")
    if evaluation.deployed_baseline:
        say(f"  {model_words(found)}, not packed: {score_words(asdict(evaluation.metric))}")
    for baseline in evaluation.baselines:
        say(f"  {baseline.name}: {score_words(asdict(baseline.score))}")
    for name, score in evaluation.estimates.items():
        say(f"  estimate, {name}: {score.value:.3f} ({score.low:.3f} to {score.high:.3f})")
    say(evaluation.sentence)
    if model.signer:
        say(f"signed by {model.signer}")
    say(f"page: {folder_of(bundle)}/report.html")
    if as_json:
        emit(found.to_dict())
