"""Transfer learning in scikit-learn: estimators that predict, and a transformer that gives features."""

from headstart.sklearn.estimators import TransferClassifier, TransferRegressor
from headstart.sklearn.features import TransferFeatures

__all__ = ["TransferClassifier", "TransferFeatures", "TransferRegressor"]
