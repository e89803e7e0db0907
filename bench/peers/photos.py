"""A plain torch loop for photos, as one writes it in an hour: every weight trained, AdamW and a cosine, flip and crop.

Ten epochs, batches of 32, a new linear layer on the same EfficientNet-Lite0. Started by bench/peers/compare.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.stopwatch import Stopwatch
from headstart.sources import open_source
from headstart.sources.preprocessors.pixels import ImagePreprocessor

if TYPE_CHECKING:
    import torch

    from headstart.core.dataset import Dataset

EPOCHS, BATCH, RATE, DECAY = 10, 32, 1e-3, 0.01
MARGIN_PX = 32  # photos are decoded so much larger than what the network sees; its usual crop is then the centre


def fine_tune(train: Dataset, test: Dataset, source_name: str, seed: int) -> dict[str, Any]:
    import torch

    watch = Stopwatch()
    torch.manual_seed(seed)
    rng, source = np.random.default_rng(seed), open_source(source_name)
    assert isinstance(source.input, ImagePreprocessor)
    side = source.input.height_px
    larger = ImagePreprocessor(height_px=side + MARGIN_PX, width_px=side + MARGIN_PX, crop_share=1.0)
    photos = larger.transform(train.items)["pixels"]
    targets = torch.from_numpy(train.codes)
    network, head = source.module().train(), torch.nn.Linear(source.dimensions, len(train.labels))
    optimizer = torch.optim.AdamW([*network.parameters(), *head.parameters()], lr=RATE, weight_decay=DECAY)
    n_steps = EPOCHS * math.ceil(len(photos) / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(EPOCHS):
        for rows in np.array_split(rng.permutation(len(photos)), math.ceil(len(photos) / BATCH)):
            outputs = head(network(pixels=torch.from_numpy(augmented(photos[rows], side, rng))))
            loss = torch.nn.functional.cross_entropy(outputs, targets[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types of it
            optimizer.step()
            schedule.step()
    watch.lap("train")
    predicted = predict(network.eval(), head, source.input.transform(test.items)["pixels"])
    watch.lap("predict")
    return {
        "predicted": predicted,
        **watch.seconds,
        "settings": {"epochs": EPOCHS, "batch": BATCH, "learning_rate": RATE},
    }


def augmented(photos: np.ndarray[Any, Any], side: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """A random window of each photo, every other one mirrored: uint8 (n, side, side, 3)."""
    found = np.empty((len(photos), side, side, 3), np.uint8)
    for place, photo in enumerate(photos):
        top, left = rng.integers(0, MARGIN_PX + 1, 2)
        window = photo[top : top + side, left : left + side]
        found[place] = window[:, ::-1] if rng.random() < 0.5 else window
    return found


def predict(network: torch.nn.Module, head: torch.nn.Module, photos: np.ndarray[Any, Any]) -> list[int]:
    import torch

    with torch.no_grad():
        batches = (torch.from_numpy(photos[start : start + BATCH]) for start in range(0, len(photos), BATCH))
        return [int(code) for batch in batches for code in head(network(pixels=batch)).argmax(dim=1)]
