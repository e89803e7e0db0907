"""headstart demo: real data as a plain folder or file of the kind a user has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import Json
from headstart.cli.output import emit, say


def demo(
    name: Annotated[str | None, typer.Argument(help="Which data; leave it out for the list.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to put it; ./NAME if not given.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Lay out a real dataset as a plain folder or file, to try things on."""
    from headstart.data import demo as make_demo
    from headstart.data import find_demo, list_demos

    if name is None:
        rows = [{"name": d.name, "description": d.summary, "license": d.license} for d in list_demos()]
        for row in rows:
            say(f"{row['name']:<16} {row['description']}  [{row['license']}]")
        if as_json:
            emit(rows)
        return
    path = make_demo(name, out)
    target = find_demo(name).target
    say(f"{path} is ready. Next: headstart fit {path}{f' --target {target}' if target else ''} --out {name}-model")
    if as_json:
        emit({"name": name, "path": str(path)})
