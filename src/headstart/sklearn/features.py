"""Features of a pretrained network as a scikit-learn transformer: X holds texts or photos."""
# ruff: noqa: N803, N806  scikit-learn calls its data X

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import SourceError, require
from headstart.data.recognition import recognise_items
from headstart.data.values import is_null
from headstart.features.embeddings import embed
from headstart.sources.defaults import default_source
from headstart.sources.opening import open_sources

require("sklearn", extra="train", purpose="headstart.sklearn")
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: E402  only once it is known to be there
from sklearn.utils.validation import check_is_fitted  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import NDArray


class TransferFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn texts or images into the features of a pretrained network.

    It learns nothing from X, so it may be fitted on anything of the same kind. Features are kept in the cache by content: the folds of a
    cross-validation cost one forward pass an item altogether.

    Parameters
    ----------
    source : name of a pretrained network, or several as a list or with commas between, whose features are set side by side;
        'auto' for the usual one of texts or of photos

    Attributes
    ----------
    source_ : names of the sources that were taken, in order
    digest_ : identity of their weights and preprocessing; another revision is refused where a saved transformer is loaded
    n_features_out_ : d, the width of the result

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> make_pipeline(TransferFeatures(source="wordllama-256"), LinearSVC())[0]
    TransferFeatures(source='wordllama-256')
    """

    def __init__(self, *, source: str | Sequence[str] = "auto") -> None:
        self.source = source

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Open the source; of X only the kind of its items is looked at.

        Parameters
        ----------
        X : n texts, n paths of images, n images (h, w, 3), or a frame or array of one column of these
        y : not used

        Raises
        ------
        ValueError
            X is a table of several columns, or one of numbers.
        UserError
            No source has that name, or it cannot be fetched.
        """
        items = _items_of(X)
        named = (
            default_source(recognise_items(items)) if isinstance(self.source, str) and self.source == "auto" else None
        )
        opened = open_sources(named or self.source)
        self.source_ = list(opened.parts)
        self.digest_ = opened.digest
        self.n_features_out_ = opened.dimensions
        self._widths = [columns.stop - columns.start for columns in opened.parts.values()]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Embed the items, shape (n, d), float32.

        Raises
        ------
        ValueError
            X is a table of several columns, or one of numbers.
        DataError
            An item cannot be read, or is not of the source's kind.
        SourceError
            The source is another revision than the one that was fitted.
        """
        check_is_fitted(self)
        opened = open_sources(self.source_)
        if opened.digest != self.digest_:
            raise SourceError(
                f"source '{opened.name}' is another than this TransferFeatures was fitted with. Fit it again."
            )
        return embed(_items_of(X), opened)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Name the columns by source and place: 'wordllama-256_0' …, shape (d,)."""
        check_is_fitted(self)
        named = zip(self.source_, self._widths, strict=True)
        return np.array([f"{name}_{i}" for name, width in named for i in range(width)], dtype=object)


def _items_of(X: Any) -> list[Any]:
    """Items as a list: the one column of a table, or a sequence as it is."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if hasattr(X, "columns") and len(X.columns) == 1:
        X = X.iloc[:, 0] if hasattr(X, "iloc") else X[X.columns[0]]
    elif len(shape) == 2 and shape[1] == 1:
        X = np.asarray(X)[:, 0]
    elif len(shape) == 2 or isinstance(X, str | bytes) or not hasattr(X, "__len__"):
        given = f"of shape {shape}" if shape else f"one {type(X).__name__}"
        raise ValueError(
            f"X must be a sequence of texts or images, or one column of them; it is {given}. Choose a column with a ColumnTransformer; a "
            "whole table is for TransferClassifier and TransferRegressor."
        )
    items = list(X)
    present = (item for item in items if not is_null(item))
    if any(isinstance(item, int | float | np.number) for item in islice(present, 1)):
        raise ValueError(
            "X holds numbers; texts or images are needed. Choose their column, or leave numbers to another transformer."
        )
    return items
