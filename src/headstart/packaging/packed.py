"""Packed: what a bundle runs, taken out to be changed, and written again as a bundle with the same proof."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headstart.data.data_section import DataSection
from headstart.packaging.bundle import (
    check_target,
    describe_input,
    documents,
    safetensors,
    versions,
    write_folder,
)
from headstart.packaging.manifest import open_sealed
from headstart.packaging.opening import load_bundle
from headstart.packaging.package_section import PackageSection
from headstart.packaging.registries.address import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Head, Preprocessor
    from headstart.core.report import Section

_MIB = 2**20
_HEAD, _MOMENTS = "head.safetensors", "moments.safetensors"


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What a bundle runs, and where that came from.

    Attributes
    ----------
    graph : the ONNX model
    input : prepares items for the graph
    deployed, source : as in the manifest
    card : of the source, as in the report
    head : settings of the head, as in the manifest
    arrays : files of arrays by name: `head.safetensors`, and `moments.safetensors` where there are moments
    """

    graph: bytes = field(repr=False)
    input: Preprocessor
    deployed: str
    source: str
    card: Mapping[str, Any]
    head: Mapping[str, Any]
    arrays: Mapping[str, bytes] = field(repr=False)

    @property
    def size_mib(self) -> float:
        """All that prediction needs: the graph and the files of the preprocessing."""
        return (len(self.graph) + sum(len(content) for content in self.input.files().values())) / _MIB

    def with_head(self, head: Head, moments: Mapping[str, FloatArray], **changes: Any) -> Packed:
        """Put another head's record in place; `changes` have the graph that holds it."""
        arrays = {_HEAD: safetensors(head.arrays()), _MOMENTS: safetensors(moments)}
        return replace(self, head=head.settings(), arrays=arrays, **changes)


def unpack(folder: str | Path) -> Packed:
    """Take out what a bundle runs.

    Raises
    ------
    BundleError
        There is no bundle there, or it is damaged.
    """
    bundle, sealed = load_bundle(folder), open_sealed(folder_of(folder))
    return Packed(
        graph=bundle.graph,
        input=bundle.input,
        deployed=bundle.manifest["deployed"],
        source=bundle.manifest["source"],
        card=bundle.report[PackageSection].card,
        head=bundle.manifest["head"],
        arrays={name: sealed.read(name) for name in (_HEAD, _MOMENTS) if name in bundle.manifest["files"]},
    )


def rewrite(folder: Path, packed: Packed, *, original: Path, checked: Mapping[str, Any], compression: Section) -> Path:
    """Write a bundle at `folder` that runs `packed` and carries the data and the proof of the bundle `original`.

    The adapter of a tuned source is left out: what it makes again is the network that was proven, not this one.

    Parameters
    ----------
    checked : how far the graph is from the one that was proven, for the manifest
    compression : what was tried and what is packed, for the report; of its fields the manifest has `methods`, `metric` and `gain`

    Raises
    ------
    StorageError
        `folder` holds something else, or cannot be written.
    """
    check_target(folder)
    bundle = load_bundle(original)
    known = bundle.manifest
    report = bundle.report.with_section(
        replace(bundle.report[DataSection], modality=bundle.modality),  # which the first format of reports left out
        PackageSection(deployed=packed.deployed, source=packed.source, card=dict(packed.card)),
        compression,
    )
    left_out = {"schema", "files"} if "tuned" in packed.card else {"schema", "files", "tuned"}
    described, input_files = describe_input(packed.input)
    content = {
        **{name: value for name, value in known.items() if name not in left_out},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "deployed": packed.deployed,
        "source": packed.source,
        "input": described,
        "head": packed.head,
        "checked": checked,
        "compressed": {name: compression.to_dict()[name] for name in ("methods", "metric", "gain")},
        **versions(),
    }
    write_folder(folder, {"model.onnx": packed.graph, **packed.arrays, **documents(report), **input_files}, content)
    return folder
