"""What augmentation promises: chance comes from the generator alone, and an item stays recognisable."""

import numpy as np
import pytest
import torch

import missing
import tiny
from headstart.core.errors import OptionError
from headstart.tuning.augmentation import KINDS, augment, is_cacheable

SENTENCES = ["the kiwi is good", "a", "", "start the race before the bad apple is given"]


def photos(n=400):
    from sklearn.datasets import load_sample_images

    china, flower = load_sample_images().images
    corners = np.random.default_rng(0).integers(0, 300, (n, 2))
    return torch.from_numpy(
        np.stack([(china if i % 2 else flower)[y : y + 64, x : x + 48] for i, (y, x) in enumerate(corners)])
    )


def texts(folder):
    prepared = tiny.source("bert", folder).input.transform(SENTENCES * 200)
    return {name: torch.from_numpy(array) for name, array in prepared.items()}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=["photos", "texts"])
def batch(request, tmp_path):
    return {"pixels": photos(40)} if request.param == "photos" else texts(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_the_same_state_gives_the_same_bits(self, kind, batch):
        torch.manual_seed(1)
        first = augment(batch, kind, generator())
        torch.manual_seed(2)
        again, other = augment(batch, kind, generator()), augment(batch, kind, generator(1))
        assert all(torch.equal(first[name], again[name]) for name in batch)
        changes = kind == "light" or (kind in ("flip", "crop") and "pixels" in batch)
        assert any(not torch.equal(first[name], other[name]) for name in batch) == changes

    def test_leaves_the_batch_and_its_form_alone(self, kind, batch):
        before = {name: tensor.clone() for name, tensor in batch.items()}
        after = augment(batch, kind, generator())
        assert all(torch.equal(before[name], batch[name]) for name in batch)
        assert {name: (t.shape, t.dtype) for name, t in after.items()} == {
            name: (t.shape, t.dtype) for name, t in batch.items()
        }

    def test_an_empty_batch_stays_empty(self, kind, batch):
        nothing = {name: tensor[:0] for name, tensor in batch.items()}
        assert all(len(tensor) == 0 for tensor in augment(nothing, kind, generator()).values())


def test_only_few_views_are_cached():
    assert [kind for kind in KINDS if is_cacheable(kind)] == ["none", "flip"]


@pytest.mark.parametrize(("resolution", "side"), [(0.72, 160), (0.5, 128), (1.0, 224)])
def test_crops_have_a_side_that_networks_can_halve(resolution, side):
    batch = {"pixels": torch.zeros((2, 224, 224, 3), dtype=torch.uint8)}
    assert augment(batch, "crop", generator(), resolution=resolution)["pixels"].shape == (2, side, side, 3)


def test_a_crop_is_a_window_of_the_photo():
    ramp = (
        torch.arange(64, dtype=torch.uint8).repeat(200, 64, 1)[..., None].repeat(1, 1, 1, 3)
    )  # brightness is the column
    rows = augment({"pixels": ramp}, "crop", generator())["pixels"][:, 32, :, 0].float()
    width = (rows[:, -1] - rows[:, 0]).abs() / 63
    assert 0.6 < width.min() < 0.72
    assert 0.98 < width.max() <= 1
    is_mirrored = rows[:, -1] < rows[:, 0]
    assert 0.35 < is_mirrored.float().mean() < 0.65
    steps = (rows[:, 1:] - rows[:, :-1]) * torch.where(is_mirrored, -1, 1)[:, None]
    assert steps.min() >= 0


def test_half_of_the_photos_are_mirrored():
    before = photos()
    after = augment({"pixels": before}, "flip", generator())["pixels"]
    as_they_were = (after == before).flatten(1).all(1)
    mirrored = (after == before.flip(2)).flatten(1).all(1)
    assert (as_they_were ^ mirrored).all()
    assert 0.4 < mirrored.float().mean() < 0.6


def test_light_moves_recolours_and_erases_but_keeps_the_photo():
    before = photos()
    after = augment({"pixels": before}, "light", generator())["pixels"]
    assert (after != before).flatten(1).any(1).all()
    means = [x.float().mean((1, 2, 3)) for x in (before, after)]
    assert torch.corrcoef(torch.stack(means))[0, 1] > 0.5
    assert (means[0] - means[1]).abs().max() < 128
    grey = (after == 128).all(3)
    erased = grey.any(1).any(1) & ~grey.all(1).all(1)
    assert erased.float().mean() > 0.15


def test_a_tenth_of_the_inner_tokens_is_hidden_and_never_an_end(tmp_path):
    batch = texts(tmp_path)
    before, after = batch["attention_mask"], augment(batch, "light", generator())["attention_mask"]
    assert torch.equal(augment(batch, "light", generator())["input_ids"], batch["input_ids"])
    hidden = (before - after).bool()
    assert not (after > before).any()
    lengths = before.sum(1)
    assert not hidden[:, 0].any()
    assert not hidden[torch.arange(len(lengths)), (lengths - 1).clamp(min=0)].any()
    inner = (lengths - 2).clamp(min=0).sum()
    assert 0.07 < hidden.sum() / inner < 0.13
    assert torch.equal(after.sum(1) > 0, lengths > 0)


def test_a_hidden_token_is_seen_by_nothing(tmp_path):
    """Features do not change with what stands where the mask is zero."""
    module, batch = tiny.source("bert", tmp_path).module(), texts(tmp_path)
    thinned = augment(batch, "light", generator())
    hidden = batch["attention_mask"] > thinned["attention_mask"]
    with torch.no_grad():
        found = module(**thinned)
        other = module(**thinned | {"input_ids": batch["input_ids"].masked_fill(hidden, 1)})
    torch.testing.assert_close(found, other)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(OptionError, match="no augmentation named 'fllip'. Did you mean 'flip'"):
        augment({"pixels": photos(1)}, "fllip", generator())


@missing.needs("gpu", present=torch.cuda.is_available())
def test_a_gpu_draws_what_a_cpu_draws():
    here = augment({"pixels": photos(8)}, "light", generator())["pixels"].int()
    there = augment({"pixels": photos(8).cuda()}, "light", generator())["pixels"].cpu().int()
    assert (here - there).abs().float().mean() < 0.1
