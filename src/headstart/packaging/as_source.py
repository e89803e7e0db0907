"""A bundle as a source: yesterday's model gives the features for today's.

It stands here and not beside the other formats because a bundle is known to this stage alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, SourceError
from headstart.packaging.manifest import MANIFEST, is_bundle, open_sealed

if TYPE_CHECKING:
    from headstart.sources.draft import Draft, Wishes

_FEATURES = "features"


def accepts(thing: Any) -> bool:
    """Whether it is the folder of a bundle."""
    return isinstance(thing, Path) and (thing / MANIFEST).is_file() and is_bundle(thing)


def read(thing: Any, wishes: Wishes) -> Draft:
    """Take the bundle's graph up to its output `features`; the bundle is recorded as the parent.

    Raises
    ------
    BundleError
        A byte of it has changed.
    SourceError
        It holds a rival, which has no features of a pretrained network.
    """
    import json
    from dataclasses import replace

    from headstart.sources.graph_draft import Preprocessing, draft_of_graph
    from headstart.sources.onnx_graph import read_onnx

    path = Path(thing)
    sealed = open_sealed(path)
    manifest, content = sealed.content, sealed.read("model.onnx")
    model = read_onnx(content, "model.onnx")
    if _FEATURES not in {output.name for output in model.graph.output}:
        raise SourceError(
            f"{path} holds '{manifest['deployed']}', which has no features of a pretrained network. Add another bundle."
        )
    described = manifest["input"]
    files = {name: sealed.read(file) for name, file in described["files"].items()}
    report = _report(sealed.read("report.json"), path)
    card = report.get("card") or {}
    known = Preprocessing(
        input={"kind": described["kind"], **described["settings"]},
        takes_bytes=True,
        tokenizer=files.get("tokenizer.json"),
    )
    parent = {key: manifest[key] for key in ("name", "task", "source", "created", "deployed")}
    provenance = {"format": "bundle", "path": str(path.absolute()), "files": manifest["files"], "parent": parent}
    draft = draft_of_graph(
        model,
        str(path),
        name=path.name.lower(),
        known=known,
        wishes=replace(wishes, feature_layer=_FEATURES),
        provenance=json.loads(json.dumps(provenance)),
    )
    said = {field: card[field] for field in ("licence", "trained_on", "known_bias", "paper") if card.get(field)}
    return replace(draft, **said)


def _report(content: bytes, path: Path) -> dict[str, Any]:
    import json

    try:
        report = json.loads(content)
    except ValueError as error:
        raise BundleError(f"{path / 'report.json'} is not readable JSON ({error}). Make the bundle again.") from error
    return report if isinstance(report, dict) else {}
