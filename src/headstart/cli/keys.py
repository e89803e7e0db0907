"""headstart keys: the keys that bundles are signed with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.output import say

keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@keys.callback()
def _keys() -> None:
    """Make the keys that bundles are signed with."""


@keys.command()
def new(
    key: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the private key goes; the public one to FILE.pub.")
    ],
    name: Annotated[str, typer.Option("--name", help="Whose key it is, for people.")] = "",
) -> None:
    """Make a private and a public Ed25519 key, in OpenSSH's form."""
    from headstart.packaging.signing import new_key

    public = new_key(key.expanduser(), name=name)
    say(f"{key} is the private key: it signs, and only you may read it. Its public key, for those who check:")
    typer.echo(public)
