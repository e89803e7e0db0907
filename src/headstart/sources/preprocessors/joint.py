"""JointPreprocessor: preprocess every item for several networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import SourceError
from headstart.data.rows import column_of
from headstart.sources.preprocessors.columns import ColumnReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headstart.core.model import Batch, Preprocessor


def prefix_of(position: int) -> str:
    """The prefix of the names of arrays and files of the network at `position`.

    >>> prefix_of(1) + "pixels"
    '1.pixels'
    """
    return f"{position}."


@dataclass(frozen=True, kw_only=True)
class JointPreprocessor:
    """The preprocessors of several networks; names of arrays and files are prefixed by their position.

    Attributes
    ----------
    inputs : one per network
    fields : the field of an item that each reads; None for the item itself
    """

    kind: ClassVar[str] = "joint"
    modality: ClassVar[str | None] = None
    inputs: tuple[Preprocessor, ...]
    fields: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.fields:
            object.__setattr__(self, "fields", (None,) * len(self.inputs))

    @classmethod
    def build(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> JointPreprocessor:
        """Rebuild it from the settings and files of its parts.

        Raises
        ------
        SourceError
            A part is missing or damaged.
        """
        from headstart.sources import preprocessors

        try:
            return cls(
                inputs=tuple(
                    preprocessors.build(
                        part["kind"],
                        part["settings"],
                        {
                            name.removeprefix(prefix_of(i)): f
                            for name, f in files.items()
                            if name.startswith(prefix_of(i))
                        },
                    )
                    for i, part in enumerate(settings["parts"])
                ),
                fields=tuple(part.get("field") for part in settings["parts"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"the settings of a joint preprocessor are invalid ({error}). Save the model again."
            ) from error

    def transform(self, items: Sequence[Any]) -> Batch:
        """Preprocess the items for each network, with prefixed names of the arrays."""
        found: Batch = {}
        for prefixes, part, field in self.parts:
            made = part.transform(items if field is None else column_of(items, field))
            found |= {prefix + name: array for prefix in prefixes for name, array in made.items()}
        return found

    @cached_property
    def parts(self) -> tuple[tuple[tuple[str, ...], Preprocessor, str | None], ...]:
        """Each different preprocessor, those of joint ones among them: the prefixes of its arrays, itself, and its field.

        Readers of the same columns are one: several plain models of a table read its rows once.
        """
        prefixes: dict[Any, list[str]] = {}
        parts: dict[Any, tuple[Preprocessor, str | None]] = {}
        for prefix, part, field in self._leaves():
            key = (part if isinstance(part, ColumnReader) else id(part), field)
            prefixes.setdefault(key, []).append(prefix)
            parts.setdefault(key, (part, field))
        return tuple((tuple(prefixes[key]), *one) for key, one in parts.items())

    def _leaves(self) -> Iterator[tuple[str, Preprocessor, str | None]]:
        for i, (part, field) in enumerate(zip(self.inputs, self.fields, strict=True)):
            if isinstance(part, JointPreprocessor) and field is None:
                for prefix, leaf, own in part._leaves():  # noqa: SLF001
                    yield prefix_of(i) + prefix, leaf, own
            else:
                yield prefix_of(i), part, field

    def settings(self) -> dict[str, Any]:
        """Kind and settings of each part, and the field that it reads if it reads one."""
        return {
            "parts": [
                {"kind": part.kind, "settings": part.settings(), **({} if field is None else {"field": field})}
                for part, field in zip(self.inputs, self.fields, strict=True)
            ]
        }

    def files(self) -> Mapping[str, bytes]:
        """The files of each part, their names prefixed."""
        return {prefix_of(i) + name: f for i, part in enumerate(self.inputs) for name, f in part.files().items()}
