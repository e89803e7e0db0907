"""Embeddings of real texts and photos by real networks."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import headstart
from headstart.sklearn import TransferFeatures

pytestmark = pytest.mark.downloads


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_texts_are_near_their_like(fetched_cache):
    texts = ["my parcel never came", "the package was not delivered", "how do I bake bread?"]
    vectors = headstart.embed(texts)
    assert vectors.shape == (3, 384)
    likeness = unit(vectors) @ unit(vectors).T
    assert likeness[0, 1] > likeness[0, 2] + 0.3


def test_photos_are_near_their_like(fetched_cache, small_data):
    kinds = np.array([path.parent.name for path in sorted((small_data / "photos").rglob("*.*"))])
    vectors = unit(headstart.embed(small_data / "photos", "mobilenet-v2"))
    nearest = (vectors @ vectors.T - 2 * np.eye(len(vectors))).argmax(axis=1)
    assert (kinds[nearest] == kinds).mean() > 0.8


def test_the_command_says_what_it_took(fetched_cache, small_data, tmp_path):
    out = tmp_path / "v.parquet"
    words = [small_data / "tickets.csv", "--source", "wordllama-256,all-minilm-l6-v2", "--out", out, "--json"]
    command = [sys.executable, "-c", "from headstart.cli import main; main()", "embed", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert (figures["n"], figures["dimensions"]) == (90, 640)
    assert figures["source"] == "wordllama-256 and all-minilm-l6-v2"
    assert parquet.read_table(out).column_names == ["item", "text", "product", "embedding"]


def test_a_bundle_gives_the_features_of_its_source(fetched_cache, small_data):
    texts = ["They charged my card twice.", "My mortgage was sold."]
    model = headstart.load_bundle(small_data / "tickets-model")
    np.testing.assert_allclose(model.features(texts), headstart.embed(texts, "wordllama-256"), atol=1e-4)


def test_a_pipeline_of_scikit_learn(fetched_cache, small_data):
    tickets = pd.read_csv(small_data / "tickets.csv")
    pipeline = make_pipeline(TransferFeatures(source="all-minilm-l6-v2"), LogisticRegression(C=10, max_iter=1000))
    assert cross_val_score(pipeline, tickets["text"], tickets["product"], cv=3).mean() > 0.7
