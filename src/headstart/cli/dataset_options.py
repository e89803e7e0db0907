"""The options of a command that reads labelled data: declared once, given to the command as one argument."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

from headstart.cli.options import (
    Columns,
    Group,
    Images,
    Input,
    KeepCase,
    MaxUnreadable,
    Missing,
    Sheet,
    Split,
    Sql,
    Target,
    Task,
    Time,
    parse_share,
)


@dataclass(frozen=True, kw_only=True)
class _LoadOptions:
    def arguments(self) -> dict[str, Any]:
        """Those that were given, as `load` takes them."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return {**given, "max_unreadable": parse_share(given["max_unreadable"])}

    def words(self) -> str:
        """Those that were given, as they stand behind the data on a command line.

        >>> DatasetOptions(target="my label", keep_case=True).words()
        " --target 'my label' --keep-case"
        """
        given = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        values = {name: "" if value is True else f" {shlex.quote(str(value))}" for name, value in given.items()}
        return "".join(f" --{name.replace('_', '-')}{value}" for name, value in values.items())


@dataclass(frozen=True, kw_only=True)
class DatasetOptionsOfBundle(_LoadOptions):
    """How labelled data is read for a model that knows its task already."""

    input: Input = None
    target: Target = None
    group: Group = None
    split: Split = None
    images: Images = None
    missing: Missing = None
    columns: Columns = None
    sql: Sql = None
    sheet: Sheet = None
    max_unreadable: MaxUnreadable = "1%"


@dataclass(frozen=True, kw_only=True)
class DatasetOptions(_LoadOptions):
    """How labelled data is read."""

    input: Input = None
    target: Target = None
    task: Task = None
    group: Group = None
    time: Time = None
    split: Split = None
    images: Images = None
    keep_case: KeepCase = False
    missing: Missing = None
    columns: Columns = None
    sql: Sql = None
    sheet: Sheet = None
    max_unreadable: MaxUnreadable = "1%"


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Show typer each field of a parameter that is a dataclass as an option of its own.

    >>> def count(*, options: DatasetOptionsOfBundle) -> None: ...
    >>> list(inspect.signature(expand_options(count)).parameters)
    ['input', 'target', 'group', 'split', 'images', 'missing', 'columns', 'sql', 'sheet', 'max_unreadable']
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: kind for name, kind in hints.items() if isinstance(kind, type) and is_dataclass(kind)
    }
    options: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(command).parameters.values():
        kind = groups.get(parameter.name)
        options |= _fields(kind) if kind else {parameter.name: parameter.replace(annotation=hints[parameter.name])}

    @wraps(command)
    def run(**values: Any) -> None:
        grouped = {
            name: kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**values, **grouped)

    keyword_only = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options.values()]
    run.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    run.__annotations__ = {name: option.annotation for name, option in options.items()}
    return run


def _fields(kind: type) -> dict[str, inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(kind)
    }
