"""The photo sources under their own ImageNet classifiers see what is on known photos."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.sources import cards, open_source
from known_photos import known_photo

# numbers of the 1000 classes, in the order of the challenge of 2012
TABBY, TIGER_CAT, EGYPTIAN_CAT, PALACE, ESPRESSO = 281, 282, 285, 698, 967


@pytest.mark.downloads
@pytest.mark.parametrize("card", [card for card in cards() if card.modality == "image"], ids=lambda card: card.name)
def test_known_photos_are_recognised(card):
    from sklearn.datasets import load_sample_image

    source = open_source(card)
    photos = [known_photo("cat"), known_photo("coffee"), load_sample_image("china.jpg")]
    features = source.session().run(None, source.input.transform(photos))[0]
    state = source.state()
    (name,) = (name for name, array in state.items() if array.shape == (1000, source.dimensions))
    scores = features @ state[name].T + state[name.replace("weight", "bias")]
    cat, coffee, summer_palace = np.argmax(scores, axis=1)
    assert cat in (TABBY, TIGER_CAT, EGYPTIAN_CAT)
    assert coffee == ESPRESSO
    assert summer_palace == PALACE
