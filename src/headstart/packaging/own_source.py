"""A source of the user's own: a bundle beside which lie aggregates of its columns and their Moments. No row leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import BundleError, SourceError, UserError
from headstart.core.moments import Moments
from headstart.core.strict_json import to_json
from headstart.data.column_profiles import ColumnProfile
from headstart.data.data_section import DataSection
from headstart.evaluation.columns_section import ColumnsSection
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging.bundle import describe_input, documents, safetensors, write_folder
from headstart.packaging.manifest import open_sealed, read_manifest
from headstart.packaging.opening import load_bundle
from headstart.packaging.session import open_bundle_session
from headstart.sources.own_source import OwnSource, PlainColumns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.report import Report
    from headstart.packaging.manifest import Sealed

SOURCE = "source.json"
PLAIN = "plain.onnx"
PLAIN_MOMENTS = "plain_moments.safetensors"
_PLAIN_FOLDER = "plain/"
_LEVELS = "levels.json"  # of the reader of columns
_LEFT_OUT = ("label_issues.csv", "reference.json", "reference.safetensors")  # single rows; and levels, however rare
_OF_ROWS = ("mistakes", "label_issues", "residuals")  # figures of single rows
_UNSEALED = ("schema", "files", "sha256")


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """What a source's folder says beside its bundle.

    Attributes
    ----------
    profiles : of its columns
    n_rows : that it learned from
    plain : its plain columns; None where it has none
    """

    profiles: tuple[ColumnProfile, ...]
    n_rows: int
    plain: PlainColumns | None = None


def is_own_source(path: str | Path) -> bool:
    """Whether a path is the folder of a source of the user's own, whole or damaged."""
    folder = Path(path)
    try:
        listed = json.loads(read_manifest(folder)).get("files", {}) if folder.is_dir() else {}
    except (BundleError, ValueError, AttributeError, RecursionError, OSError):
        return False
    return isinstance(listed, dict) and SOURCE in listed


def seal_source(bundle: str | Path, out: str | Path, record: SourceRecord) -> Path:
    """Write a source: the bundle without anything of single rows, and the record; whole or not at all.

    Raises
    ------
    BundleError
        The bundle has been changed.
    StorageError
        `out` cannot be written.
    """
    sealed = open_sealed(Path(bundle), trust=())
    files = {name: sealed.read(name) for name in sealed.content["files"] if name not in _LEFT_OUT}
    common = {one.name: one.levels for one in record.profiles if one.levels is not None}
    report = without_rows(load_bundle(bundle, trust=(), trust_graphs=True).report)
    files |= documents(without_rare_levels(report, common))
    files = {name: _hidden(name, content, common) for name, content in files.items()}
    said: dict[str, Any] = {"profiles": [one.to_dict() for one in record.profiles], "n_rows": record.n_rows}
    if record.plain is not None:
        described, own = describe_input(record.plain.input)
        described["files"] = {name: path.replace("input/", _PLAIN_FOLDER) for name, path in described["files"].items()}
        said["plain"] = described
        files |= {
            path.replace("input/", _PLAIN_FOLDER): _hidden(path, content, common) for path, content in own.items()
        }
        files |= {PLAIN: record.plain.graph, PLAIN_MOMENTS: safetensors(record.plain.moments.arrays())}
    content = {key: value for key, value in sealed.content.items() if key not in _UNSEALED}
    write_folder(Path(out), {**files, SOURCE: to_json(said).encode()}, content)
    return Path(out)


def without_rows(report: Report) -> Report:
    """The report without what it shows of single rows: previews, names, likely label errors."""
    data, evaluation = report[DataSection], report[EvaluationSection]
    notices = tuple({**one, "where": []} for one in data.notices)
    figures = {key: value for key, value in evaluation.figures.items() if key not in _OF_ROWS}
    return report.with_section(
        replace(data, duplicate_groups=(), notices=notices), replace(evaluation, figures=figures)
    )


def without_rare_levels(report: Report, common: Mapping[str, Mapping[str, float]]) -> Report:
    """The report without the effects of levels that few rows have; `common` has the others, by column."""
    section = report.get(ColumnsSection)
    if section is None:
        return report
    columns = tuple(
        replace(one, curve=tuple(point for point in one.curve if point.get("at") in common[one.name]))
        if one.name in common
        else one
        for one in section.columns
    )
    return report.with_section(replace(section, columns=columns))


def open_own_source(folder: str | Path, *, trust_graphs: bool | None = None) -> OwnSource:
    """Open a source; every byte is checked, and its graphs are looked into before they run.

    Raises
    ------
    BundleError
        It is damaged, or a bundle without the record of a source.
    """
    folder = Path(folder)
    bundle = load_bundle(folder, trust_graphs=trust_graphs)
    sealed = open_sealed(folder)
    if SOURCE not in sealed.content["files"]:
        raise BundleError(f"{folder} is a bundle but no source. Make one with: headstart pretrain DATA --out SOURCE")
    try:
        said = json.loads(sealed.read(SOURCE))
        profiles = tuple(ColumnProfile.from_dict(one) for one in said["profiles"])
        n_rows, described = int(said["n_rows"]), said.get("plain")
        plain = None if described is None else _plain(sealed, described, trust_graphs=trust_graphs)
    except BundleError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UserError) as error:
        raise BundleError(f"{folder / SOURCE} is damaged ({error}). Make the source again.") from error
    shipped = bundle.report[EvaluationSection].shipped
    return OwnSource(
        name=bundle.name,
        task=bundle.task,
        fields=bundle.fields,
        labels=bundle.labels,
        graph=bundle.graph,
        input=bundle.input,
        profiles=profiles,
        n_rows=n_rows,
        quality={"name": shipped.name, "value": shipped.value, "low": shipped.low, "high": shipped.high},
        plain=plain,
    )


def _plain(sealed: Sealed, described: Mapping[str, Any], *, trust_graphs: bool | None) -> PlainColumns:
    from safetensors.numpy import load

    from headstart.sources import preprocessors

    graph = sealed.read(PLAIN)
    open_bundle_session(graph, threads=1, trust_graphs=trust_graphs)
    files = {name: sealed.read(path) for name, path in described["files"].items()}
    try:
        built = preprocessors.build(described["kind"], described["settings"], files)
        moments = Moments.from_arrays(load(sealed.read(PLAIN_MOMENTS)))
    except (SourceError, KeyError) as error:
        raise BundleError(f"the plain columns of {sealed.folder} cannot be used: {error}") from error
    return PlainColumns(graph=graph, input=built, moments=moments)


def _hidden(name: str, content: bytes, common: Mapping[str, Mapping[str, float]]) -> bytes:
    """A vocabulary of columns in which rare levels have no name: their codes stay, so that the graph does."""
    if not name.endswith(_LEVELS):
        return content
    levels: dict[str, Sequence[str]] = json.loads(content)
    hidden = {
        column: [level if level in common.get(column, ()) else f"(rare {number})" for number, level in enumerate(known)]
        for column, known in levels.items()
    }
    return json.dumps(hidden, ensure_ascii=False).encode()
