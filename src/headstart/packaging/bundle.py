"""Write a bundle: a folder with the graph, the arrays, the report, the card, and the manifest that seals them."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import StorageError
from headstart.core.strict_json import to_json
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging.export import check_equal, export
from headstart.packaging.manifest import is_bundle, seal
from headstart.packaging.package_section import PackageSection
from headstart.storage.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Predictor, Preprocessor
    from headstart.core.report import Report
    from headstart.packaging.bundle_schema import BundleSchema

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "safetensors", "scikit-learn", "tokenizers", "torch")


def write(
    folder: str | Path,
    *,
    predictor: Predictor,
    report: Report,
    schema: BundleSchema,
    check_items: Sequence[Any],
    moments: Mapping[str, FloatArray] | None = None,
    reference: Mapping[str, bytes] | None = None,
    created: datetime | None = None,
) -> Path:
    """Write a bundle at `folder`, whole or not at all, and return its path.

    The files but `manifest.json` and the timings in the report depend on the arguments alone, byte for byte.

    Parameters
    ----------
    folder : a new path, or an older bundle, which is kept until the new one stands in its place
    predictor : network and head that are deployed
    check_items : real items, 1 or more, on which the packed graph must give what the predictor gives (within 1e-4)
    moments : arrays of the `Moments`, if they shall travel
    reference : files by which live records are compared with those that it was proven on, by name
    created : the time in the manifest; now, if not given

    Raises
    ------
    StorageError
        `folder` holds something else, or cannot be written.
    InternalError
        The packed graph is not equal to the fitted predictor.
    """
    from headstart.packaging.adapter import ADAPTER, pack_adapter, tuned_part

    folder = Path(folder)
    check_target(folder)
    with ThreadPoolExecutor(max_workers=1) as pool:  # drawing leaves the interpreter free: a second less to wait
        drawn = pool.submit(documents, report)
        model = export(predictor, n_outputs=len(schema.labels))
        difference = check_equal(model, predictor, check_items)
    files = {"model.onnx": model, **_arrays(predictor, moments), **drawn.result()}
    described, input_files = describe_input(predictor.network.input)
    content = {
        **versions(),
        "created": (created or datetime.now(UTC)).isoformat(timespec="seconds"),
        **schema.to_dict(),
        "deployed": predictor.name,
        "source": report[PackageSection].source,
        "input": described,
        "outputs": "outputs",
        "head": predictor.head.settings(),
        "prediction_set": report[EvaluationSection].prediction_set,
        "checked": {"n_items": len(check_items), "max_difference": difference},
    }
    if tuned := tuned_part(predictor.network):
        files[ADAPTER], content["tuned"] = pack_adapter(tuned), tuned.record()
    write_folder(folder, {**files, **input_files, **(reference or {})}, content)
    return folder


def check_target(folder: Path) -> None:
    """Refuse a place that holds anything but a bundle; worth asking before a long fit.

    Raises
    ------
    StorageError
        `folder` is a file, or a folder with other things in it.
    """
    if folder.is_dir() and not folder.is_symlink():
        if is_bundle(folder) or not any(folder.iterdir()):
            return
        raise StorageError(f"{folder} is a folder with other things in it, not a bundle. Choose a new name for --out.")
    if folder.is_symlink() or folder.exists():
        raise StorageError(f"{folder} is a file or a link, not a bundle. Choose a new name for --out.")


def write_folder(folder: Path, files: Mapping[str, bytes], content: Mapping[str, Any]) -> None:
    """Write the files and seal them, whole or not at all; `content` is the manifest without its list of files."""
    with replacing(folder) as partial:
        partial.mkdir()
        for name, data in files.items():
            path = partial / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        seal(partial, content)


def _arrays(predictor: Predictor, moments: Mapping[str, FloatArray] | None) -> dict[str, bytes]:
    files = {"head.safetensors": safetensors(predictor.head.arrays())}
    return files if moments is None else {**files, "moments.safetensors": safetensors(moments)}


def safetensors(arrays: Mapping[str, FloatArray]) -> bytes:
    """Arrays by name as one file."""
    from safetensors.numpy import save

    packed: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return packed


def documents(report: Report) -> dict[str, bytes]:
    """Report, page, card, and the likely label errors where there are some, by file name."""
    from headstart.reporting import render, render_card

    texts = {
        "report.json": to_json(report.to_dict()),
        "report.html": render(report),
        "README.md": render_card(report),
    }
    if issues := report[EvaluationSection].figures.get("label_issues"):
        texts["label_issues.csv"] = _as_csv(issues)
    return {name: text.encode("utf-8", "replace") for name, text in texts.items()}


def _as_csv(issues: Sequence[Mapping[str, Any]]) -> str:
    """All likely label errors, the most confident first."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["item", "label", "predicted", "probability"])
    for issue in issues:
        writer.writerow([issue["id"], issue["true"], issue["predicted"], f"{issue['probability']:.4f}"])
    return text.getvalue()


def describe_input(prepared: Preprocessor) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the manifest says of the preprocessing, and its files by their path in the bundle."""
    paths = {name: f"input/{name}" for name in prepared.files()}
    described = {"kind": prepared.kind, "settings": prepared.settings(), "files": paths}
    return described, {paths[name]: data for name, data in prepared.files().items()}


def versions() -> dict[str, Any]:
    """What the manifest says of the software that made the bundle."""
    found = {name: _version(name) for name in ("headstart", *_LIBRARIES)}
    return {"headstart": found.pop("headstart"), "libraries": {name: one for name, one in found.items() if one}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
