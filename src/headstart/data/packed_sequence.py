"""Long sequences in little memory: values are made when asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, TypeVar, overload

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class PackedSequence(Sequence[T_co]):
    """A sequence of which slices, and the values `take` keeps, are packed likewise."""

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> T_co | Self:
        return self._part(index) if isinstance(index, slice) else self._value(index)

    def take(self, index: IntArray) -> Self:
        """Keep the values at `index`, in that order."""
        return self._part(index)

    @abstractmethod
    def _value(self, position: int) -> T_co:
        """Make the value at a position."""

    @abstractmethod
    def _part(self, chosen: slice | IntArray) -> Self:
        """Pack some of the values: a slice, or those at some positions."""


def taken(values: Sequence[T], index: IntArray) -> Sequence[T]:
    """Values at some positions, packed where they were packed."""
    return values.take(index) if isinstance(values, PackedSequence) else pick(values, index)


def pick(values: Sequence[T], chosen: slice | IntArray) -> Sequence[T]:
    """A slice of values, or those at some positions.

    >>> pick("abc", slice(2)), pick("abc", [2, 0])
    ('ab', ['c', 'a'])
    """
    return values[chosen] if isinstance(chosen, slice) else [values[i] for i in chosen]
