"""The page on which people give labels: one answer after the other, the most useful first."""

from __future__ import annotations

import base64
from importlib import resources
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError
from headstart.monitoring.local_server import LocalServer
from headstart.reporting import page_style

if TYPE_CHECKING:
    from headstart.monitoring.label_desk import LabelDesk, LoggedAnswer

_N_NEXT = 20
_N_SAID = 5
_MAX_LETTERS = 20_000
_KINDS = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))


class LabelPage:
    """What the page asks, and what it tells.

    Parameters
    ----------
    desk : of the model and its log
    """

    def __init__(self, desk: LabelDesk) -> None:
        self._desk = desk
        self._skipped: dict[str, None] = {}

    def server(self, port: int = 0) -> LocalServer:
        """Make the server of the page; it starts when it is entered."""
        return LocalServer(
            page_of("label_page.html"),
            get={"/state": self.state, "/next": self.next},
            post={"/label": self.give, "/skip": self.skip},
            port=port,
        )

    def state(self) -> dict[str, Any]:
        """What the model is, and how many answers have a label."""
        model = self._desk.model
        task = model.task_spec
        how = "number" if not task.has_probabilities else "several" if task.is_multi_label else "one"
        labels = list(model.labels) if task.has_probabilities else []
        return {"name": model.name, "how": how, "labels": labels, "n_labelled": len(self._desk.store.current())}

    def next(self) -> dict[str, Any]:
        """The most useful answers that have no label and were not skipped."""
        waiting = self._desk.waiting()
        chosen = [one for one in waiting if one.key not in self._skipped][:_N_NEXT]
        return {"n_waiting": len(waiting), "items": [self._shown(one) for one in chosen]}

    def give(self, told: dict[str, Any]) -> dict[str, Any]:
        """Keep one label; the answer says that it is on the disk."""
        key = told["key"]
        if not isinstance(key, str) or not key:
            raise DataError("a label needs the key of its answer.")
        self._desk.store.give([(key, self._desk.read(told["label"]))], by="page")
        return {"n_labelled": len(self._desk.store.current())}

    def skip(self, told: dict[str, Any]) -> dict[str, Any]:
        """Show an answer no more until the command is started again."""
        self._skipped[str(told["key"])] = None
        while len(self._skipped) > 10_000:
            del self._skipped[next(iter(self._skipped))]
        return {}

    def _shown(self, one: LoggedAnswer) -> dict[str, Any]:
        item = one.item if isinstance(one.item, dict) else {} if one.item is None else {"": one.item}
        return {
            "key": one.key,
            "time": one.time,
            "answer": self._desk.answer_words(one)[:_N_SAID],
            "fields": [{"name": name, **_field(value)} for name, value in item.items()],
        }


def page_of(name: str) -> str:
    """A page of this folder, in the style of the reports."""
    text = resources.files("headstart.monitoring").joinpath(name).read_text("utf-8")
    return text.replace("/* page.css */", page_style())


def _field(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        kind = next((kind for start, kind in _KINDS if value.startswith(start)), None)
        if kind is None:
            return {"words": f"{len(value):,} bytes that a browser cannot show"}
        return {"picture": f"data:{kind};base64,{base64.b64encode(value).decode()}"}
    return {"words": "" if value is None else str(value)[:_MAX_LETTERS]}
