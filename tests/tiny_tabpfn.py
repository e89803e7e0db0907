"""TabPFN in miniature, with random weights: 6 columns, 4 classes, two layers of width 8."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import tiny
from headstart.sources.card import WEIGHTS
from headstart.sources.in_context import InContextSource
from headstart.sources.weights import to_safetensors

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HIDDEN, COLUMNS, CLASSES = 8, 12, 6, 4
NETWORK = {"heads": 2, "max_rows": 40, "max_columns": COLUMNS, "max_classes": CLASSES}


def state(seed: int = 0) -> dict[str, np.ndarray]:
    """Random arrays with the names of the real ones."""
    shapes = {"module.criterion.weight": (CLASSES,), **_dense("module.encoder", WIDTH, COLUMNS)}
    shapes |= _dense("module.y_encoder", WIDTH, 1)
    shapes |= _dense("module.decoder.0", HIDDEN, WIDTH) | _dense("module.decoder.2", CLASSES, HIDDEN)
    for i in range(2):
        prefix = f"module.transformer_encoder.layers.{i}."
        shapes |= {
            f"{prefix}self_attn.in_proj_weight": (3 * WIDTH, WIDTH),
            f"{prefix}self_attn.in_proj_bias": (3 * WIDTH,),
        }
        shapes |= _dense(f"{prefix}self_attn.out_proj", WIDTH, WIDTH)
        shapes |= _dense(f"{prefix}linear1", HIDDEN, WIDTH) | _dense(f"{prefix}linear2", WIDTH, HIDDEN)
        shapes |= {f"{prefix}norm{j}.{part}": (WIDTH,) for j in (1, 2) for part in ("weight", "bias")}
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()}


def source(folder: Path) -> InContextSource:
    """A source whose files lie in `folder`, without having been fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    content = to_safetensors(state())
    (folder / WEIGHTS).write_bytes(content)
    card = replace(
        tiny.card("bert"),
        name="tiny-tabpfn",
        modality="row",
        architecture="tabpfn",
        dimensions=CLASSES,
        input={"kind": "columns"},
        network=NETWORK,
        files={WEIGHTS: hashlib.sha256(content).hexdigest()},
    )
    return InContextSource(card, folder)


def _dense(name: str, n_out: int, n_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}
