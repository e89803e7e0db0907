"""Answers of a bundle for a batch of records: the same as over HTTP, and a dead letter for each that cannot be read."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import UserError
from headstart.core.strict_json import plain
from headstart.engines.context import RunContext
from headstart.engines.executor import SerialExecutor
from headstart.packaging.many_items import batches_of, run_batches
from headstart.streaming import cloud_events
from headstart.streaming.answers import AnsweringModel, Answers
from headstart.streaming.reading import ReadRecord, RecordReader
from headstart.streaming.record import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.streaming.record import Delivery, Record
    from headstart.streaming.settings import StreamSettings

_HERE = RunContext(executor=SerialExecutor())
_ANSWER, _DEAD = "headstart.prediction.v1", "headstart.dead-letter.v1"


class Answerer:
    """Answers batches; one at a time, on any thread.

    Parameters
    ----------
    model : with its name and version, as a server would call it
    features : whether answers carry the features too, which the same pass of the model gives
    """

    def __init__(self, model: AnsweringModel, *, settings: StreamSettings, features: bool = False) -> None:
        self.model, bundle = model, model.bundle
        self._bundle = bundle
        self._settings = settings
        self._n_outputs = len(bundle.labels) or 1
        self._features = features
        self._reader = RecordReader(bundle.reads, bundle.input_column, key=settings.key, max_pixels=settings.max_pixels)
        self._model = {"model": model.name, "version": model.version}
        label_type = bundle.label_rule.type
        self._said = self._model if label_type == "str" else {**self._model, "label_type": label_type}
        self._source = f"/headstart/{model.name}/{model.version}"

    def __call__(self, deliveries: Sequence[Delivery]) -> Answers:
        """Answer each, one that cannot be read with a dead letter."""
        read = [self._reader.read(one) for one in deliveries]
        errors = {place: one.item for place, one in enumerate(read) if isinstance(one.item, UserError)}
        items = [one.item for one in read]
        batches = batches_of(items, self._bundle.reads, without=errors)
        found = run_batches(items, batches, self._run, width=self._n_outputs, context=_HERE, keeps_errors=True)
        errors |= found.errors
        rows, features = found.values[:, : self._n_outputs], found.values[:, self._n_outputs :]
        return Answers(
            records=[one.record for one in read],
            items=[errors.get(place, item) for place, item in enumerate(items)],
            rows=rows,
            features=features if self._features else None,
            outputs=[self._output(one, rows[i], errors.get(i)) for i, one in enumerate(read)],
            is_dead=[place in errors for place in range(len(read))],
            model=self.model,
        )

    def _run(self, items: Sequence[Any]) -> FloatArray:
        prepared = self._bundle.input.transform(items)
        if self._features:
            return np.concatenate(self._bundle.run_with_features(prepared), axis=1)
        return np.asarray(self._bundle.run(prepared))

    def _output(self, read: ReadRecord, row: FloatArray, error: UserError | None) -> Output:
        record = read.record
        value = self._answer(record, row) if error is None else self._dead_letter(read, error)
        if record.time is not None:
            value["time"] = record.time
        output = Output(
            key=record.key, value=value, partition=record.partition, time=record.time, attributes=_handed_on(record)
        )
        mode = self._settings.cloudevents
        return output if mode is None else self._as_event(output, _ANSWER if error is None else _DEAD, mode)

    def _answer(self, record: Record, row: FloatArray) -> dict[str, Any]:
        answer = self._bundle.answer(record.key, row, self._settings.top).to_dict()
        return {"key": record.key, **plain(answer), **self._said}

    def _dead_letter(self, read: ReadRecord, error: UserError) -> dict[str, Any]:
        try:
            raw = {"raw": read.raw.decode()}
        except UnicodeDecodeError:
            raw = {"raw_base64": base64.b64encode(read.raw).decode()}
        attempt = str(read.record.attributes.get("attempt", "1"))
        return {
            "key": read.record.key,
            "error": str(error),
            **raw,
            "attempt": int(attempt) if attempt.isdecimal() else 1,
            **self._model,
        }

    def _as_event(self, output: Output, kind: str, mode: str) -> Output:
        said = {"key": output.key, "source": self._source, "kind": kind}
        if mode == "binary":
            headers = cloud_events.binary(**said, time=time.time())
            return replace(output, attributes={**output.attributes, **headers})
        event = cloud_events.structured(**said, data=output.value, time=time.time())
        return replace(output, value=event, attributes={**output.attributes, "content-type": cloud_events.STRUCTURED})


def _handed_on(record: Record) -> dict[str, str]:
    """What came with the record, without what was true of its content alone."""
    mine = ("content-type", "attempt")
    is_event = ("ce_", "ce-", "cloudevents")
    return {
        name: text
        for name, text in record.attributes.items()
        if name.lower() not in mine and not name.lower().startswith(is_event)
    }
