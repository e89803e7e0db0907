"""Does a flipped bit in a cache raise, or come back as other content? The goal is never, in 10,000 flips.

Real content of each cache: features of texts, arrays of the result cache, a checkpoint of tuning, the mark of a checked source. A bit is
flipped, what was kept is asked for as any run asks, and the file is put right again. What is read must be equal to
the bit; what is computed again, to rounding. Weights cannot be computed again: they must be refused by name.
Run: .venv/bin/python -m bench.robustness.flips [--flips 10000] [--caches features,results] [--seed 0]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import demo_dataset, spread
from bench.options import names, parse, parser_of
from bench.processes import temporary_cache
from headstart.core.errors import SourceError
from headstart.features.embedding import embed
from headstart.features.store import Store
from headstart.sources import open_source
from headstart.sources.fetching import read_file
from headstart.sources.fingerprint import check_fingerprint
from headstart.storage.files import cache_folder
from headstart.storage.result_cache import ResultCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headstart.sources import Source

SOURCE = "potion-base-8m"
ROUNDING = 1e-5  # a row that is computed again shares its batch with others, which are padded otherwise
SHARE = 0.32
SHARES = {"marks": 0.01, "weights": 0.03}  # a file of a line, and files that are hashed as a whole each time


@dataclass(frozen=True, kw_only=True)
class Cache:
    """One kind of cache, with something in it.

    Attributes
    ----------
    files : those in which a bit is flipped
    ask : gives what was kept, as arrays; computes it again where it is damaged
    is_refused : whether it must be refused instead
    tolerance : how far an array may be from what it was, by name; those not named must be equal to the bit
    """

    files: list[Path]
    ask: Callable[[], dict[str, Any]]
    is_refused: bool = False
    tolerance: Mapping[str, float] = field(default_factory=dict)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--caches", type=names, default=list(CACHES), help=f"of {', '.join(CACHES)}")
    parser.add_argument(
        "--flips", type=int, default=10_000, help="in all caches together, most of them where most is kept"
    )
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parse(parser, flips=60, texts=20)
    rng, n_failed = np.random.default_rng(options.seed), 0
    with temporary_cache() as folder, cache_in_use(folder):
        source = open_source(SOURCE, stream=None)
        for name in options.caches:
            cache = CACHES[name](source, folder, options.texts)
            n_failed += flip_often(name, cache, rng, max(5, round(options.flips * SHARES.get(name, SHARE))))
    print(f"{n_failed} failures")
    sys.exit(bool(n_failed))


@contextmanager
def cache_in_use(folder: Path) -> Iterator[None]:
    """Let this process keep what it computes there."""
    before = os.environ.get("HEADSTART_CACHE")
    os.environ["HEADSTART_CACHE"] = str(folder)
    try:
        yield
    finally:
        del os.environ["HEADSTART_CACHE"]
        if before is not None:
            os.environ["HEADSTART_CACHE"] = before


def flip_often(name: str, cache: Cache, rng: np.random.Generator, n_flips: int) -> int:
    """Flip a bit so many times, print what came of it, and count the failures."""
    expected = cache.ask()
    whole = {path: path.read_bytes() for path in cache.files}
    sizes = np.array([len(content) for content in whole.values()])
    found: Counter[str] = Counter()
    started = time.perf_counter()
    for _ in range(n_flips):
        path = cache.files[rng.choice(len(sizes), p=sizes / sizes.sum())]
        content = bytearray(whole[path])
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        found[outcome(cache, expected)] += 1
        for changed, before in whole.items():
            changed.write_bytes(before)
    n_good = found.pop("refused" if cache.is_refused else "equal", 0)
    took_ms = (time.perf_counter() - started) / max(1, n_flips) * 1e3
    said = "refused by name" if cache.is_refused else "equal content"
    others = "".join(f"; {n} times {what}" for what, n in found.most_common())
    print(f"{name:<12} {n_flips:>6} flips, {n_good:>6} times {said}{others}; {took_ms:.1f} ms each", flush=True)
    return n_flips - n_good


def outcome(cache: Cache, expected: dict[str, Any]) -> str:
    """Ask for what was kept, and say what came."""
    try:
        given = cache.ask()
    except SourceError:
        return "refused"
    except Exception as error:  # noqa: BLE001  what is raised is what is counted
        return f"raised {type(error).__name__}"
    same = given.keys() == expected.keys() and all(
        is_same(given[key], expected[key], cache.tolerance.get(key)) for key in expected
    )
    return "equal" if same else "other content"


def is_same(given: Any, expected: Any, tolerance: float | None) -> bool:
    """Compare to the bit, or to rounding where one is given."""
    if tolerance is None:
        return np.array_equal(given, expected)
    return given.shape == expected.shape and bool(np.abs(given - expected).max() <= tolerance)


def features(source: Source, folder: Path, n_texts: int) -> Cache:  # noqa: ARG001
    """Features of texts, and the index of their keys."""
    texts = spread(list(demo_dataset("questions").items), n_texts)
    session, place = source.session(), cache_folder() / "features" / source.digest
    keys = embed(texts, source, open_session=lambda: session).keys
    store = Store(place, source.dimensions)
    kept = store.read(store.find(keys))

    def ask() -> dict[str, Any]:
        read = store.read(store.find(keys))
        is_missing = np.isnan(read[:, 0])
        read[is_missing] = kept[is_missing]
        return {"read": read, "computed": embed(texts, source, open_session=lambda: session).values}

    return Cache(files=[place / "data.f32", place / "index"], ask=ask, tolerance={"computed": ROUNDING})


def results(source: Source, folder: Path, n_texts: int) -> Cache:
    """Arrays of numbers and of texts, as long steps keep them."""
    arrays = {
        "outputs": np.random.default_rng(0).normal(size=(n_texts, 6)),
        "names": np.array([f"label {i}" for i in range(6)]),
        "best": np.array(3),
    }
    cache = ResultCache(folder / "results")

    def ask() -> dict[str, Any]:
        return cache.get_or_compute((source.digest, n_texts), lambda: arrays)

    ask()
    return Cache(files=list((folder / "results").iterdir()), ask=ask)


def checkpoints(source: Source, folder: Path, n_texts: int) -> Cache:  # noqa: ARG001
    """Weights and moments of a training run; where they are damaged, it begins anew and comes to the same."""
    import torch

    from headstart.tuning import checkpoint

    checkpoint.INTERVAL_S = 0.0
    path = folder / "tuning" / "run.safetensors"

    def trained(n_steps: int) -> tuple[Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = Linear()
        optimiser = torch.optim.AdamW([{"params": [one]} for one in model.trainable_parameters().values()], lr=0.1)
        for _ in range(n_steps):
            loss = torch.stack([array.square().sum() for array in model.trainable_parameters().values()]).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            optimiser.zero_grad()
        return model, optimiser

    def ask() -> dict[str, Any]:
        model, optimiser = trained(0)
        kept: Any = checkpoint.Checkpoint(path)
        _, step, _ = kept.restore(model, optimiser)
        if step == 0:
            model, optimiser = trained(3)
            kept.keep(model, optimiser, (1.0, 0.5), 3, [np.ones(4)])
        return {name: array.numpy() for name, array in model.weights().items()}

    class Linear(torch.nn.Linear):
        """What a checkpoint needs of a model."""

        def __init__(self) -> None:
            super().__init__(16, 4)

        def trainable_parameters(self) -> dict[str, torch.nn.Parameter]:
            return dict(self.named_parameters())

        def weights(self) -> dict[str, torch.Tensor]:
            return {name: array.detach().clone() for name, array in self.named_parameters()}

        def load(self, weights: dict[str, torch.Tensor]) -> None:
            self.load_state_dict(weights)

    ask()
    return Cache(files=[path], ask=ask)


def marks(source: Source, folder: Path, n_texts: int) -> Cache:  # noqa: ARG001
    """That a source's features were checked; where it is damaged, they are checked again."""
    place = Path(tempfile.mkdtemp(dir=folder))

    def ask() -> dict[str, Any]:
        check_fingerprint(source, place)
        return {path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in place.iterdir()}

    ask()
    return Cache(files=list(place.iterdir()), ask=ask)


def weights(source: Source, folder: Path, n_texts: int) -> Cache:  # noqa: ARG001
    """The files of a source, copied: what is not as its card says must never be used."""
    place = Path(tempfile.mkdtemp(dir=folder))
    for name in source.card.files:
        (place / name).write_bytes(read_file(source.card, source.folder, name))

    def ask() -> dict[str, Any]:
        return {name: np.frombuffer(read_file(source.card, place, name), np.uint8) for name in source.card.files}

    return Cache(files=list(place.iterdir()), ask=ask, is_refused=True)


CACHES: dict[str, Callable[[Source, Path, int], Cache]] = {
    "features": features,
    "results": results,
    "checkpoints": checkpoints,
    "marks": marks,
    "weights": weights,
}


if __name__ == "__main__":
    main()
