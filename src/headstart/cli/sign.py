"""headstart sign: say who made a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import BundlePath
from headstart.cli.output import say


def sign(
    bundle: BundlePath,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="A private key of `headstart keys new`.")],
) -> None:
    """Sign BUNDLE, so that `--trust` knows whose it is."""
    from headstart.core.errors import OptionError
    from headstart.packaging import sign_bundle
    from headstart.packaging.registries.address import is_remote, shown

    if is_remote(bundle):
        raise OptionError(f"{shown(bundle)} is no folder. Sign a bundle before it is added there, in its folder.")

    say(f"signed: {sign_bundle(bundle, key)}")
