"""The cases of `bench/quality/together.py`: a task at one size and draw, the items it trains on and those it is tested on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.tasks import SHORT_REVIEWS, Task, halves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headstart.core.dataset import Dataset

TASKS = (
    Task(demo="complaints", n_test=600),
    Task(demo="questions", n_test=1000),
    Task(demo="movie-reviews", n_test=1000, keep=SHORT_REVIEWS),
    Task(demo="groceries", n_test=500),
    Task(demo="newsgroups", n_test=600),
    Task(demo="sms-spam", n_test=1000),
    Task(demo="cifar10", n_test=500),
    Task(demo="bbc", n_test=600),
    Task(demo="reuters", n_test=600),
    Task(demo="traffic-lights", n_test=500),
)
"""The test part is smaller where texts are long: each of several models reads it. A stopped bench has seen the first ones."""
OF_OTHER_CONDITIONS = frozenset({"groceries"})
"""Tasks whose test part is not like the training part: the photos are from other shelves."""
TEXT_SIZES, PHOTO_SIZES = (100, 400, 2000), (20, 50)


@dataclass(frozen=True)
class Case:
    """A task with its number of labels: `size` in all of texts, a class of photos; `draw` is the seed of everything."""

    task: Task
    size: int
    draw: int

    @property
    def key(self) -> dict[str, Any]:
        """What its rows are found by."""
        return {"task": self.task.demo, "size": self.size, "n_test": self.task.n_test, "draw": self.draw}

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.task.demo}-{self.size}"

    def parts(self) -> tuple[Dataset, Dataset]:
        """Items to train on, and to test on."""
        return halves(self.task, self.draw)

    def to_dict(self) -> dict[str, Any]:
        """For another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Case:
        """Rebuild a case from JSON."""
        task = {**fields["task"], "keep": tuple(fields["task"]["keep"] or ()) or None}
        return cls(**{**fields, "task": Task(**task)})


def cases_of(
    names: Sequence[str], sizes: Sequence[int], photo_sizes: Sequence[int], n_draws: int, n_test: int | None
) -> Iterator[Case]:
    """All cases, the first draw first, in it the smallest size of every task: what a limit of time leaves out is the dearest."""
    for draw in range(n_draws):
        for place in range(max(len(sizes), len(photo_sizes))):
            for task in TASKS:
                its_sizes = sizes if task.modality == "text" else photo_sizes
                if task.demo in names and place < len(its_sizes):
                    yield Case(_sized(task, its_sizes[place], n_test), its_sizes[place], draw)


def _sized(task: Task, size: int, n_test: int | None) -> Task:
    n_test = min(task.n_test, n_test or task.n_test)
    if task.modality == "text":
        return replace(task, n_labels=size, n_test=n_test)
    return replace(task, per_class=size, n_test=n_test)
