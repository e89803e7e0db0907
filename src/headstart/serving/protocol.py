"""Open Inference Protocol V2 over REST: inference. What is known of models is told by `information`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import UserError
from headstart.data.modalities import Row
from headstart.data.modalities.tabular import Tabular
from headstart.data.payloads import MAX_VALUES, OversizedError
from headstart.serving.asgi import RequestError, from_json, header, small_number, to_json
from headstart.serving.reading import off_loop
from headstart.serving.tensors import BYTES, n_binary, parameters_of, read_tensor, type_name, write_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.serving.asgi import Headers, Scope
    from headstart.serving.body import Body
    from headstart.serving.models import Note, Served

ITEMS = "items"
LABELS = "labels"
_NUMBER_BYTES = 20  # about what a number is in JSON
_MAX_ID = 1_000
_FLOAT64 = np.dtype("float64")
_COLUMNS = "columns"  # what `ColumnReader` prepares
_HEADER_LENGTH = b"inference-header-content-length"


def describe(served: Served, versions: Sequence[str]) -> dict[str, Any]:
    """Metadata of one model: its tensors, and as parameters its labels and the arrays that it takes prepared."""
    bundle = served.bundle
    outputs = [{"name": bundle.task_spec.output_name, "datatype": "FP32", "shape": [-1, len(bundle.labels)]}]
    if bundle.task_spec.has_probabilities:
        outputs.append({"name": LABELS, "datatype": BYTES, "shape": [-1]})
    prepared = [
        {"name": name, "datatype": type_name(dtype), "shape": [-1 if n is None else n for n in shape]}
        for name, (dtype, shape) in bundle.arrays.items()
    ]
    return {
        "name": served.name,
        "versions": list(versions),
        "platform": "headstart_bundle",
        "inputs": [
            {"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in input_types(served).items()
        ],
        "outputs": outputs,
        "parameters": {
            "version": served.version,
            "task": bundle.task,
            "modality": bundle.modality,
            "labels": list(bundle.labels),
            "prepared_inputs": prepared,
        },
    }


async def infer(served: Served, scope: Scope, body: Body, note: Note | None = None) -> tuple[bytes, Headers]:
    """Answer an inference request: JSON, or JSON with raw tensors behind it and a header that says where they begin.

    Raises
    ------
    RequestError
        400: it is not as the protocol says, or an item cannot be read; 413, 429.
    """
    request, items, arrays = await _asked(served, scope, await body.read())
    if items is not None:
        body.became(items)
    outputs = await served.outputs(arrays) if items is None else _whole(await served.rows(items, note))
    return await off_loop(partial(_write, request, served, outputs), outputs.size * _NUMBER_BYTES)


async def _asked(served: Served, scope: Scope, body: bytes) -> tuple[dict[str, Any], list[Any] | None, dict[str, Any]]:
    """The request without its tensors, the items as the model reads them or None, and the prepared arrays."""

    def read() -> tuple[dict[str, Any], list[Any] | None, dict[str, Any]]:
        request, tensors = _read(scope, body, served)
        names = item_inputs(served)
        _wanted(request, _output_names(served))  # what is asked amiss is refused before anything is computed
        if set(tensors) & set(names):
            return request, served.receive(_values(tensors, names)), {}
        wrong = [name for name, values in tensors.items() if not isinstance(values, np.ndarray)]
        if wrong:
            known = ", ".join(f"'{name}'" for name in names)
            raise RequestError(
                400, f"no input '{wrong[0][:60]}' of type {BYTES}; the {served.modality.plural} are called {known}."
            )
        return request, None, tensors

    return await off_loop(read, len(body))


def item_inputs(served: Served) -> tuple[str, ...]:
    """The tensors of items as they are: one, or one a field."""
    fields = served.bundle.fields
    return (ITEMS,) if len(fields) == 1 else tuple(field.name for field in fields)


def input_types(served: Served) -> dict[str, str]:
    """The type of each of `item_inputs`: FP64 for the numbers and dates of tables, which are NaN where they are missing."""
    reads = served.modality
    modalities = reads.modalities.values() if isinstance(reads, Row) else [reads]
    are_numbers = (isinstance(one, Tabular) and one.graph_type == _FLOAT64.name for one in modalities)
    return {
        name: type_name(_FLOAT64) if is_number else BYTES
        for name, is_number in zip(item_inputs(served), are_numbers, strict=True)
    }


def _lacking(served: Served) -> set[str]:
    """The tensors in which NaN stands for a cell that is missing: columns of tables, as they are or prepared."""
    numbers = {name for name, datatype in input_types(served).items() if datatype != BYTES}
    return numbers | {name for name in served.bundle.arrays if name.rpartition(".")[2] == _COLUMNS}


def _listed(name: str, values: Any) -> list[Any]:
    """One value an item; an array of shape (n, 1) has one too."""
    if not isinstance(values, np.ndarray):
        return list(values)
    if not values.ndim:
        raise RequestError(400, f"input '{name}' has the shape []; [-1], one value an item, was expected.")
    return values.ravel().tolist() if values.size == len(values) else list(values)


def _values(tensors: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """Take the items out of the tensors; those of fields are put together as rows."""
    if set(tensors) != set(names):
        if len(names) == 1:
            raise RequestError(400, f"'{ITEMS}' comes alone, or prepared arrays come without it.")
        raise RequestError(400, f"the inputs {sorted(tensors)} came; {list(names)} were expected, one a field.")
    if len(names) == 1:
        return _listed(ITEMS, tensors[ITEMS])
    columns = [_listed(name, tensors[name]) for name in names]
    if len(set(map(len, columns))) > 1:
        raise RequestError(400, f"the inputs {list(names)} must all have the same number of items.")
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _read(scope: Scope, body: bytes, served: Served) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request without its inputs, and its tensors by their names."""
    length = header(scope, _HEADER_LENGTH)
    position = small_number(length) if length else len(body)
    if position is None or position > len(body):
        raise RequestError(400, f"{_HEADER_LENGTH.decode()} is {length[:20]!r}; the length of the JSON was expected.")
    request = from_json(body[:position])
    described = request.pop("inputs", None)
    if not isinstance(described, list) or not described or not all(isinstance(one, dict) for one in described):
        raise RequestError(400, "'inputs' must be a list of tensors, each with name, shape, datatype and data.")
    tensors: dict[str, Any] = {}
    lacking = _lacking(served)
    for one in described:
        size = n_binary(one)
        if size is not None and position + size > len(body):
            raise RequestError(400, "the body ends before the raw bytes of its tensors do.")
        if not isinstance(one.get("name"), str) or one["name"] in tensors:
            raise RequestError(400, "each input needs a name of its own.")
        tensors[one["name"]] = read_tensor(
            one,
            None if size is None else body[position : position + size],
            max_strings=served.settings.max_items,
            can_lack=one["name"] in lacking,
        )
        position += size or 0
    return request, tensors


def _whole(rows: Sequence[FloatArray | UserError]) -> FloatArray:
    """The protocol has no word for a single bad item: the first is the answer to all."""
    for position, row in enumerate(rows):
        if isinstance(row, UserError):
            raise RequestError(400, f"item {position}: {row}")
    if not rows:
        raise RequestError(400, f"'{ITEMS}' is empty; 1 item or more was expected.")
    return np.stack(rows)  # type: ignore[arg-type]


def _output_names(served: Served) -> tuple[str, ...]:
    task = served.bundle.task_spec
    return (task.output_name, LABELS) if task.has_probabilities else (task.output_name,)


def _write(request: Mapping[str, Any], served: Served, outputs: FloatArray) -> tuple[bytes, Headers]:
    bundle = served.bundle
    known: dict[str, Any] = {bundle.task_spec.output_name: outputs.astype(np.float32, copy=False)}
    if bundle.task_spec.has_probabilities:
        decided = bundle.decide(outputs)
        known[LABELS] = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in decided]
    described, raws = [], []
    for name, binary in _wanted(request, tuple(known)):
        if not binary and outputs.size > MAX_VALUES:
            raise OversizedError(f"the answer has more than {MAX_VALUES:,} numbers. Ask for it with 'binary_data'.")
        one, raw = write_tensor(name, known[name], binary=binary)
        described.append(one)
        raws.append(raw)
    answer = {"model_name": served.name, "model_version": served.version, "outputs": described}
    if isinstance(request.get("id"), str):
        answer["id"] = request["id"]
    head = to_json(answer)
    if not any(raws):
        return head, ()
    return head + b"".join(raws), ((_HEADER_LENGTH, b"%d" % len(head)),)


def _wanted(request: Mapping[str, Any], known: Sequence[str]) -> list[tuple[str, bool]]:
    """Which outputs are asked for, each once, and whether each as raw bytes."""
    if isinstance(request.get("id"), str) and len(request["id"]) > _MAX_ID:
        raise RequestError(400, f"'id' has more than {_MAX_ID} characters. Give the request a shorter one.")
    every_binary = parameters_of(request).get("binary_data_output", False) is True
    asked = request.get("outputs") or [{"name": name} for name in known]
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise RequestError(400, "'outputs' must be a list of objects with a name.")
    wanted: dict[str, bool] = {}
    for one in asked:
        name = one.get("name")
        if not isinstance(name, str) or name not in known:
            raise RequestError(400, f"no output {str(name)[:60]!r}. Known: {', '.join(known)}.")
        if name in wanted:
            raise RequestError(400, f"the output '{name}' is asked for more than once. Name each once.")
        wanted[name] = parameters_of(one).get("binary_data", every_binary) is True
    return list(wanted.items())
