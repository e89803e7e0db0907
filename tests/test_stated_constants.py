"""Constants that the pages state are those of the code: a row is a page and a sentence of it, with the figures put in."""

import dataclasses

import pytest
import typer

from headstart.cli import predict
from headstart.cli.app import app
from headstart.compression import measuring, trial
from headstart.compression.methods import four_bit, static_int8
from headstart.core.intervals import MAX_BLOCKS, N_RESAMPLES
from headstart.core.metric_sums import N_BINS
from headstart.data import (
    holdout,
    image,
    image_limits,
    payloads,
    similar_features,
    similar_images,
    similar_texts,
    targets,
)
from headstart.data.modalities import row, text
from headstart.engines import energy
from headstart.evaluation import learning_curve, mixing, models, shipping, small_cnn, tree_baseline
from headstart.evaluation.baselines.convolutional import Convolutional
from headstart.evaluation.prediction_set import COVERAGE
from headstart.features.encoders.ngrams import NgramEncoder
from headstart.features.matrix import LARGEST_IN_MEMORY_MIB
from headstart.heads import blend, joint, lda, prototypes, span
from headstart.heads.ridge import Ridge
from headstart.onnx_graph import builder, vetting
from headstart.onnx_graph import trial as graph_trial
from headstart.packaging import manifest
from headstart.packaging import model as packaging_model
from headstart.packaging.answer_table import N_TOP
from headstart.packaging.export import TOLERANCE
from headstart.packaging.exports import MAX_CHECKED
from headstart.pipeline import choosing
from headstart.pipeline.presets import ORDINARY_ITEMS, preset_named
from headstart.ranking.halving import Halving
from headstart.ranking.suitability import _QUICK_GMACS
from headstart.serving import predict_route, prediction_log, preparing, reading, run, security, settings
from headstart.serving.connection import ConnectionLimits
from headstart.serving.settings import ServerSettings
from headstart.sources import tokenizer_limits, tokenizer_trial
from headstart.tuning import batch_norms, checkpoint, frozen_feature_loader, selection, tuning_method
from headstart.tuning.methods import contrastive
from headstart.tuning.settings import TuningSettings
from pages import WORDS, page

COMMANDS = typer.main.get_command(app).commands
DEFAULTS = {
    (name, option): param.default
    for name in ("fit", "compress")
    for param in COMMANDS[name].params
    for option in param.opts
}
RIDGE = Ridge()
LIMITS = {field.name: field.default for field in dataclasses.fields(ConnectionLimits)}


def _percent(share: str) -> str:
    return share.replace("%", " %")


STATED = [
    ("docs/adapt.md", f"up to {prototypes._MAX_ITEMS_PER_CLASS} items per class"),
    ("docs/adapt.md", f"up to {lda._MAX_ITEMS} items"),
    ("docs/adapt.md", f"up to {span._MAX_ITEMS} items"),
    ("docs/adapt.md", f"at most {span._MAX_ITEMS} items"),
    ("docs/compress.md", f"median over {measuring._N_TURNS} turns"),
    ("docs/compress.md", f"calibrated on {static_int8._N_ITEMS} training items"),
    ("docs/export.md", f"compares on up to {MAX_CHECKED} items"),
    ("docs/cli.md", f"on up to {MAX_CHECKED} items of DATA"),
    ("docs/find.md", f"cost at most {_QUICK_GMACS:.0f} GMACs an item"),
    ("docs/prove.md", f"below {holdout._SMALL:,} items | every item once, in {holdout._N_FOLDS} folds"),
    ("docs/prove.md", f"{small_cnn._N_SEEN:,} photos in all"),
    ("docs/prove.md", f"Above {Convolutional().max_items:,} photos"),
    ("docs/prove.md", f"At most {tree_baseline._MAX_ROWS:,} rows are learned from"),
    ("docs/prove.md", f"Above {tree_baseline._MANY_ROWS:,} rows what ships"),
    ("docs/prove.md", f"reweighted {N_RESAMPLES:,} times"),
    ("docs/prove.md", f"to {MAX_BLOCKS:,} random blocks"),
    ("docs/prove.md", f"Calibration error has {N_BINS} bins"),
    ("docs/prove.md", f"`COVERAGE` {COVERAGE}"),
    ("docs/prove.md", f"is worth {mixing._PRIOR_ITEMS:.0f} held-out items"),
    ("docs/prove.md", f"Weights below {mixing._MIN_WEIGHT} become 0"),
    ("docs/prove.md", f"divided into {WORDS[mixing._N_BLOCKS]} blocks"),
    ("docs/prove.md", f"`--worth` ({100 * shipping.WORTH} points)"),
    ("docs/prove.md", f"for up to {models.MAX_JOINT_ITEMS:,} training items"),
    ("docs/rank.md", f"at most {choosing._MUCH_COSTLIER} times as many operations"),
    ("docs/prove.md", f"on {WORDS[learning_curve.N_SIZES]} nested parts"),
    ("docs/rank.md", f"up to {Halving().cap:,} items: *successive halving*"),
    ("docs/security.md", f"{image.MAX_PIXELS // 10**6} megapixels"),
    ("docs/sklearn.md", f"in fewer than {similar_features._FEWEST_DIMENSIONS} dimensions"),
    ("docs/tune.md", f"until they held out {selection._SUFFICIENT_HELD_OUT} items"),
    ("docs/tune.md", f"up to {contrastive._MAX_PER_CLASS} per class"),
    ("docs/tune.md", f"Every {WORDS[int(checkpoint.INTERVAL_S)]} seconds weights"),
    ("README.md", f"more than {_percent(DEFAULTS['fit', '--max-unreadable'])} unreadable files"),
    ("README.md", f"for {ORDINARY_ITEMS} items: `--preset fast` {preset_named('fast').budget_s:.0f} seconds"),
    ("docs/load.md", f"up to {_percent(DEFAULTS['fit', '--max-unreadable'])} of them are set aside"),
    ("docs/load.md", f"more than {targets._MAX_INTEGER_CLASSES} of them"),
    ("docs/cli.md", f"`--max-unreadable {DEFAULTS['fit', '--max-unreadable']}` | share of items"),
    ("docs/cli.md", f"the first {predict._N_SHOWN} answers"),
    ("docs/cli.md", f"| `--top N` | {N_TOP}"),
    ("docs/compress.md", f"`--tolerance` ({_percent(DEFAULTS['compress', '--tolerance'])}"),
    ("docs/compress.md", f"at most {100 * trial._SMALLER:.0f} % of the size"),
    ("docs/compress.md", f"in blocks of {four_bit._BLOCK} four-bit numbers"),
    ("docs/embed.md", f"the {NgramEncoder().max_terms:,} that most texts hold"),
    ("docs/embed.md", f"Features above {LARGEST_IN_MEMORY_MIB} MiB"),
    ("docs/export.md", f"A largest difference above {TOLERANCE:.0e}".replace("e-0", "e-")),
    ("docs/export.md", f"the opset is {builder.OPSET}"),
    ("docs/package.md", f"({manifest.MAX_FILE_BYTES >> 30} GiB each, {manifest.MAX_BUNDLE_BYTES >> 30} GiB in all)"),
    ("docs/package.md", f"the true one among them {10 * COVERAGE:.0f} times in 10"),
    ("docs/package.md", f"From {packaging_model._MANY} items on"),
    ("docs/prove.md", f"share {100 * similar_texts._JACCARD:.0f} % of their character shingles"),
    ("docs/prove.md", f"The first {similar_texts.MOST_CHARACTERS:,} characters count"),
    ("docs/prove.md", f"correlation from {similar_images._SIMILARITY}"),
    ("docs/prove.md", f"a text of {text._DISTINCTIVE} characters, that at most {row._LARGEST_ORIGIN} rows share"),
    ("docs/prove.md", f"× {energy.WATTS_PER_CORE:.0f} W per core"),
    (
        "docs/adapt.md",
        f"Plain blocks have {joint._PLAIN_SHARES[0]}, {joint._PLAIN_SHARES[1]} or {joint._PLAIN_SHARES[2]} of the sum",
    ),
    ("docs/adapt.md", f"weights under {blend._MIN_WEIGHT} are dropped"),
    ("docs/security.md", f"{manifest.MAX_MANIFEST_BYTES >> 20} MiB of manifest, {manifest.MAX_FILES:,} files"),
    ("docs/security.md", f"at most {vetting.MAX_NODES:,} nodes"),
    (
        "docs/security.md",
        f"which may take {graph_trial.DEADLINE_S} s and {graph_trial.MEMORY_BYTES >> 30} GiB beside four times",
    ),
    (
        "docs/security.md",
        f"lengthen a text more than {tokenizer_limits._MAX_GROWTH} times, words of more than {tokenizer_limits._MAX_WORD:,}",
    ),
    ("docs/security.md", f"on texts of {tokenizer_trial._N_CHARACTERS:,} characters"),
    ("docs/security.md", f"may take {tokenizer_trial.DEADLINE_S} s and {tokenizer_trial.MEMORY_BYTES >> 30} GiB."),
    ("docs/serve.md", f"| {payloads.MAX_VALUES:,} values of JSON"),
    ("docs/serve.md", f"| {predict_route._MAX_LABELS:,} labels in an answer"),
    ("docs/serve.md", f"`--max-held-mib` ({ServerSettings().max_held_mib:.0f})"),
    (
        "docs/serve.md",
        f"{image_limits.MAX_SCANS} scans, {image_limits.MAX_STRIPS:,} strips, {image_limits.MAX_PIECES:,} pieces",
    ),
    ("docs/serve.md", f"{image_limits.BASE_S} s of processor time and {image_limits.MEGAPIXEL_S} s more a megapixel"),
    (
        "docs/serve.md",
        f"Bodies over {reading._INLINE_BYTES >> 10} KiB, and tables over {reading._INLINE_BYTES // predict_route._TABLE_COST >> 10}",
    ),
    (
        "docs/serve.md",
        f"more than {preparing._SMALL_PIXELS / 1e6:.0f} megapixels, and items of more than {preparing._SMALL_BYTES >> 20} MiB",
    ),
    (
        "docs/serve.md",
        f"{LIMITS['max_head'] >> 10} KiB of address and headers (of trailers and chunk sizes too), or {LIMITS['max_headers']} headers",
    ),
    ("docs/serve.md", f"| {LIMITS['head_s']:.0f} s (`--timeout-s` if that is less)"),
    ("docs/serve.md", f"| {LIMITS['idle_s']:.0f} s between two requests"),
    ("docs/serve.md", f"| {LIMITS['refused_s']:.0f} s or `--max-body-mib`"),
    (
        "docs/serve.md",
        f"`--max-connections` ({ServerSettings().max_connections:,}) of a process, or what its open files (`ulimit -n`, at least 80) allow less {run._OTHER_FILES}",
    ),
    ("docs/serve.md", f"At the latest `--timeout-s` and {settings._CLOSE_S:.0f} s after the signal"),
    ("docs/serve.md", f"{security._SHORTEST} characters or more"),
    ("docs/serve.md", f"up to {prediction_log._N_ROWS:,} rows"),
    (
        "docs/tune.md",
        f"A batch has {TuningSettings().batch_size} items, or as few as {TuningSettings().min_batch_size}",
    ),
    ("docs/tune.md", f"at least {TuningSettings().min_steps} steps"),
    ("docs/tune.md", f"at most {TuningSettings().max_steps} steps"),
    ("docs/tune.md", f"at least {tuning_method._MIN_FOR_STATISTICS} items"),
    ("docs/tune.md", f"on {batch_norms.N_ITEMS} training items"),
    ("docs/tune.md", f"fit into {frozen_feature_loader._MAX_BYTES >> 30} GiB"),
    ("docs/adapt.md", f"by their widths up to {joint._WIDE} columns"),
    (
        "docs/adapt.md",
        f"{len(RIDGE.relative_penalties)} penalties and {len(RIDGE.transforms + RIDGE.scaled_transforms)} feature transforms",
    ),
]


@pytest.mark.parametrize(("name", "sentence"), STATED, ids=[sentence for _, sentence in STATED])
def test_a_page_states_the_constant_of_the_code(name, sentence):
    assert sentence in page(name)
