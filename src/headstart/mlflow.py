"""A bundle as an MLflow model: logged, registered, loaded and served by MLflow's own tools, and never unpickled.

The bundle is copied whole into the model and read by `load_bundle` there, so it is checked again wherever it arrives.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import DataError, require
from headstart.data import get_modality
from headstart.data.column_names import listed
from headstart.data.given import receive_item
from headstart.packaging import load_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from headstart.core.tasks import TaskSpec
    from headstart.packaging import Bundle

__all__ = ["load_model", "log_model", "save_model"]

_FLAVOUR = "headstart"
_TOP = 3
_PICTURES = ("label_issues", "mistakes")


def save_model(
    bundle: str | Path,
    path: str | Path,
    *,
    input_example: Any = None,
    pip_requirements: Sequence[str] | None = None,
    mlflow_model: Any = None,
    **settings: Any,
) -> None:
    """Write a bundle as an MLflow model with the flavours `headstart` and `python_function`.

    Parameters
    ----------
    bundle : its folder
    path : a new or empty folder
    input_example : as MLflow takes it; an item that the report shows, if not given and there is one
    pip_requirements : what the model needs to run; this Headstart and this MLflow, pinned, if not given
    mlflow_model : the `mlflow.models.Model` to add to
    settings : of `mlflow.pyfunc.save_model`, passed on

    Raises
    ------
    BundleError
        There is no bundle there, or it is damaged.
    MissingExtraError
        MLflow is not installed.
    """
    mlflow = _require_mlflow()
    model, folder = load_bundle(bundle), Path(bundle).resolve()
    described = mlflow.models.Model() if mlflow_model is None else mlflow_model
    described.add_flavor(_FLAVOUR, data=f"data/{folder.name}", headstart_version=version("headstart"))
    described.metadata = {**_proof(model), **(described.metadata or {})}
    pinned = [f"{library}=={version(library)}" for library in ("headstart", "mlflow")]
    mlflow.pyfunc.save_model(
        path=str(path),
        loader_module=__name__,
        data_path=str(folder),
        mlflow_model=described,
        signature=_signature(model),
        input_example=_example(model) if input_example is None else input_example,
        pip_requirements=pinned if pip_requirements is None else list(pip_requirements),
        **settings,
    )


def log_model(bundle: str | Path, name: str, *, registered_model_name: str | None = None, **settings: Any) -> Any:
    """Log a bundle to MLflow's tracking store, and register it if a name is given; the `ModelInfo` of MLflow.

    Parameters
    ----------
    bundle : its folder
    name : of the logged model
    registered_model_name : in the model registry, where a version is added
    settings : of `save_model` and of `mlflow.models.Model.log`
    """
    models = _require_mlflow().models
    return models.Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        flavor_name=_FLAVOUR,
        registered_model_name=registered_model_name,
        bundle=bundle,
        **settings,
    )


def load_model(model_uri: str, dst_path: str | Path | None = None) -> Bundle:
    """Fetch a logged or registered model and open it as the bundle it was.

    Parameters
    ----------
    model_uri : `models:/NAME/VERSION`, `models:/MODEL_ID`, `runs:/…`, or a path
    dst_path : where to keep the files; a temporary folder of MLflow's, if not given

    Raises
    ------
    BundleError
        The model holds no bundle, or a damaged one.
    """
    mlflow = _require_mlflow()
    folder = mlflow.artifacts.download_artifacts(model_uri, dst_path=None if dst_path is None else str(dst_path))
    flavour = mlflow.models.Model.load(folder).flavors.get(_FLAVOUR, {})
    return load_bundle(Path(folder) / flavour.get("data", ""))


def _load_pyfunc(path: str) -> _Service:
    """Open the copied bundle; MLflow calls it by this name."""
    return _Service(load_bundle(path))


class _Service:
    """What MLflow asks for answers: a frame goes in, a frame comes out."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def predict(self, rows: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """One row an item: the fields of `Prediction`; an item that cannot be read has an `error` and nothing else."""
        import pandas as pd

        fields = list(_answer_types(self._bundle.task_spec))
        items = [_received(value, self._bundle) for value in _values(self._bundle, rows)]  # a path is not opened
        answers = self._bundle.predictions(items, top=(params or {}).get("top", _TOP))
        filled = [{**dict.fromkeys(fields), "error": "", **answer.to_dict()} for answer in answers]
        return pd.DataFrame(filled, columns=fields, dtype=object)


def _received(value: Any, bundle: Bundle) -> Any:
    """An item, or why it is none."""
    try:
        return receive_item(value, bundle.reads)
    except DataError as error:
        return error


def _values(bundle: Bundle, rows: pd.DataFrame) -> list[Any]:
    """The values of the one field, or rows as dicts.

    Raises
    ------
    DataError
        A column is missing.
    """
    names = [field.name for field in bundle.fields]
    lacking = [name for name in names if name not in rows]
    if lacking:
        raise DataError(f"the frame has no column {listed(lacking)} (its columns: {listed(map(str, rows))}). Add it.")
    if len(names) == 1:
        return list(rows[names[0]])
    return [dict(zip(names, values, strict=True)) for values in zip(*(rows[name] for name in names), strict=True)]


def _signature(bundle: Bundle) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    columns = [_column(get_modality(field.modality).mlflow_type, field.name) for field in bundle.fields]
    answer = [ColSpec(kind, name, required=name == "error") for name, kind in _answer_types(bundle.task_spec).items()]
    return ModelSignature(Schema(columns), Schema(answer), ParamSchema([ParamSpec("top", "long", _TOP)]))


def _column(kind: str, name: str) -> Any:
    """A column of the signature; MLflow takes what may be of any type as optional, so `_values` names one that is missing."""
    from mlflow.types import ColSpec
    from mlflow.types.schema import AnyType

    return ColSpec(AnyType(), name, required=False) if kind == "any" else ColSpec(kind, name)


def _answer_types(task: TaskSpec) -> dict[str, Any]:
    from mlflow.types.schema import Array, Object, Property

    top = Array(Object([Property("label", "string"), Property("probability", "double")]))
    types = {
        "label": "string",
        "labels": Array("string"),
        "value": "double",
        "probability": "double",
        "top": top,
        "prediction_set": Array("string"),
        "error": "string",
    }
    return {name: types[name] for name in (*task.answer_fields, "error")}


def _proof(bundle: Bundle) -> dict[str, Any]:
    """What a registry should show of the model: what was proven, and on which network it stands."""
    found = bundle.report.evaluation
    gain = None if found.gain is None else asdict(found.gain)
    source = bundle.report.package.source
    return {"source": source, "verdict": found.verdict, "metric": asdict(found.metric), "gain": gain}


def _example(bundle: Bundle) -> pd.DataFrame | None:
    import pandas as pd

    item = next(_shown_items(bundle), None)
    if item is None:
        return None
    return pd.DataFrame([item if len(bundle.fields) > 1 else {bundle.fields[0].name: item}])


def _shown_items(bundle: Bundle) -> Iterator[Any]:
    """The items of the report's galleries, as they are shown there."""
    modality, figures = bundle.reads, bundle.report.evaluation.figures
    members = [member for group in bundle.report.data.duplicate_groups for member in group["members"]]
    for shown in [shown for name in _PICTURES for shown in figures.get(name, ())] + members:
        item = modality.from_preview(shown)
        if item is not None:
            yield item


def _require_mlflow() -> Any:
    return require("mlflow", extra="mlflow", purpose="headstart.mlflow")
