"""headstart sources: the pretrained networks there are, and the card of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headstart.cli.options import Json
from headstart.cli.output import emit, say


def sources(
    name: Annotated[str | None, typer.Argument(help="Which source's card to show; leave it out for the list.")] = None,
    *,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch the weights into the cache, so that no network is needed later.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the pretrained sources, or show the card of one.

    Size, licence, training data, known biases.
    """
    from headstart.sources import cards, find, open_source

    if fetch:
        for card in cards() if name is None else [find(name)]:
            open_source(card)
            say(f"{card.name} is in the cache")
        return
    if name is None:
        for card in cards():
            say(
                f"{card.name:<20} {card.modality:<6} {card.parameters / 1e6:>6.1f} M parameters  {card.dimensions:>5} features  {card.licence}"
            )
        if as_json:
            emit([asdict(card) for card in cards()])
        return
    card = find(name)
    for field, value in asdict(card).items():
        if field not in ("fingerprint", "origins", "files"):
            words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            say(f"{field.replace('_', ' '):<12} {words}")
    if as_json:
        emit(asdict(card))
