"""A tuned source in a bundle: its record, its adapter, and the bundle as the next task's source."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save
from tiny_bundle import make_report, make_schema

import tiny
from headstart.compression.compression_section import CompressionSection
from headstart.core.errors import InternalError, SourceError
from headstart.core.tasks import get_task
from headstart.evaluation.mixed import Mixed, MixedNetwork, mix, of_scores
from headstart.features import embed
from headstart.features.encoders.characters import CharacterEncoder
from headstart.heads import adapt
from headstart.heads.transferred import Transferred
from headstart.packaging import load_bundle, write
from headstart.packaging.adapter import ADAPTER, apply_adapter, pack_adapter, read_adapter
from headstart.packaging.packed import rewrite, unpack
from headstart.sources import TunedSource, add, find, open_source
from headstart.sources.networks.torch import state_of

MADE = {"method": "lora", "settings": {"rank": 2}, "alpha": 1.0, "seed": 0, "dataset": "shelves"}
RNG = np.random.default_rng(0)
TEXTS = [" ".join(RNG.choice(tiny.WORDS[4:], 5)) for _ in range(40)]
LAYER = "encoder.layer.0.output.dense"


def low_rank(parent, layer, scale=0.1, rank=2):
    """Both matrices of LoRA for a layer."""
    rng, shape = np.random.default_rng(1), parent.state()[f"{layer}.weight"].shape
    inner = rng.normal(size=(rank, *shape[1:])).astype(np.float32)
    outer = (scale * rng.normal(size=(shape[0], rank, *(1 for _ in shape[2:])))).astype(np.float32)
    return {f"{layer}.lora_A.weight": inner, f"{layer}.lora_B.weight": outer}


def tuned_whole(parent):
    state = {name: array * np.float32(1.25) for name, array in state_of(parent.module()).items() if "LayerNorm" in name}
    return TunedSource(parent, state, made={**MADE, "method": "fine-tune"})


def tuned_by_adapter(parent):
    return apply_adapter(parent, low_rank(parent, LAYER), made=MADE)


def bundle_of(network, folder, predictor=None, **report):
    codes = np.array(["kiwi" in text or "race" in text for text in TEXTS], int)
    adapted = adapt(
        embed(TEXTS, network).values, np.eye(2)[codes], task="binary", groups=np.arange(len(TEXTS)), head="ridge"
    )
    predictor = predictor or Transferred(name="tuned", network=network, head=adapted.head)
    labels = ("other", "fruit or race")
    return write(
        folder,
        predictor=predictor,
        report=make_report(
            task="binary", labels=labels, deployed="tuned", source=network.name, card=network.describe(), **report
        ),
        schema=make_schema(modality="text", task="binary", labels=labels),
        check_items=TEXTS[:8],
    )


def mean_of(sources):
    """The mean of a head on each network and of a linear model on characters."""
    targets = np.eye(2)[np.array(["kiwi" in text or "race" in text for text in TEXTS], int)]
    link = get_task("binary").link
    models = []
    for source in sources:
        head = adapt(
            embed(TEXTS, source).values, targets, task="binary", groups=np.arange(len(TEXTS)), head="ridge"
        ).head
        models.append(Mixed(name=source.name, network=MixedNetwork(sources=(source,), scorers=()), head=head))
    encoder = CharacterEncoder().fit(TEXTS)
    coef = RNG.normal(size=(encoder.encode(TEXTS).shape[1], 2))
    models.append(of_scores("characters", encoder.scoring(coef), np.zeros(2), link))
    return mix("mean", models, [1 / len(models)] * len(models))


def rewritten(folder, to):
    """What compression writes, of the same network."""
    packed, score = unpack(folder), make_report().evaluation.metric
    nothing = CompressionSection(
        name="nothing",
        methods=(),
        size_mib=packed.size_mib,
        latency={},
        gain=score,
        metric=score,
        goal={"tolerance": 0.01},
        evaluation="not at all",
        original_mib=packed.size_mib,
        original=score,
        sentence="Nothing was tried.",
        trials=(),
    )
    return rewrite(to, packed, original=folder, checked={}, compression=nothing)


@pytest.fixture
def parent(tmp_path, monkeypatch):
    card = tiny.open_all(["bert"], tmp_path, monkeypatch)["tiny-bert"]
    monkeypatch.setattr("headstart.sources.built_in._known", lambda: {card.name: card})
    return open_source(card)


class TestAdapter:
    @pytest.mark.parametrize(
        ("architecture", "layer"),
        [
            ("bert", LAYER),
            ("resnet", "res2a_branch2b"),
            ("efficientnet-lite", "_conv_head"),
            ("llama", "layers.0.mlp.up_proj"),
        ],
    )
    def test_base_and_adapter_are_the_merged_weights(self, architecture, layer, tmp_path):
        base = tiny.source(architecture, tmp_path)
        arrays, before = low_rank(base, layer), base.state()[f"{layer}.weight"]
        inner, outer = (arrays[f"{layer}.lora_{side}.weight"] for side in "AB")
        merged = before + np.einsum("or,r...->o...", outer.reshape(len(before), -1), inner)
        whole = TunedSource(base, {f"{layer}.weight": merged}, made=MADE, adapter=arrays)
        again = read_adapter(pack_adapter(whole)).into(base)
        assert again.made == MADE
        assert not np.array_equal(merged, before)
        for name, array in whole.state().items():
            np.testing.assert_allclose(again.state()[name], array, atol=1e-5)

    def test_without_a_small_one_the_tuned_arrays_are_kept(self, parent):
        whole = tuned_whole(parent)
        again = read_adapter(pack_adapter(whole)).into(parent)
        assert set(again.adapter) == set(whole.tuned)
        assert again.digest == whole.digest

    def test_one_that_gives_other_weights_is_not_written(self, parent):
        wrong = TunedSource(parent, tuned_whole(parent).tuned, made=MADE, adapter=low_rank(parent, LAYER))
        with pytest.raises(InternalError, match="off the tuned weights"):
            pack_adapter(wrong)

    def test_it_is_refused_by_another_base(self, parent):
        with pytest.raises(SourceError, match="made for tiny-bert with other weights"):
            read_adapter(pack_adapter(tuned_whole(parent))).into(parent.with_random_weights(1))

    @pytest.mark.parametrize("lacks", ["lora_A", "lora_B"])
    def test_halves_and_other_shapes_are_refused(self, parent, lacks):
        arrays = low_rank(parent, LAYER)
        with pytest.raises(SourceError, match=f"of '{LAYER}' does not fit tiny-bert"):
            apply_adapter(parent, {**arrays, f"{LAYER}.{lacks}.weight": np.ones((3, 5), np.float32)}, made=MADE)

    @pytest.mark.parametrize("record", [None, "[]", "{", '{"parent": {"name": "x", "digest": "y"}}', '{"parent": 3}'])
    def test_a_file_that_is_none_is_refused(self, record):
        arrays = {"x": np.zeros(3, np.float32)}
        with pytest.raises(SourceError, match="no adapter of a bundle's"):
            read_adapter(save(arrays, None if record is None else {"tuned": record}))


class TestBundle:
    def test_it_records_parent_and_tuning(self, parent, tmp_path):
        whole = tuned_by_adapter(parent)
        folder = bundle_of(whole, tmp_path / "out")
        bundle = load_bundle(folder)
        record = {"parent": {"name": "tiny-bert", "digest": parent.digest}, **MADE}
        assert bundle.manifest["tuned"] == bundle.report.package.card["tuned"] == record
        assert bundle.manifest["checked"]["max_difference"] < 1e-4
        assert set(load_file(folder / ADAPTER)) == set(low_rank(parent, LAYER))
        assert read_adapter((folder / ADAPTER).read_bytes()).parent == record["parent"]

    def test_one_of_a_source_as_it_came_has_none(self, parent, tmp_path):
        bundle = load_bundle(bundle_of(parent, tmp_path / "out"))
        assert "tuned" not in bundle.manifest
        assert ADAPTER not in bundle.manifest["files"]

    def test_the_same_arguments_give_the_same_bytes(self, parent):
        assert len({pack_adapter(tuned_by_adapter(parent)) for _ in range(5)}) == 1

    def test_rewritten_it_keeps_the_record_and_leaves_the_adapter_out(self, parent, tmp_path):
        folder = bundle_of(tuned_by_adapter(parent), tmp_path / "out")
        bundle = load_bundle(rewritten(folder, tmp_path / "smaller"))
        assert bundle.manifest["tuned"] == load_bundle(folder).manifest["tuned"]
        assert ADAPTER not in bundle.manifest["files"]


class TestAsSource:
    @pytest.mark.parametrize("make", [tuned_whole, tuned_by_adapter])
    def test_it_is_the_tuned_network_and_can_be_tuned_further(self, make, parent, tmp_path):
        whole = make(parent)
        card = add(bundle_of(whole, tmp_path / "Shelves"))
        assert card.architecture == "bert"
        assert card.license == "Apache-2.0"
        assert card.trained_on == "nothing; then tuned on shelves"
        assert card.provenance["parent"]["source"] == whole.name
        assert card.provenance["parent"]["tuned"]["parent"]["name"] == "tiny-bert"
        added = open_source("shelves")
        np.testing.assert_allclose(embed(TEXTS, added).values, embed(TEXTS, whole).values, atol=1e-5)
        again = tuned_whole(added)
        assert again.record()["parent"] == {"name": "shelves", "digest": added.digest}
        third = add(bundle_of(again, tmp_path / "third"))
        assert third.trained_on == "nothing; then tuned on shelves; then tuned on shelves"
        np.testing.assert_allclose(embed(TEXTS, open_source("third")).values, embed(TEXTS, again).values, atol=1e-5)

    def test_where_the_base_is_not_known_its_features_are_used(self, parent, tmp_path, monkeypatch):
        whole = tuned_by_adapter(parent)
        folder = bundle_of(whole, tmp_path / "shelves")
        monkeypatch.setattr("headstart.sources.built_in._known", dict)
        card = add(folder)
        assert card.architecture == "onnx-file"
        assert "'tiny-bert' that it was tuned from is not known here" in card.provenance["notes"][-1]
        np.testing.assert_allclose(embed(TEXTS, open_source("shelves")).values, embed(TEXTS, whole).values, atol=1e-5)

    def test_a_bundle_without_its_adapter_gives_its_features(self, parent, tmp_path):
        whole = tuned_whole(parent)
        folder = bundle_of(whole, tmp_path / "out")
        assert add(rewritten(folder, tmp_path / "smaller")).architecture == "onnx-file"
        assert find("smaller").provenance["parent"]["tuned"]["method"] == "fine-tune"


class TestMean:
    def test_the_tuned_network_is_recorded_and_read_first(self, parent, tmp_path):
        whole = tuned_by_adapter(parent)
        mean = mean_of([parent, whole])
        assert mean.network.sources == (whole, parent)
        bundle = load_bundle(folder := bundle_of(whole, tmp_path / "shelves", mean))
        assert bundle.manifest["tuned"] == whole.record()
        np.testing.assert_allclose(bundle.predict_proba(TEXTS), mean.predict(TEXTS), atol=1e-4)
        features = np.concatenate([embed(TEXTS, one).values for one in (whole, parent)], axis=1)
        np.testing.assert_allclose(bundle.features(TEXTS), features, atol=1e-4)
        card = add(folder)
        assert card.architecture == "bert"
        np.testing.assert_allclose(embed(TEXTS, open_source("shelves")).values, embed(TEXTS, whole).values, atol=1e-5)

    @pytest.mark.parametrize("others", [0, 1])
    def test_as_a_source_it_is_its_first_network_and_asks_for_no_characters(self, parent, tmp_path, others):
        networks = [parent, parent.with_random_weights(1)][: 1 + others]
        card = add(bundle_of(parent, tmp_path / "shelves", mean_of(networks)))
        assert card.architecture == "onnx-file"
        assert set(card.network["inputs"]) == {"0.input_ids", "0.attention_mask"}
        np.testing.assert_allclose(embed(TEXTS, open_source("shelves")).values, embed(TEXTS, parent).values, atol=1e-5)
