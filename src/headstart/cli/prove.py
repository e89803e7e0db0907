"""headstart prove: a saved model on new labelled data."""

from __future__ import annotations

from typing import Any

from headstart.cli.options import BundlePath, Data, Group, Input, Json, MaxBad, Target, parse_share
from headstart.cli.output import emit, say, score_words


def prove(
    bundle: BundlePath,
    data: Data,
    input: Input = None,  # noqa: A002
    target: Target = None,
    group: Group = None,
    max_bad: MaxBad = "1%",
    *,
    as_json: Json = False,
) -> None:
    """Measure BUNDLE on new labelled DATA, beside what was promised."""
    from headstart.line import prove_again

    columns: dict[str, Any] = {"input": input, "target": target, "group": group}
    figures = prove_again(bundle, data, max_bad=parse_share(max_bad), **{k: v for k, v in columns.items() if v})
    for notice in figures["notices"]:
        say(f"  - {notice['message']}")
    for score in figures["metrics"]:
        say(score_words(score))
    say(f"shipped with: {score_words(figures['promised'])}")
    say(figures["sentence"])
    if as_json:
        emit(figures)
