"""All commands, in the order of the line."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from headstart.cli.compress import compress
from headstart.cli.dataset_options import expand_options
from headstart.cli.demo import demo
from headstart.cli.embed import embed
from headstart.cli.export import export
from headstart.cli.fit import fit
from headstart.cli.inspect import inspect
from headstart.cli.keys import keys
from headstart.cli.label import label
from headstart.cli.predict import predict
from headstart.cli.pretrain import pretrain
from headstart.cli.prove import prove
from headstart.cli.query import query
from headstart.cli.rank import rank
from headstart.cli.report import report
from headstart.cli.serve import serve
from headstart.cli.sign import sign
from headstart.cli.sources import sources
from headstart.cli.stream import stream
from headstart.cli.update import update
from headstart.cli.watch import watch

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Adapt a pretrained model to your few hundred examples, prove that it helped, and pack it to run anywhere.",
)
for _command in (
    demo,
    inspect,
    embed,
    rank,
    pretrain,
    fit,
    predict,
    prove,
    report,
    compress,
    export,
    sign,
    serve,
    stream,
    watch,
    update,
    query,
    label,
):
    app.command()(expand_options(_command))
app.add_typer(sources, name="sources")
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def _options(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False
) -> None:
    if not sys.warnoptions:  # what libraries warn of is for developers, who ask for it with -W or PYTHONWARNINGS
        warnings.simplefilter("ignore")
    if version:
        from headstart import __version__

        typer.echo(__version__)
        raise typer.Exit
