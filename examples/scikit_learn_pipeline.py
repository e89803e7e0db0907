"""A transferred classifier as the last step of a scikit-learn pipeline, its settings chosen by a grid search.

python examples/scikit_learn_pipeline.py TABLE TEXT_COLUMN TARGET_COLUMN
"""

import sys

import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from headstart.sklearn import TransferClassifier


def main(table: str, text: str, target: str) -> None:
    rows = pd.read_csv(table)
    without_digits = FunctionTransformer(lambda texts: texts.str.replace(r"\d", "0", regex=True))
    pipeline = make_pipeline(without_digits, TransferClassifier(source="wordllama-256"))
    search = GridSearchCV(pipeline, {"transferclassifier__head": ["ridge", "prototypes"]}, cv=3)
    search.fit(rows[text], rows[target])
    print(search.best_params_, f"accuracy {search.best_score_:.3f} in cross-validation")


if __name__ == "__main__":
    main(*sys.argv[1:])
