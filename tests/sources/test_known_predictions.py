"""The photo sources under their own ImageNet classifiers see what is on known photos."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.sources import cards, open_source
from known_photos import known_photo

# numbers of the 1000 classes, in the order of the challenge of 2012
EXPECTED = {"cat": {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"}, "coffee": {967: "espresso"}}


@pytest.mark.downloads
@pytest.mark.parametrize("card", [card for card in cards() if card.modality == "image"], ids=lambda card: card.name)
@pytest.mark.parametrize("photo", EXPECTED)
def test_known_photo_is_recognised(card, photo):
    source = open_source(card)
    features = source.session().run(None, source.input.prepare([known_photo(photo)]))[0]
    state = source.state()
    (name,) = (name for name, array in state.items() if array.shape == (1000, source.dimensions))
    scores = features @ state[name].T + state[name.replace("weight", "bias")]
    assert int(np.argmax(scores)) in EXPECTED[photo]
