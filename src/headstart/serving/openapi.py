"""The OpenAPI document: what FastAPI knows, and the two addresses that are answered in front of it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from headstart.packaging.example_item import example_item
from headstart.serving.protocol import input_types
from headstart.serving.tensors import BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.serving.models import Catalogue, Served

CONTENT_POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'"
_ERROR = {
    "description": "An error: what was expected, what came, what to do.",
    "content": {
        "application/json": {
            "schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
        }
    },
}
_ERRORS = {str(status): _ERROR for status in (400, 401, 404, 413, 415, 429, 504)}
_PREDICT_ANSWER = {
    "type": "object",
    "required": ["model", "version", "predictions"],
    "properties": {
        "model": {"type": "string"},
        "version": {"type": "string"},
        "label_type": {"type": "string", "enum": ["int", "float", "bool"]},
        "notices": {"type": "array", "items": {"type": "string"}},
        "predictions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["item"],
                "properties": {
                    "item": {"type": "string"},
                    "label": {"type": "string"},
                    "labels": {"type": "array", "items": {"type": "string"}},
                    "value": {"type": "number"},
                    "probability": {"type": "number"},
                    "top": {"type": "array", "items": {"type": "object"}},
                    "prediction_set": {"type": "array", "items": {"type": "string"}},
                    "error": {"type": "string"},
                },
            },
        },
    },
}
_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"type": "string"},
        "parameters": {"type": "object"},
        "data": {"type": "array", "items": {}},
    },
}


def complete(openapi: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Add the addresses that predict, with examples that the first of the models answers."""
    first = next(iter(catalogue))
    item = first.modality.give(example_item(first.bundle))
    formats = " or ".join(dict.fromkeys(served.modality.wire_format for served in catalogue))
    predict, infer = _predict(first, item, formats), _infer(first, item)
    named = [_parameter("name", first.name)]
    versioned = [*named, _parameter("version", first.version)]
    added = {
        "/v1/predict": {"post": predict},
        "/v1/models/{name}/predict": {"post": predict, "parameters": named},
        "/v1/models/{name}/versions/{version}/predict": {"post": predict, "parameters": versioned},
        "/v2/models/{name}/infer": {"post": infer, "parameters": named},
        "/v2/models/{name}/versions/{version}/infer": {"post": infer, "parameters": versioned},
    }
    token = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        **openapi,
        "paths": {**added, **openapi["paths"]},
        "components": {**openapi.get("components", {}), "securitySchemes": token},
        "security": [{}, {"token": []}],
    }


def _predict(served: Served, item: Any, formats: str) -> dict[str, Any]:
    items = {
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": _item_schema(served), "minItems": 1},
            "top": {"type": "integer", "minimum": 1, "default": 3},
        },
    }
    record = item if isinstance(item, dict) else {"item": item}
    parts = record if isinstance(item, dict) else {"file": item}
    form = {"type": "object", "properties": {name: {"type": "string", "format": "binary"} for name in parts}}
    contents = {
        "application/json": {"schema": items, "example": {"items": [item], "top": 2}},
        "multipart/form-data": {"schema": form},
        "text/csv": {"schema": {"type": "string"}, "example": _as_csv(record)},
        "application/jsonl": {"schema": {"type": "string"}, "example": json.dumps(record) + "\n"},
    }
    return {
        "tags": ["predict"],
        "summary": "Predict",
        "description": f"Answer items: {formats}. One that cannot be read gets its error, the others their answers.",
        "requestBody": {"required": True, "content": contents},
        "responses": {"200": _answer(_PREDICT_ANSWER, "An answer for each item, in their order."), **_ERRORS},
    }


def _infer(served: Served, item: Any) -> dict[str, Any]:
    request = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "inputs": {"type": "array", "items": _TENSOR, "minItems": 1},
            "outputs": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        },
    }
    tensors = [
        {"name": name, "shape": [1], "datatype": datatype, "data": [value]}
        for (name, datatype), value in zip(input_types(served).items(), _tensor_values(served, item), strict=True)
    ]
    answer = {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {"outputs": {"type": "array", "items": _TENSOR}},
    }
    return {
        "tags": ["predict"],
        "summary": "Infer",
        "description": "Open Inference Protocol V2: tensors in, tensors out; as JSON, or as raw bytes behind it.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request, "example": {"inputs": tensors}}},
        },
        "responses": {"200": _answer(answer, "The outputs that were asked for, or all."), **_ERRORS},
    }


def _tensor_values(served: Served, item: Any) -> list[Any]:
    """What stands for the item in tensors: a date, which is a text in JSON, is a number there."""
    shown = [*item.values()] if isinstance(item, dict) else [item]
    received = served.modality.receive(item)
    read = [*received.values()] if isinstance(received, dict) else [received]
    return [
        value if datatype == BYTES else number
        for value, number, datatype in zip(shown, read, input_types(served).values(), strict=True)
    ]


def _item_schema(served: Served) -> dict[str, Any]:
    """What a row must be; one value may come bare, or in a record under any of several names."""
    return served.modality.wire_schema() if len(served.bundle.fields) > 1 else {}


def _as_csv(record: Mapping[str, Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(record), list(record.values())])
    return text.getvalue()


def _answer(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, example: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
