"""Where do everyday photos and texts lie in each source's feature space? Writes the reference beside each card.

And does the distance separate? Each reference dataset against the others, then data that was held out, then data that is
far from everyday, all as multiples of the largest of the first. Features come from the cache where they are known.
Run: .venv/bin/python tools/references.py [--sources NAME,NAME] [--write]
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from headstart.data import demo, load
from headstart.features import embed
from headstart.sources import cards, find, open_source
from headstart.sources.references import FOLDER, Reference, reference_of

N_ITEMS = {"smollm2-135m": 48, "gte-small": 48}  # the slow ones; 100 of each dataset else
DEMOS = Path("demo")
COLUMNS = {"vader": {"target": "domain", "input": "text"}}
VEHICLES = ("airplane", "automobile", "ship", "truck")


def draw(items, n, seed=0):
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[i] for i in order[:n]]


def everyday(modality):
    """Items of the reference data by name: all demos of photos but the digits, all of texts."""
    if modality == "text":
        names = ("bbc", "complaints", "disaster", "movie-reviews", "questions", "sms-spam", "vader")
        return {name: load(demo(name, DEMOS / name), **COLUMNS.get(name, {})).items for name in names}
    found = {name: load(demo(name, DEMOS / name)).items for name in ("groceries", "traffic-lights")}
    tiny = sorted(demo("cifar10", DEMOS / "cifar10").glob("*/*.png"))
    return found | {
        "vehicles": [path for path in tiny if path.parent.name in VEHICLES],
        "animals": [path for path in tiny if path.parent.name not in VEHICLES],
    }


def trials(reference, modality, n):
    """Data to be told apart: other items of the reference data, and what nobody would call everyday."""
    name = "questions" if modality == "text" else "groceries"
    other = {f"{name}, other items": draw(reference[name], n + 48)[n:]}
    return other | (far_texts(reference, n) if modality == "text" else far_photos(reference))


def far_photos(reference):
    from PIL import Image, ImageFilter

    rng = np.random.default_rng(0)
    shelves = [Image.open(path).convert("L") for path in draw(reference["groceries"], 48)]
    edges = [shelf.filter(ImageFilter.FIND_EDGES).point(lambda v: 0 if v > 40 else 255) for shelf in shelves]
    return {
        "handwritten digits": draw(load(demo("digits", DEMOS / "digits")).items, 48),
        "noise": [rng.integers(0, 256, (224, 224, 3), dtype=np.uint8) for _ in range(48)],
        "line drawings (edges of shelf photos)": [np.asarray(edge) for edge in edges],
        "shelf photos without colour": [np.asarray(shelf) for shelf in shelves],
    }


def far_texts(reference, n):
    rng = random.Random(0)
    mixed = [text for name in ("bbc", "vader", "questions") for text in draw(reference[name], n // 3 + 1)]
    code = [path.read_text()[300:900] for path in sorted(Path("src").rglob("*.py"))]
    return {
        "letters of each word shuffled": [
            " ".join("".join(rng.sample(word, len(word))) for word in text[:600].split()) for text in draw(mixed, 48)
        ],
        "Python code": draw(code, 48),
        "numbers": [" ".join(str(rng.randrange(10**6)) for _ in range(12)) for _ in range(48)],
    } | german()


def german():
    """Messages of GNU coreutils in German, where this machine has them."""
    import gettext

    path = Path("/usr/share/locale/de/LC_MESSAGES/coreutils.mo")
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # noqa: SLF001
    texts = [v for k, v in catalogue.items() if isinstance(k, str) and len(v) > 60]
    return {"German (coreutils)": draw(texts, 48)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", help="names with commas between; all by default")
    parser.add_argument("--write", action="store_true", help="keep the references beside the cards")
    options = parser.parse_args()
    names = options.sources.split(",") if options.sources else [card.name for card in cards()]
    for name in names:
        card, n = find(name), N_ITEMS.get(name, 100)
        data = everyday(card.modality)
        source = open_source(card)
        features = {title: embed(draw(items, n), source).values for title, items in data.items()}
        made = Reference.of(list(features.values()))
        if options.write:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / f"{name}.safetensors").write_bytes(made.to_bytes())
        reference = reference_of(card) or made
        print(f"{name}: typical {reference.typical:.3f}", flush=True)
        for title, values in features.items():
            rest = Reference.of([other for key, other in features.items() if key != title])
            print(f"  {title}, against a reference and a bound without it: {rest.distance(values) / rest.typical:.2f}")
        for title, items in trials(data, card.modality, n).items():
            print(f"  {title}: {reference.distance(embed(items, source).values) / reference.typical:.2f}", flush=True)


if __name__ == "__main__":
    main()
