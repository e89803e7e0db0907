"""A folder with one subfolder a class becomes a Dataset; train, validation and test folders above them are kept."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Dataset, Notice
from headstart.core.errors import DataError, OptionError
from headstart.core.tasks.single_label import single_label_task
from headstart.data.known_labels import in_known_order
from headstart.data.labels import GUESS, TargetOptions, check_classes, merge_spellings, sort_labels
from headstart.data.litter import is_litter
from headstart.data.modalities import item_modalities, modality_of_file
from headstart.data.readers.columns import take
from headstart.data.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from headstart.core.dataset import IntArray
    from headstart.data.modalities import Cleaned, Modality
    from headstart.data.unreadable_items import UnreadableItems

_UNLABELLED_NAMES = frozenset({"unlabelled", "unlabeled"})
_LAYOUT = "one subfolder a class was expected: kiwi/1.jpg, plum/2.jpg …, or train/kiwi/1.jpg …, test/kiwi/2.jpg …"
_N_LISTED = 100


@dataclass
class _Files:
    """Files in the order of their names: path below the root, class, split, folder."""

    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    n_nested: int = 0


def load_folder(
    root: Path, bad: UnreadableItems, *, group: str | None = None, wanted: TargetOptions = GUESS
) -> Dataset:
    """Read a folder of files of one modality, whose subfolders are the classes.

    Parameters
    ----------
    group : 'folder' to keep the files of each deepest folder together in every split
    wanted : how the names of the subfolders become labels

    Raises
    ------
    DataError
        There are no files, no class folders, or one class alone.
    """
    if group not in (None, "folder"):
        raise OptionError(
            f"a folder has no column '{group}' to group by; --group folder keeps each subfolder together."
        )
    files = _collect(root)
    kinds = _modalities(files, root)
    modality = _commonest(files, kinds, root)
    _keep(files, {name for name, kind in kinds.items() if kind is modality})
    _refuse_wrapper(root, files)
    n_files = len(files.names)
    found = modality.read_files(root, files.names)
    for place, reason in found.wrong.items():
        bad.add(f"{root.name}/{files.names[place]}", reason)
    bad.check(n_files, f"'{root}'")
    blank = [place for place in modality.blanks(found.items) if place not in found.wrong]
    left_out = {*found.wrong, *blank}
    keep = np.array([place for place in range(n_files) if place not in left_out], dtype=np.int64)
    if not len(keep):
        raise DataError(f"'{root}' holds no {modality.singular} that can be read; {_LAYOUT}.")
    dataset = _dataset(root, files, keep, modality, found.items, wanted=wanted, by_folder=group == "folder")
    named = [files.names[place] for place in blank]
    noun = modality.singular if len(blank) == 1 else modality.plural
    blanks = _notice("blank", f"{len(blank)} blank {noun} left out, such as {named[:1]}.", named)
    notices = (*dataset.notices, *blanks, *filter(None, [bad.notice()]))
    return replace(dataset, notices=notices, unreadable=tuple(bad.found))


def _dataset(
    root: Path,
    files: _Files,
    keep: IntArray,
    modality: Modality,
    items: Sequence[Any],
    *,
    wanted: TargetOptions,
    by_folder: bool,
) -> Dataset:
    names = [files.names[i] for i in keep]
    ids = [f"{root.name}/{name}" for name in names]
    labels, spelling = merge_spellings([files.labels[i] for i in keep], root.name, wanted)
    classes = sort_labels(set(labels))
    small = () if wanted.known else check_classes(labels, ids, root.name, files.labels)
    indicators = np.eye(len(classes))[[classes.index(label) for label in labels]]
    targets, classes, noticed = in_known_order(
        indicators, classes, wanted.known, ids, name=root.name, notices=(*spelling, *small)
    )
    splits = np.array([files.splits[i] for i in keep], dtype="<U10") if any(files.splits) else None
    folders = [name.rpartition("/")[0] for name in names]
    return Dataset(
        name=root.name,
        modality=modality.name,
        task=single_label_task(len(classes)).name,
        items=take(items, keep),
        ids=ids,
        targets=targets,
        labels=classes,
        label_rule=wanted.rule,
        groups=np.unique(folders, return_inverse=True)[1].astype(np.int64) if by_folder else None,
        splits=splits,
        unlabelled=_usable(modality.read_files(root, files.unlabelled)),
        columns={"input": modality.name, "target": "folder"},
        notices=(*_notices(root, files, labels, splits), *noticed),
    )


def _collect(root: Path) -> _Files:
    """Walk the folder once and sort its files by what they are for."""
    files = _Files()
    above, subfolders = _listing(root)
    tops: list[tuple[str, str, str]] = []  # (path below the root, split, class)
    if _is_split_layout(root, subfolders):
        for top in subfolders:
            named = split_of(top)
            if named is None:
                files.ignored.append(f"{top}/")
                continue
            loose, classes = _listing(root / top)
            files.unlabelled += [f"{top}/{name}" for name in loose]
            tops += [(f"{top}/{name}", str(named), name) for name in classes]
    else:
        tops = [(name, "", name) for name in subfolders]
    for path, split, label in tops:
        for name in _walk(root, path):
            files.n_nested += name.count("/") > path.count("/") + 1
            if label.casefold() in _UNLABELLED_NAMES:
                files.unlabelled.append(name)
            else:
                files.names.append(name)
                files.labels.append(label)
                files.splits.append(split)
    files.unlabelled += above
    if not files.names:
        raise DataError(_no_files_message(root, files))
    return files


def _is_split_layout(root: Path, subfolders: Sequence[str]) -> bool:
    """Whether folders are named train, test … and hold folders in turn; 'train' alone may be a vehicle as well."""
    named = [name for name in subfolders if split_of(name)]
    with_classes = [name for name in named if _listing(root / name)[1]]
    if named and not with_classes and (len(named) == len(subfolders) or len(set(map(split_of, named))) > 1):
        shown = ", ".join(f"'{name}'" for name in named[:3])
        raise DataError(
            f"'{root}' has folders called like parts of the data, not classes ({shown}), but no class folders in them; {_LAYOUT}. "
            "Where a table has the labels, name the table, with --images for the folder of its images."
        )
    return bool(with_classes)


def _listing(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder, sorted, litter left out."""
    names: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not is_litter(entry.name):
                    (folders if entry.is_dir() else names).append(entry.name)
    except OSError as error:
        raise DataError(f"'{folder}' cannot be opened ({error.strerror}). Correct its permissions.") from error
    return sorted(names), sorted(folders)


def _walk(root: Path, path: str) -> Iterator[str]:
    names, folders = _listing(root / path)
    yield from (f"{path}/{name}" for name in names)
    for name in folders:
        if not (root / path / name).is_symlink():  # a link may lead back up, without end
            yield from _walk(root, f"{path}/{name}")


def _usable(found: Cleaned) -> Sequence[Any]:
    places = [place for place in range(len(found.items)) if place not in found.wrong]
    return take(found.items, np.array(places, dtype=np.int64))


def _modalities(files: _Files, root: Path) -> dict[str, Modality | None]:
    """The modality of each file, None where it is of none."""
    top = f"{root}/"
    return {name: modality_of_file(top + name) for name in (*files.names, *files.unlabelled)}


def _commonest(files: _Files, kinds: Mapping[str, Modality | None], root: Path) -> Modality:
    """The modality that most of the files are of."""
    counts = Counter(kind for name in files.names if (kind := kinds[name]) is not None)
    if not counts:
        suffixes = Counter(_suffix(name) for name in files.names)
        found = ", ".join(f"'{suffix or 'no suffix'}'" for suffix, _ in suffixes.most_common(3))
        known = " nor ".join(modality.file_noun for modality in item_modalities() if modality.suffixes)
        raise DataError(f"'{root}' holds neither {known} (found: {found}); {_LAYOUT}.")
    return max((one for one in item_modalities() if one in counts), key=lambda one: counts[one])


def _refuse_wrapper(root: Path, files: _Files) -> None:
    """Refuse a folder that holds nothing but the folder of the data."""
    if len(set(files.labels)) == 1 and files.n_nested and not any(files.splits):
        inner = root / files.labels[0]
        raise DataError(
            f"all items of '{root}' lie in folders of '{inner.name}'. If these are the classes, name '{inner}'."
        )


def _keep(files: _Files, wanted: Collection[str]) -> None:
    """Keep the wanted files; the others are passed over."""
    is_kept = [name in wanted for name in files.names]
    files.ignored += [name for name, keep in zip(files.names, is_kept, strict=True) if not keep]
    for column in ("names", "labels", "splits"):
        cells = getattr(files, column)
        setattr(files, column, [cell for cell, keep in zip(cells, is_kept, strict=True) if keep])
    loose = [name for name in files.unlabelled if name not in wanted]
    files.ignored += [name for name in loose if not name.upper().startswith(("README", "LICENSE", "LICENCE"))]
    files.unlabelled = [name for name in files.unlabelled if name in wanted]


def _notices(root: Path, files: _Files, labels: Sequence[str], splits: NDArray[np.str_] | None) -> list[Notice]:
    """Say what the layout was taken for, and what was passed over."""
    notices = [Notice(kind="guess", message=f"the classes are the {len(set(labels))} subfolders of '{root.name}'.")]
    if files.n_nested:
        message = f"{files.n_nested} files lie in deeper folders; the class is the first folder below '{root.name}'."
        notices.append(Notice(kind="nested", message=message))
    n = len(files.ignored)
    message = f"{n} file{'s' * (n > 1)} of another kind passed over, such as {files.ignored[:1]}."
    notices += _notice("ignored", message, files.ignored)
    n = len(files.unlabelled)
    message = f"{n} file{'s' * (n > 1)} in no class folder, kept apart without a label."
    notices += _notice("unlabelled", message, files.unlabelled)
    if splits is not None:
        trained = {label for label, split in zip(labels, splits, strict=True) if split != "test"}
        unseen = sorted(set(labels) - trained)
        notices += _notice(
            "unseen-class", f"the test has classes without a training item: {', '.join(unseen[:5])}.", unseen
        )
    return notices


def _notice(kind: str, message: str, where: Sequence[str]) -> list[Notice]:
    return [Notice(kind=kind, message=message, where=tuple(where[:_N_LISTED]))] if where else []


def _no_files_message(root: Path, files: _Files) -> str:
    n_loose = len(files.unlabelled)
    if n_loose:
        return f"'{root}' holds {n_loose} files but no class folders with files; {_LAYOUT}."
    return f"'{root}' holds no files; {_LAYOUT}."


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122  a string operation, done for every file
