"""Where do everyday photos and texts lie in each source's feature space? Writes the reference beside each card.

And does the distance separate? Each reference dataset against the others, then data that was held out, then data that is
far from everyday, all as multiples of the largest of the first. Features come from the cache where they are known.
Run: .venv/bin/python -m tools.references [--sources NAME,NAME] [--write]
"""

from __future__ import annotations

import gettext
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

from bench.demos import demo_dataset, demo_folder
from bench.options import names, parse, parser_of
from headstart.features import embed
from headstart.sources import cards, find, open_source
from headstart.sources.references import FOLDER, Reference, reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.core.dataset import FloatArray
    from headstart.sources import Source

    Items = Sequence[Any]

N_ITEMS = 100  # of each dataset
N_SLOW = {"smollm2-135m": 48, "gte-small": 48}
N_TRIAL = 48
COLUMNS = {"vader": {"target": "domain", "input": "text"}}
TEXTS = ("bbc", "complaints", "disaster", "movie-reviews", "questions", "sms-spam", "vader")
VEHICLES = ("airplane", "automobile", "ship", "truck")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--sources", type=names, default=[card.name for card in cards() if not card.is_in_context])
    parser.add_argument("--items", type=int, default=N_ITEMS, help="of each dataset, at most")
    parser.add_argument("--write", action="store_true", help="keep the references beside the cards")
    options = parse(parser, sources=["wordllama-256"], items=20)
    if options.write and options.quick:
        parser.error("a quick run is not written")
    for name in options.sources:
        measure(name, min(options.items, N_SLOW.get(name, N_ITEMS)), write=options.write)


def measure(name: str, n: int, *, write: bool) -> None:
    """Make the reference of a source, and print how far it sets everything apart."""
    card, source = find(name), open_source(name)
    data = everyday(card.modality)
    features = {title: features_of(draw(items, n), source) for title, items in data.items()}
    made = Reference.of(list(features.values()))
    if write:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.safetensors").write_bytes(made.to_bytes())
    reference = reference_of(card) or made
    print(f"{name}: typical {reference.typical:.3f}", flush=True)
    for title, values in features.items():
        rest = Reference.of([other for key, other in features.items() if key != title])
        print(f"  {title}, against a reference and a bound without it: {rest.distance(values) / rest.typical:.2f}")
    for title, items in trials(data, card.modality, n).items():
        distance = reference.distance(features_of(items, source))
        print(f"  {title}: {distance / reference.typical:.2f}", flush=True)


def features_of(items: Items, source: Source) -> FloatArray:
    return embed(items, source).values


def draw(items: Items, n: int) -> list[Any]:
    """So many items, always the same."""
    return [items[i] for i in np.random.default_rng(0).permutation(len(items))[:n]]


def everyday(modality: str) -> dict[str, Items]:
    """Items of the reference data by name: all demos of photos but the digits, all of texts."""
    if modality == "text":
        return {name: demo_dataset(name, columns=COLUMNS.get(name)).items for name in TEXTS}
    tiny = sorted(demo_folder("cifar10").glob("*/*.png"))
    return {name: demo_dataset(name).items for name in ("groceries", "traffic-lights")} | {
        "vehicles": [path for path in tiny if path.parent.name in VEHICLES],
        "animals": [path for path in tiny if path.parent.name not in VEHICLES],
    }


def trials(reference: Mapping[str, Items], modality: str, n: int) -> dict[str, Items]:
    """Data to be told apart: other items of the reference data, and what nobody would call everyday."""
    name = "questions" if modality == "text" else "groceries"
    other: dict[str, Items] = {f"{name}, other items": draw(reference[name], n + N_TRIAL)[n:]}
    return other | (far_texts(reference, n) if modality == "text" else far_photos(reference))


def far_photos(reference: Mapping[str, Items]) -> dict[str, Items]:
    rng = np.random.default_rng(0)
    shelves = [Image.open(path).convert("L") for path in draw(reference["groceries"], N_TRIAL)]
    edges = [shelf.filter(ImageFilter.FIND_EDGES).point(lambda v: 0 if v > 40 else 255) for shelf in shelves]
    return {
        "handwritten digits": draw(demo_dataset("digits").items, N_TRIAL),
        "noise": [rng.integers(0, 256, (224, 224, 3), dtype=np.uint8) for _ in range(N_TRIAL)],
        "line drawings (edges of shelf photos)": [np.asarray(edge) for edge in edges],
        "shelf photos without color": [np.asarray(shelf) for shelf in shelves],
    }


def far_texts(reference: Mapping[str, Items], n: int) -> dict[str, Items]:
    rng = random.Random(0)
    mixed = [text for name in ("bbc", "vader", "questions") for text in draw(reference[name], n // 3 + 1)]
    code = [path.read_text()[300:900] for path in sorted(Path("src").rglob("*.py"))]
    shuffled = [
        " ".join("".join(rng.sample(word, len(word))) for word in text[:600].split()) for text in draw(mixed, N_TRIAL)
    ]
    numbers = [" ".join(str(rng.randrange(10**6)) for _ in range(12)) for _ in range(N_TRIAL)]
    german = german_messages()
    return {
        "letters of each word shuffled": shuffled,
        "Python code": draw(code, N_TRIAL),
        "numbers": numbers,
        **({"German (coreutils)": draw(german, N_TRIAL)} if german else {}),
    }


def german_messages() -> list[str]:
    """Messages of GNU coreutils in German, where this machine has them."""
    path = Path("/usr/share/locale/de/LC_MESSAGES/coreutils.mo")
    if not path.is_file():
        return []
    with path.open("rb") as file:
        catalogue: dict[Any, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    return [text for key, text in catalogue.items() if isinstance(key, str) and len(text) > 60]


if __name__ == "__main__":
    main()
