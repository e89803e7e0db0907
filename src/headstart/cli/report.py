"""headstart report: what a bundle's proof found."""

from __future__ import annotations

from headstart.cli.options import BundlePath, Json, Trust
from headstart.cli.output import emit, say, score_words


def report(bundle: BundlePath, trust: Trust = None, *, as_json: Json = False) -> None:
    """Say what the proof of BUNDLE found, and where its page is."""
    from headstart.packaging import load_bundle

    model = load_bundle(bundle, trust=trust)
    found = model.report
    say(f"{found['name']}: {found['deployed']} is packed")
    say(f"  {found['source']} + {found['strategy']}: {score_words(found['metric'])}")
    for rival in found["rivals"]:
        say(f"  {rival['name']}: {score_words(rival['score'])}")
    for name, score in found["estimates"].items():
        say(f"  estimate, {name}: {score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})")
    say(found["sentence"])
    if model.signer:
        say(f"signed by {model.signer}")
    say(f"page: {bundle}/report.html")
    if as_json:
        emit(found)
