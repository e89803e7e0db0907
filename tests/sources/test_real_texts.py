"""What is known of the networks for texts shows on real texts."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.sources import cards, open_source

pytestmark = pytest.mark.downloads

N_CLASSES, N_PER_CLASS, LENGTH = 5, 20, 160


@pytest.mark.parametrize("card", [card for card in cards() if card.modality == "text"], ids=lambda card: card.name)
def test_the_nearest_article_is_of_the_same_section(card, real_data):
    sections = sorted(folder for folder in real_data("bbc").iterdir() if folder.is_dir())
    assert len(sections) == N_CLASSES
    paths = [path for section in sections for path in sorted(section.glob("*.txt"))[::10][:N_PER_CLASS]]
    texts = [path.read_text("utf-8", "replace")[:LENGTH] for path in paths]
    nearest = _nearest(_features(open_source(card, stream=None), texts))
    same = np.mean([paths[i].parent == paths[j].parent for i, j in enumerate(nearest)])
    assert len(texts) == N_CLASSES * N_PER_CLASS
    assert same > 0.6  # by chance 0.2


@pytest.fixture(scope="module")
def smollm2():
    return open_source("smollm2-135m", stream=None)


def test_smollm2_reads_the_tokens_that_transformers_reads(smollm2):
    """Ids by `transformers` 5.23 from the same file."""
    batch = smollm2.input.transform(["  two  spaces\n\nand 12345 don't, Привет 你好 🙂"])
    expected = [216, 827, 216, 5600, 198, 198, 397, 216, 33, 34, 35, 36, 37, 1326, 982, 28, 5470, 249, 46879, 16464]
    expected += [32547, 216, 18645, 250, 48392, 138, 47526]
    assert batch["input_ids"][0].tolist() == expected


def test_smollm2_knows_the_capital_of_france(smollm2):
    """A token's last state is a difference of means, for it sees only what stands before; the table tells the next token."""
    texts = ["The capital of France is", "The capital of France"]
    whole, shorter = _features(smollm2, texts)
    n = int(smollm2.input.transform(texts[:1])["attention_mask"].sum())
    state = n * whole - (n - 1) * shorter
    scores = smollm2.state()["embed_tokens.weight"].astype(np.float32) @ state
    paris, rome = (smollm2.input.transform([f" {city}"])["input_ids"][0, 0] for city in ("Paris", "Rome"))
    assert scores.argmax() == paris
    assert scores[paris] > scores[rome] + 2


def _features(source, texts) -> np.ndarray:
    session = source.session()
    return np.concatenate([session.run(None, source.input.transform([text]))[0] for text in texts])


def _nearest(features) -> np.ndarray:
    centred = features - features.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    return cosines.argmax(axis=1)
