"""Transfer learning as scikit-learn estimators: X holds texts, photos, columns of a table, or features that are already there."""
# ruff: noqa: E402, N803, N806  scikit-learn calls its data X, and may be imported only once it is known to be there

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, SourceError, require, unknown_name
from headstart.core.tasks.multi_label import MULTI_LABEL
from headstart.core.tasks.regression import REGRESSION
from headstart.core.tasks.single_label import single_label_task
from headstart.data.given import unusable_items
from headstart.data.modalities import get_modality, item_modalities
from headstart.data.readers.frames import frame_columns
from headstart.data.rows import Rows
from headstart.features import embed
from headstart.heads import adapt
from headstart.heads.select import head_names
from headstart.sklearn.groups import group_numbers, join_features, join_items
from headstart.sklearn.labels import check_labels
from headstart.sklearn.rows import cleaned, column_fitted, fields_of, fitted_part, only_column, open_for_fields, rows_of
from headstart.sklearn.tables import TableModel, fit_table, is_table_of_columns
from headstart.sources import FieldSource, JointSource, open_source
from headstart.sources.defaults import default_source

require("sklearn", extra="train", purpose="headstart.sklearn")
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_regressor
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from typing import Self

    from headstart.core.dataset import Field, FloatArray, IntArray, Task
    from headstart.sources import AnySource

__all__ = ["TransferClassifier", "TransferRegressor"]


class _Transfer(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share."""

    def __init__(
        self, *, source: str = "auto", head: str = "auto", preset: str = "fast", random_state: Any = 0
    ) -> None:
        self.source = source
        self.head = head
        self.preset = preset
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Embed the items, choose a head by groups that are held out, and fit it on everything.

        Parameters
        ----------
        X : n texts, n paths of images, n images (h, w, 3), a frame whose columns are such fields, or numbers, categories and dates too, as
            `is_table_of_columns` says, or features of shape (n, d), for which no source is needed
        y : shape (n,) or (n, k)
        groups : shape (n,), items that are held out together; near-duplicates always are

        Raises
        ------
        ValueError
            Features, targets or groups are not as scikit-learn demands, or there is only one class or group.
        UserError
            An item cannot be read, or no source, head or preset has that name.
        """
        if self.head not in head_names():
            raise unknown_name("head", str(self.head), head_names())
        check_labels(y)
        is_table = is_table_of_columns(X)
        items, checks = None if is_table else _items_of(X), {"multi_output": True, "y_numeric": is_regressor(self)}
        if items is None and not is_table:
            X, y = validate_data(self, X, y, **checks)
        else:
            y = validate_data(self, y=y, **checks)
        task, targets = self._targets(y)
        given = None if groups is None else group_numbers(groups)
        check_consistent_length(X if items is None else items, targets, given)
        self.table_: TableModel | None = None
        if is_table:
            return self._fit_table(X, task, targets, given)
        self.fields_ = fields_of(items) if isinstance(items, Rows) else ()
        self.column_ = column_fitted(X)
        source = None if items is None else self._open(items, self.source)
        features = X if source is None else _embed(items, source, self.fields_)
        adapted = adapt(
            features,
            targets,
            task=task,
            groups=join_features(features, given) if source is None else join_items(items, source, self.fields_, given),
            head=self.head,
            seed=_seed_of(self.random_state),
            parts=None if source is None else source.parts,
            are_fields=len(self.fields_) > 1,
        )
        self.head_, self.head_name_ = adapted.head, adapted.head_name
        self.source_ = None if source is None else _name_of(source)
        self.digest_ = None if source is None else source.digest
        return self

    def _fit_table(self, X: Any, task: Task, targets: FloatArray, groups: IntArray | None) -> Self:
        options = {"source": self.source, "head": self.head, "preset": self.preset}
        self.table_ = fitted = fit_table(X, task, targets, groups, **options, seed=_seed_of(self.random_state))
        self.feature_names_in_ = np.array([*frame_columns(X)], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        self.head_name_ = fitted.bundle.manifest["deployed"]
        return self

    def _targets(self, y: Any) -> tuple[Task, FloatArray]:
        raise NotImplementedError

    def _open(self, items: list[Any] | Rows, named: str) -> AnySource:
        if isinstance(items, Rows):
            return open_for_fields(self.fields_, str(named))
        return open_source(self._source_for(items) if named == self.source else named)

    def _source_for(self, items: list[Any]) -> str:
        if self.source != "auto":
            return str(self.source)
        asked = item_modalities()
        supports = (modality for modality in asked if all(map(modality.is_value, items)))
        return default_source(next(supports, asked[-1]).name)

    def _outputs(self, X: Any) -> FloatArray:
        """Probabilities or values, shape (n, k)."""
        check_is_fitted(self)
        if self.table_ is not None:
            return self.table_.outputs(X)
        X = X if self.source_ is None else fitted_part(X, self.fields_, getattr(self, "column_", ""))
        rows = rows_of(X) if self.fields_ else None  # rows of one column are still rows
        items = _items_of(X) if rows is None else rows
        if (items is None) != (self.source_ is None):
            fitted, came = ("texts or images", "none") if items is None else ("features", "texts or images")
            raise DataError(
                f"this {type(self).__name__} was fitted on {fitted}, but X holds {came}. Give what it was fitted on."
            )
        if items is None or self.source_ is None:
            return self.head_.outputs(validate_data(self, X, reset=False))
        if isinstance(items, Rows) != bool(self.fields_):
            raise DataError(
                f"this {type(self).__name__} was fitted on {'a frame' if self.fields_ else 'a list of items'}. Give one."
            )
        source = self._open(items, self.source_)
        if source.digest != self.digest_:
            raise SourceError(
                f"source '{self.source_}' is another than this {type(self).__name__} was fitted with. Fit it again."
            )
        return self.head_.outputs(_embed(items, source, self.fields_))


class TransferClassifier(ClassifierMixin, _Transfer):  # type: ignore[misc]
    """Classify by a calibrated head on the features of a pretrained network.

    Parameters
    ----------
    source : name of a pretrained network; 'auto' for the default one of texts or of photos; for a column of a frame 'COLUMN=NAME'
    head : 'auto' tries every candidate that suits; 'ridge', 'logistic', 'svm', 'prototypes' or 'lda' takes that one
    preset : of a frame of columns, which `headstart.fit` fits: 'fast', 'balanced' or 'best'
    random_state : for the folds of candidates; an int gives the same head for the same data

    Attributes
    ----------
    classes_ : shape (k,), the labels; 0 … k-1 if y was an indicator matrix, where an item may have several
    head_, head_name_, source_ : what was fitted, how it was chosen, and on which network, None for features; of a frame of columns
        only `head_name_`, of what ships
    table_ : the model of a frame of columns; None for anything else
    n_features_in_, feature_names_in_ : only where X held features, or was a frame of columns

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [0.2, 0.9], [1.0, 0.1], [0.8, 0.0]])
    >>> TransferClassifier().fit(X, ["plum", "plum", "kiwi", "kiwi"]).predict([[0.1, 1.1]])
    array(['plum'], dtype='<U4')
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def predict(self, X: Any) -> Any:
        """Predict the likeliest label of each item, shape (n,), or the labels above one half as indicators (n, k)."""
        outputs = self._outputs(X)
        if self._has_several_labels:
            return (outputs > 0.5).astype(np.int64)
        return self.classes_[outputs.argmax(axis=1)]

    def predict_proba(self, X: Any) -> FloatArray:
        """Predict calibrated probabilities, shape (n, k), in the order of `classes_`."""
        return self._outputs(X)

    def _targets(self, y: Any) -> tuple[Task, FloatArray]:
        check_classification_targets(y)
        if type_of_target(y) == "multilabel-indicator":
            targets = check_array(y, accept_sparse=False, dtype=np.float64, ensure_min_samples=2, input_name="y")
            self.classes_ = np.arange(targets.shape[1])
            self._has_several_labels = True
            return MULTI_LABEL.name, targets
        self._has_several_labels = False
        self.classes_, codes = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        k = len(self.classes_)
        if k < 2:
            raise ValueError(
                f"y has one class, '{self.classes_[0]}'; at least 2 are needed. Add items of another class."
            )
        return single_label_task(k).name, np.eye(k)[codes]


class TransferRegressor(RegressorMixin, _Transfer):  # type: ignore[misc]
    """Predict numbers by a ridge head on the features of a pretrained network.

    Parameters and attributes are those of `TransferClassifier`, without `classes_`.

    Examples
    --------
    >>> X = np.arange(8.0)[:, None]
    >>> TransferRegressor().fit(X, 2.0 * X[:, 0]).predict([[3.5]]).round(1)
    array([7.])
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> FloatArray:
        """Predict the values, of the shape of y: (n,) or (n, k)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._y_is_flat else outputs

    def _targets(self, y: Any) -> tuple[Task, FloatArray]:
        y = check_array(y, ensure_2d=False, dtype=np.float64, ensure_min_samples=2, input_name="y")
        self._y_is_flat = y.ndim == 1
        return REGRESSION.name, y.reshape(len(y), -1)


def _name_of(source: AnySource) -> str:
    """What opens it again."""
    if isinstance(source, JointSource):
        return ",".join(f"{part.field}={part.source.name}" for part in source.sources if isinstance(part, FieldSource))
    return source.name


def _items_of(X: Any) -> list[Any] | Rows | None:
    """Texts, paths or images as a list, a frame of such columns as rows; None where X is a table of numbers."""
    if isinstance(X, str | bytes):
        raise DataError(f"X must be a list of items, not one {type(X).__name__}. Write [item].")
    rows = rows_of(X)
    if rows is not None:
        return only_column(rows) or rows
    if not isinstance(X, list | tuple):
        shape: tuple[int, ...] = getattr(X, "shape", ())
        is_column = len(shape) == 2 and shape[1] == 1 and getattr(X, "dtype", np.dtype(float)).kind in "OUS"
        if len(shape) not in (1, 4) and not is_column:
            return None
        X = np.asarray(X).ravel() if is_column else np.asarray(X)
    items = list(X)
    return items if any(one.is_value(item) for item in items for one in item_modalities()) else None


def _embed(items: list[Any] | Rows | None, source: AnySource, fields: tuple[Field, ...]) -> FloatArray:
    assert items is not None
    if isinstance(items, Rows):
        return embed(cleaned(items, fields), source).values
    wrong = unusable_items(items, get_modality(source.modality))
    if wrong:
        raise DataError(f"X[{min(wrong)}]: {wrong[min(wrong)]}")
    return embed(items, source).values


def _seed_of(random_state: Any) -> int:
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
