"""A static page that runs the bundle in the browser with ONNX Runtime Web: no server of ours, no network, one thread."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError, StorageError
from headstart.core.strict_json import to_json
from headstart.data.modalities import get_modality
from headstart.downloads.archives import read_members
from headstart.downloads.npm import download
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging.exports.checking import checked_by
from headstart.packaging.exports.web_fields import described_fields
from headstart.packaging.package_section import PackageSection
from headstart.reporting.wording import amount
from headstart.sources.joint import NO_SOURCE
from headstart.storage.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from headstart.packaging.exports import ExportOptions
    from headstart.packaging.model import Bundle

_PAGE = "bundle.json"


@dataclass(frozen=True, kw_only=True)
class _Package:
    """An npm package of which the page needs some files; they are copied, never run here."""

    name: str
    version: str
    sha256: str
    files: Mapping[str, str]
    license: str

    def contents(self) -> dict[str, bytes]:
        """The files by their names in `runtime/`."""
        filename = f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"
        archive = download(self.name, self.version, filename, self.sha256)
        found = read_members(archive, [f"package/{path}" for path in self.files.values()])
        return dict(zip((f"runtime/{name}" for name in self.files), found.values(), strict=True))


_RUNTIME = _Package(
    name="onnxruntime-web",
    version="1.30.0",
    sha256="d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    files={
        "ort.wasm.bundle.min.mjs": "dist/ort.wasm.bundle.min.mjs",
        "ort-wasm-simd-threaded.wasm": "dist/ort-wasm-simd-threaded.wasm",
    },
    license="MIT, Copyright (c) Microsoft Corporation",
)
_TOKENIZERS = _Package(
    name="@huggingface/tokenizers",
    version="0.2.0",
    sha256="2800014c83b8186b2e4210c20672f1fb65a12cef85d7e95e0f2003e022611b4a",
    files={"tokenizers.min.mjs": "dist/tokenizers.min.mjs", "tokenizers-license.txt": "LICENSE"},
    license="Apache-2.0, Hugging Face; the license is in tokenizers-license.txt",
)

PACKAGES = (_RUNTIME, _TOKENIZERS)


def _check(bundle: Bundle, out: Path, options: ExportOptions) -> None:  # noqa: ARG001
    _kinds(bundle.manifest["input"])
    _controls(bundle)
    if out.exists() and not (out.is_dir() and ((out / _PAGE).is_file() or not any(out.iterdir()))):
        raise StorageError(f"{out} holds other things than such a page. Choose a new name for --web.")


@checked_by(_check)
def export(bundle: Bundle, out: Path, options: ExportOptions) -> dict[str, Any]:  # noqa: ARG001  (all exports share one signature)
    """Write the folder of the page, which any server of static files can give out.

    Raises
    ------
    OptionError
        The page has no JavaScript for this kind of input.
    SourceError
        ONNX Runtime Web or the tokenizers are neither in the cache nor to be had.
    StorageError
        `out` is a folder with other things in it, or cannot be written.
    """
    kinds = _kinds(bundle.manifest["input"])
    packages = [_RUNTIME, *([_TOKENIZERS] if "tokens" in kinds else [])]
    files = dict(_page_files("inputs", kinds)) | dict(_page_files("controls", _controls(bundle)))
    files |= {path.name: path.read_bytes() for path in _folder().iterdir() if path.is_file()}
    files |= {name: content for package in packages for name, content in package.contents().items()}
    files["runtime/README.txt"] = "".join(f"{p.name} {p.version}: {p.license}\n" for p in packages).encode()
    files |= {f"input/{name}": content for name, content in bundle.input.files().items()}
    files |= {"model.onnx": bundle.graph, _PAGE: to_json(_about(bundle)).encode()}
    files["offline.js"] = _listing(files) + files["offline.js"]
    with replacing(out) as partial:
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
    size_mib = sum(map(len, files.values())) / 2**20
    return {
        "format": "web",
        "path": str(out),
        "n_items": 0,
        "max_difference": None,
        "size_mib": round(size_mib, 1),
        "sentence": f"{out}: a page of {size_mib:.0f} MiB; to look at it: python3 -m http.server --directory {out}",
    }


def _kinds(described: Mapping[str, Any]) -> set[str]:
    """Name the kinds of input that a bundle has, those inside a joint one too; for each there is a JavaScript file of its name."""
    known = {path.name.removesuffix(".js") for path in _folder("inputs").iterdir()}
    settings = described["settings"]
    inner = (*settings.get("parts", ()), *([settings["inner"]] if "inner" in settings else []))
    kinds = {described["kind"]}.union(*map(_kinds, inner))
    if unknown := sorted(kinds - known):
        raise OptionError(
            f"no page can be made of this bundle: its input is of the kind '{unknown[0]}'. Serve the bundle instead."
        )
    return kinds


def _controls(bundle: Bundle) -> set[str]:
    """Name what people fill in: a control a modality, a JavaScript file of its name."""
    known = {path.name.removesuffix(".js") for path in _folder("controls").iterdir()}
    wanted = {field.modality for field in bundle.fields}
    if unknown := sorted(wanted - known):
        raise OptionError(
            f"no page can be made of this bundle: nobody can fill in {get_modality(unknown[0]).plural}. Serve the bundle instead."
        )
    return wanted


def _page_files(below: str, names: set[str]) -> Iterable[tuple[str, bytes]]:
    for path in _folder(below).iterdir():
        if path.name.removesuffix(".js") in names:
            yield f"{below}/{path.name}", path.read_bytes()


def _folder(*below: str) -> Traversable:
    return resources.files("headstart.packaging.exports").joinpath("web_page", *below)


def _about(bundle: Bundle) -> dict[str, Any]:
    """What the page says and needs to know."""
    described, card = bundle.manifest["input"], bundle.report[PackageSection].card
    evaluation = bundle.report[EvaluationSection]
    found, shipped = evaluation.prediction_set, evaluation.shipped
    license = f", {card['license']}" if card.get("license") else ""
    source = "" if bundle.manifest["source"] == NO_SOURCE else f" from {bundle.manifest['source']}{license}"
    score = f"{shipped.name} {amount(shipped)} on {shipped.n:,} held-out items."
    return {
        "name": bundle.name,
        "task": bundle.task,
        "modality": bundle.modality,
        "fields": described_fields(bundle),
        "labels": list(bundle.labels),
        "weights": None if bundle.decision is None else bundle.decision.weights,
        "interval": found if "half_width" in found else None,
        "proof": f"{score[:1].upper()}{score[1:]} {evaluation.sentence if evaluation.was_transfer_tried else ''}".strip(),
        "about": f"Made with Headstart{source}.",
        "input": {**described, "files": {name: f"input/{name}" for name in bundle.input.files()}},
    }


def _listing(files: Mapping[str, bytes]) -> bytes:
    """Say to the service worker what there is, and give it a new version when any of it changes."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(files[name]).digest() for name in sorted(files))).hexdigest()
    paths = sorted(set(files) - {"offline.js"})
    return f"const VERSION = {json.dumps(digest)};\nconst PATHS = {json.dumps(paths)};\n".encode()
