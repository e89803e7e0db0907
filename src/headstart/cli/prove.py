"""headstart prove: a saved model on new labelled data."""

from __future__ import annotations

from typing import Any

from headstart.cli.options import BundlePath, Data, Group, Input, Json, MaxBad, Target, Trust, parse_share
from headstart.cli.output import emit, say, score_words


def prove(
    bundle: BundlePath,
    data: Data,
    input: Input = None,  # noqa: A002
    target: Target = None,
    group: Group = None,
    max_bad: MaxBad = "1%",
    trust: Trust = None,
    *,
    as_json: Json = False,
) -> None:
    """Measure BUNDLE on new labelled DATA, beside what was promised."""
    from headstart.line import prove_again

    columns: dict[str, Any] = {"input": input, "target": target, "group": group}
    known = {name: column for name, column in columns.items() if column}
    figures = prove_again(bundle, data, max_bad=parse_share(max_bad), trust=trust, **known)
    for notice in figures["notices"]:
        say(f"  - {notice['message']}")
    for score in figures["metrics"]:
        say(score_words(score))
    say(f"shipped with: {score_words(figures['promised'])}")
    say(figures["sentence"])
    if as_json:
        emit(figures)
