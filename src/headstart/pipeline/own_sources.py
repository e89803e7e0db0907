"""Sources of the user's own as models: columns and labels are matched, and each way to take from a source is a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import ROW, Field
from headstart.core.errors import OptionError
from headstart.core.words import listed_words
from headstart.data.column_matching import ColumnMatch, ColumnMatches, match_columns
from headstart.data.column_profiles import profile_columns
from headstart.data.modalities import get_modality
from headstart.evaluation.continued_model import ContinuedModel
from headstart.evaluation.own_source import OffsetModel, ShrunkModel, SourceScores, Way
from headstart.packaging.own_source import open_own_source
from headstart.pipeline.column_meaning import with_meanings
from headstart.pipeline.source_data import SourceData, match_source_data
from headstart.sources.own_source import CopiedNetwork
from headstart.sources.preprocessors.renamed import FilledField, RenamedFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headstart.core.dataset import Dataset
    from headstart.core.model import Preprocessor
    from headstart.engines.context import RunContext
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Model
    from headstart.sources.own_source import OwnSource

DEFAULT_WAYS: tuple[Way, ...] = ("offset", "continued", "shrunk")
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1", "t"}), frozenset({"false", "no", "n", "0", "f"})


@dataclass(frozen=True, kw_only=True)
class MatchedSource:
    """A source beside a target.

    Attributes
    ----------
    matches : of columns; None where both read one value of the same modality
    columns : of the source's outputs, in the order of the target's labels
    field : of the target that the source reads as it is; None if it reads items
    has_columns : whether the target has columns of a table, on which trees can be grown
    """

    source: OwnSource
    matches: ColumnMatches | None
    columns: tuple[int, ...]
    field: str | None
    is_alone: bool
    has_columns: bool

    @property
    def name(self) -> str:
        """Of the data that the source was made of."""
        return self.source.name

    @property
    def n_rows(self) -> int:
        """That the source learned from."""
        return self.source.n_rows

    @property
    def quality(self) -> Mapping[str, Any]:
        """Of the source's model on its own held-out rows."""
        return self.source.quality

    def input(self, inner: Preprocessor) -> Preprocessor:
        """What prepares the target's items for a graph of the source."""
        if self.matches is None:
            return inner
        by_source = {one.source: one for one in self.matches.matches}
        fields = tuple(_filled(field, by_source[field.name]) for field in self.source.fields)
        return RenamedFields(inner=inner, fields=fields, is_alone=self.is_alone)


@dataclass(frozen=True, kw_only=True)
class OwnSourceModels:
    """Sources that are matched, each with the models that take from it."""

    by_source: tuple[tuple[MatchedSource | SourceData, tuple[Model, ...]], ...]

    @property
    def models(self) -> tuple[Model, ...]:
        """All models."""
        return tuple(model for _, models in self.by_source for model in models)


def own_source_models(
    experiment: Experiment,
    folders: Iterable[str | Path],
    *,
    match: str | Iterable[str] | None = None,
    ways: Sequence[Way] = DEFAULT_WAYS,
) -> tuple[Model, ...]:
    """Models that take from sources of the user's own, for `Evaluation` to hold out.

    Parameters
    ----------
    folders : what `headstart pretrain --out` wrote
    match : columns as `match_columns` takes them
    ways : in which is taken from each source

    Raises
    ------
    BundleError
        A source is damaged.
    OptionError
        No column, label or task is the same.
    """
    return take_from(match_own_sources(experiment.dataset, folders, match), ways=ways).models


def match_own_sources(
    dataset: Dataset, folders: Iterable[str | Path], match: str | Iterable[str] | None = None
) -> tuple[MatchedSource, ...]:
    """Open sources and match them, which is cheap: what does not fit is refused before the work."""
    return tuple(match_own_source(dataset, open_own_source(folder), match) for folder in folders)


def match_own_data(
    dataset: Dataset,
    folders: Iterable[str | Path],
    source_data: Any,
    match: str | Iterable[str] | None,
    *,
    seed: int,
    columns: Mapping[str, Any],
) -> tuple[MatchedSource | SourceData, ...]:
    """Sources of the user's own, and other rows: what does not fit is refused before the work."""
    matched = match_own_sources(dataset, folders, match)
    if source_data is None:
        return matched
    return (*matched, match_source_data(dataset, source_data, match, seed=seed, columns=columns))


def take_from(
    sources: Iterable[MatchedSource | SourceData],
    *,
    context: RunContext | None = None,
    ways: Sequence[Way] = DEFAULT_WAYS,
) -> OwnSourceModels:
    """The models of each source; the columns that match are told as notices of `context`."""
    found: list[tuple[MatchedSource | SourceData, tuple[Model, ...]]] = []
    for matched in sources:
        if matched.matches is not None and context is not None:
            context.notice("match", matched.matches.table())
            for proposal in matched.matches.proposals():
                context.notice("unit", proposal)
            for meaning in matched.matches.meanings:
                context.notice("meaning", meaning.sentence)
        if isinstance(matched, SourceData):
            if context is not None and matched.sentence:
                context.notice("source-data", matched.sentence)
            found.append((matched, (matched.model,)))
        else:
            found.append((matched, tuple(_models_of(matched, ways))))
    return OwnSourceModels(by_source=tuple(found))


def match_own_source(dataset: Dataset, source: OwnSource, match: str | Iterable[str] | None = None) -> MatchedSource:
    """Match the columns and labels of a dataset to those of a source.

    Raises
    ------
    OptionError
        Nothing is the same; the message says what to do.
    """
    columns = match_labels(dataset, source)
    is_alone = len(dataset.fields) == 1
    has_columns = any(get_modality(field.modality).is_tabular for field in dataset.fields)
    (first, *others) = source.fields
    if not others and not get_modality(first.modality).is_tabular:
        field = _field_like(dataset, first, source.name, match)
        return MatchedSource(
            source=source,
            matches=None,
            columns=columns,
            field=None if is_alone else field,
            is_alone=is_alone,
            has_columns=has_columns,
        )
    profiles = profile_columns(dataset)
    matches = with_meanings(match_columns(source.profiles, profiles, match), source.profiles, profiles)
    if not matches.n_matched:
        names = ", ".join(f"'{one.name}'" for one in source.profiles[:8])
        raise OptionError(
            f"no column of '{dataset.name}' is like one of the source '{source.name}' ({names}). Say which are the same: "
            f"{' '.join(['--match target_column=source_column.', *(one.sentence for one in matches.meanings)])}"
        )
    missing = next((one for one in source.fields if one.name in matches.unmatched_source and _must_be(one)), None)
    if missing is not None:
        raise OptionError(
            f"the source '{source.name}' needs its {missing.modality} '{missing.name}', and no column is like it. Say which is: "
            f"--match column={missing.name}"
        )
    return MatchedSource(
        source=source, matches=matches, columns=columns, field=None, is_alone=is_alone, has_columns=has_columns
    )


def match_labels(dataset: Dataset, source: OwnSource) -> tuple[int, ...]:
    """The column of the source's outputs for each of the dataset's labels; letter case does not count, and yes is true is 1.

    Raises
    ------
    OptionError
        The tasks differ, or a label is unknown to the source.
    """
    task, other = dataset.task_spec, source.task_spec
    if task.link != other.link:
        raise OptionError(
            f"'{dataset.name}' asks for {task.gives}, and the source '{source.name}' gives {other.gives}. "
            "Make a source of the same task with: headstart pretrain DATA --target COLUMN --out SOURCE"
        )
    if not task.has_probabilities:
        return (0,)
    are_spoken = len(dataset.labels) == len(source.labels) == 2
    wanted, given = (_plain(labels, are_spoken=are_spoken) for labels in (dataset.labels, source.labels))
    unknown = [label for label, word in zip(dataset.labels, wanted, strict=True) if word not in given]
    if unknown:
        raise OptionError(
            f"the source '{source.name}' does not know the label{'s' if len(unknown) > 1 else ''} "
            f"{', '.join(map(repr, unknown[:4]))}; it knows {', '.join(map(repr, source.labels[:8]))}. "
            "Write labels of the same meaning the same way, or leave these items out."
        )
    return tuple(given.index(word) for word in wanted)


def _models_of(matched: MatchedSource, ways: Sequence[Way]) -> list[Model]:
    source = matched.source
    network = CopiedNetwork(
        graph=source.graph,
        input=matched.input(source.input),
        link=source.task_spec.link,
        columns=matched.columns,
    )
    scores = SourceScores(source.name, network, matched.field)
    models: list[Model] = [OffsetModel(scores, way) for way in ways if way not in ("shrunk", "continued")]
    if "continued" in ways and matched.has_columns:
        models.append(ContinuedModel(scores))
    is_same = matched.columns == tuple(range(len(source.labels)))
    if "shrunk" in ways and source.plain is not None and matched.matches is not None and is_same:
        d = len(source.plain.moments.mean)
        plain = CopiedNetwork(
            graph=source.plain.graph,
            input=matched.input(source.plain.input),
            link="identity",
            columns=tuple(range(d)),
        )
        columns = SourceScores(f"the columns of {source.name}", plain, matched.field)
        models.append(ShrunkModel(columns, (source.plain.moments,)))
    return models


def _filled(field: Field, match: ColumnMatch) -> FilledField:
    return FilledField(field=field, given=match.target, scale=match.scale)


def _field_like(dataset: Dataset, wanted: Field, name: str, match: str | Iterable[str] | None) -> str:
    """The field that a source of one value reads: of its modality, of its name if there are several."""
    able = [one.name for one in dataset.fields if one.modality == wanted.modality]
    said = dict(word.split("=", 1) for word in listed_words(match or ()) if "=" in word)
    named = [target for target in able if said.get(target) == wanted.name] or [
        one for one in able if one == wanted.name
    ]
    if len(able) == 1 or named:
        return (named or able)[0]
    if not able:
        raise OptionError(
            f"the source '{name}' reads {get_modality(wanted.modality).plural}, and '{dataset.name}' has none."
        )
    listed = ", ".join(f"'{one}'" for one in able)
    raise OptionError(
        f"the source '{name}' reads one {wanted.modality}, and '{dataset.name}' has several: {listed}. Say which: "
        f"--match {able[0]}={wanted.name}"
    )


def _must_be(field: Field) -> bool:
    """Whether a value of this modality cannot be missing."""
    null: Any = get_modality(field.modality).null_value
    return null is None and field.modality != ROW


def _plain(labels: Sequence[str], *, are_spoken: bool) -> list[str]:
    """Labels as they are compared: two that are true and false, these."""
    words = [label.strip().casefold() for label in labels]
    if are_spoken and set(words) & _TRUE and set(words) & _FALSE:
        return ["true" if word in _TRUE else "false" for word in words]
    return words
