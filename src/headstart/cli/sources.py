"""headstart sources: the pretrained networks there are, the card of one, and those of the user's own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from headstart.cli.options import Json, TrustGraphs, parse_numbers
from headstart.cli.output import emit, say
from headstart.core.errors import HeadstartError, OptionError, SourceError

if TYPE_CHECKING:
    from headstart.sources import Card

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which sources.")]


class _NameIsShow(TyperGroup):
    """`headstart sources NAME` is short for `headstart sources show NAME`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


sources = typer.Typer(cls=_NameIsShow, rich_markup_mode=None, pretty_exceptions_enable=False)


@sources.callback(invoke_without_command=True)
def _list(
    context: typer.Context,
    modality: Annotated[
        str | None, typer.Option("--modality", help="Only those that read this modality, such as image.")
    ] = None,
    license: Annotated[
        str | None, typer.Option("--license", help="Only these SPDX names, with commas between, or: permissive.")
    ] = None,
    max_size_mib: Annotated[
        float | None, typer.Option("--max-size-mib", help="Only those of at most this size.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the pretrained sources; give a NAME for its card.

    Size, license, training data, known biases.
    """
    if context.invoked_subcommand is not None:
        return
    from headstart.sources.listing import size_mib, within

    found = within(modality=modality, license=license, max_size_mib=max_size_mib)
    width = max((20, *(len(card.name) for card in found)))
    for card in found:
        say(
            f"{card.name:<{width}} {card.modality:<6} {card.parameters / 1e6:>6.1f} M parameters {size_mib(card):>7.1f} MiB "
            f"{card.dimensions:>5} {card.gives}  {card.license}"
        )
    if not found:
        say("no source is within these limits")
    if as_json:
        emit([_figures(card) for card in found])


@sources.command()
def show(name: Annotated[str, typer.Argument(help="Whose card.")], *, as_json: Json = False) -> None:
    """Show the card of one source: `show` may be left out."""
    from headstart.sources import find

    card = find(name)
    for field, value in _figures(card).items():
        if field not in ("fingerprint", "downloads", "files"):
            words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            say(f"{field.replace('_', ' '):<12} {words}")
    if as_json:
        emit(_figures(card))


@sources.command()
def fetch(
    names: Names = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Fetch all that are listed.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch weights into the cache and check them, so that no network is needed later."""
    from headstart.sources import cards, make_ready

    if bool(names) == every:
        raise OptionError("say which sources to fetch, or --all, but not both.")
    ready, failures = [], []
    for name in names or [card.name for card in cards()]:
        try:
            ready.append(make_ready(name))
            say(f"{ready[-1]} is in the cache")
        except HeadstartError as error:
            failures.append(str(error))
    if as_json:
        emit({"ready": ready, "failures": failures})
    if failures:
        raise SourceError(" ".join(failures))


@sources.command()
def verify(names: Names = None, *, as_json: Json = False) -> None:
    """Check the bytes and the fingerprint of sources in the cache: of all, or of those named."""
    from headstart.sources import verify as check
    from headstart.sources.verifying import kept_names

    found = [check(name) for name in names or kept_names()]
    for one in found:
        say(f"{one.name}: {one.problem or one.state}")
    if as_json:
        emit([asdict(one) for one in found])
    damaged = [one.name for one in found if one.state == "damaged"]
    if damaged:
        raise SourceError(
            f"{len(damaged)} of {len(found)} sources are damaged: {', '.join(damaged)}. See above for each."
        )


@sources.command()
def add(
    path: Annotated[
        str,
        typer.Argument(help="A hub-layout folder, an .onnx file, a SavedModel, a bundle, or hub:ORG/NAME[@REVISION]."),
    ],
    name: Annotated[str | None, typer.Option("--name", help="What to call it.")] = None,
    license: Annotated[
        str | None, typer.Option("--license", help="Its license by SPDX name, where no file of it says.")
    ] = None,
    feature_layer: Annotated[
        str | None, typer.Option("--feature-layer", help="Node of an ONNX graph that gives the features.")
    ] = None,
    input_kind: Annotated[
        str | None, typer.Option("--input-kind", help="What an ONNX graph takes: pixels or tokens.")
    ] = None,
    size_px: Annotated[int | None, typer.Option("--size-px", min=1, help="Height and width of its photos.")] = None,
    mean: Annotated[str | None, typer.Option("--mean", help="Mean of each colour from 0 to 1: R,G,B.")] = None,
    std: Annotated[str | None, typer.Option("--std", help="Deviation of each colour from 0 to 1: R,G,B.")] = None,
    tokenizer: Annotated[str | None, typer.Option("--tokenizer", help="Its tokenizer.json or vocab.txt.")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Where texts are cut.")] = None,
    *,
    trust_graphs: TrustGraphs = False,
    as_json: Json = False,
) -> None:
    """Make a source of a model that you have: checked, measured, and kept in the cache. None of its code is run."""
    from headstart.sources import add as add_source

    card = add_source(
        path,
        name=name,
        license=license,
        tokenizer=tokenizer,
        feature_layer=feature_layer,
        input_kind=input_kind,
        size_px=size_px,
        mean=parse_numbers(mean, 3),
        std=parse_numbers(std, 3),
        max_tokens=max_tokens,
        trust_graphs=trust_graphs or None,
    )
    for note in card.provenance["notes"]:
        say(f"  - {note}")
    say(f"{card.name} is a source now: {card.modality}, {card.dimensions} {card.gives}, {card.license}")
    if as_json:
        emit(_figures(card))


@sources.command()
def remove(name: Annotated[str, typer.Argument(help="A source that was added.")], *, as_json: Json = False) -> None:
    """Remove a source that was added."""
    from headstart.sources import remove as remove_source

    remove_source(name)
    say(f"{name} is removed")
    if as_json:
        emit({"removed": name})


def _figures(card: Card) -> dict[str, Any]:
    from headstart.sources.listing import size_mib

    return {**asdict(card), "size_mib": round(size_mib(card), 2)}
