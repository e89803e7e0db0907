"""Find and run the checks of parts of any kind.

The checks of a kind lie in the module of its name. There, `cases(subject)` gives objects by the names of the cases; each of their methods
`check_…` is a promise, and the first sentence of its docstring says it.
"""

from __future__ import annotations

import importlib
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from headstart.core import registry
from headstart.core.errors import unknown_name
from headstart.testing.checks import Check, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (
    "baselines",
    "challengers",
    "compression_methods",
    "connectors",
    "detectors",
    "encoders",
    "exports",
    "heads",
    "modalities",
    "onnx_networks",
    "onnx_preprocessors",
    "preprocessors",
    "rankers",
    "report_sections",
    "tasks",
    "torch_networks",
    "tuning_methods",
)
"""The kinds of parts that have published checks."""
_PREFIX = "check_"
_NAMES = ("name", "kind", "section_name", "__name__")  # where a part says its name


def checks_of(kind: str, part: Any = None, *, name: str = "", example: Any = None) -> list[Check]:
    """List the checks of one part, or of all that are registered.

    Parameters
    ----------
    kind : as in the registry, such as 'heads'
    part : a registered name, or what the entry point would give; None for all that are registered
    name : under which a part that is not registered would be; its own, if not given
    example : what the part needs to be tried out, where none is registered (docs/plugins.md)

    Raises
    ------
    OptionError
        There are no checks of such a kind, or no part of that name.

    >>> [check.case for check in checks_of("heads", "prototypes") if check.name == "learns_separable_classes"]
    ['binary', 'multiclass']
    """
    if kind not in KINDS:
        raise unknown_name("kind of part with checks", kind, KINDS)
    if part is None:
        return [check for registered in registry.names(kind) for check in checks_of(kind, registered)]
    name = part if isinstance(part, str) else name or _name_of(part)
    if isinstance(part, str) and part not in registry.names(kind):
        raise unknown_name(f"part of the kind '{kind}'", part, registry.names(kind))
    try:
        loaded = registry.get(kind, part) if isinstance(part, str) else part
        subject = Subject(kind=kind, name=name, part=loaded, given_example=example)
        cases = importlib.import_module(f"headstart.testing.{kind}").cases(subject)
        return [check for case, checked in cases.items() for check in _checks(subject, case, checked)]
    except Exception as error:  # noqa: BLE001  (whatever a plugin raises where it is made is a broken promise)
        return [Check(kind, name, "can_be_tried", "It can be imported and tried out.", "", partial(_raise, error))]


def check(kind: str, part: Any, *, name: str = "", example: Any = None) -> None:
    """Run all checks of one part.

    Raises
    ------
    CheckFailed
        A promise is broken; the message says which, what was expected and what came.
    OptionError
        There are no checks of such a kind, or no part of that name.
    """
    for one in checks_of(kind, part, name=name, example=example):
        one()


def _name_of(part: Any) -> str:
    named = (getattr(part, attribute, None) for attribute in _NAMES)
    return next((name for name in named if isinstance(name, str)), type(part).__name__)


def _checks(subject: Subject, case: str, checked: Any) -> Iterator[Check]:
    for name in dict.fromkeys(name for kind in reversed(type(checked).__mro__) for name in vars(kind)):
        if name.startswith(_PREFIX):
            method = getattr(checked, name)
            promise = (inspect.getdoc(method) or name).partition("\n")[0]
            yield Check(subject.kind, subject.name, name.removeprefix(_PREFIX), promise, case, method)


def _raise(error: Exception) -> None:
    raise error
