"""Headstart beside its peers: the same weights, splits and threads; accuracy on the test part, seconds to train and to predict.

Texts: SetFit, and a full fine-tune with transformers' Trainer, both in an environment of their own (`make peers-env`).
Photos: a plain torch loop. Each run is a process of its own, offline, and its clocks start when the libraries are imported;
Headstart starts with an empty cache but for the weights.
Rows are kept in the cache, so that a bench that was killed goes on; a machine with other work on it shows in their load.
Run: .venv/bin/python bench/peers/peers.py [--tasks questions,cifar10-50] [--peers headstart,setfit] [--seeds 5] [--report]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from killed import new_cache
from ladder import LADDER, suiting
from results import Results, Row
from stopwatch import Stopwatch
from tasks import TASKS, Task, as_pair, halves, tasks_named

import headstart
from headstart.core import registry
from headstart.core.strict_json import to_json
from headstart.engines.threads import n_threads
from headstart.sources import open_source
from headstart.sources.weights import n_layers, to_safetensors
from headstart.storage.files import cache_folder
from headstart.tuning.selection import CLOSED_FORM

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.pipeline.fitted import Fitted

ENVIRONMENT = Path(".venv-peers/bin/python")
TEXT_PEERS, PHOTO_PEERS = ("setfit", "trainer"), ("torch",)
FEW = 64  # labels a class up to which SetFit is asked


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--peers", help=f"of {', '.join(all_peers())}; all that suit a task if absent")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--results", type=Path, default=cache_folder() / "bench" / "peers.jsonl")
    parser.add_argument(
        "--longest", type=float, default=3600, help="seconds after which a peer is stopped, which its row says"
    )
    parser.add_argument("--report", action="store_true", help="only print what is there")
    parser.add_argument("--work", action="store_true", help="do the one job that comes on stdin")
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(work(**json.load(sys.stdin))))
        return
    results, tasks = Results.open(arguments.results), tasks_named(arguments.tasks.split(","))
    wanted = arguments.peers.split(",") if arguments.peers else all_peers()
    for seed in range(0 if arguments.report else arguments.seeds):
        for task in tasks:
            for peer in (peer for peer in wanted if supports(peer, task)):
                row = results.get_or_compute(
                    lambda t=task, p=peer, s=seed: run(p, t, s, arguments.longest), task=task.name, peer=peer, seed=seed
                )
                print(f"{task.name:<20} seed {seed}  {peer:<24}" + shown([row]), flush=True)
    report(results, tasks)


def all_peers() -> list[str]:
    """Headstart's methods are peers as well: its usual fit, each method, and all of them ('best')."""
    results = (f"headstart {name}" for name in (*registry.names("tuning_methods"), LADDER))
    return ["headstart", *results, *TEXT_PEERS, *PHOTO_PEERS]


def supports(peer: str, task: Task) -> bool:
    if peer in TEXT_PEERS:
        few = task.per_class is None or task.per_class <= FEW
        return task.modality == "text" and (few or peer != "setfit")
    if peer in PHOTO_PEERS:
        return task.modality == "image"
    return rung_of(peer) in (CLOSED_FORM, LADDER, *suiting(task))


def fit_rung(result: str, learn: Dataset, source: str, seed: int) -> Fitted:
    """Fit the closed form, with one method above it, or with all of them."""
    options: dict[str, Any] = {"head": "auto" if result == CLOSED_FORM else result}
    if result == LADDER:
        options = {"preset": LADDER, "max_sources": 1}
    return headstart.fit(as_pair(learn), source=source, baselines="none", seed=seed, progress=None, **options)


def rung_of(peer: str) -> str:
    return peer.removeprefix("headstart").strip() or CLOSED_FORM


def run(peer: str, task: Task, seed: int, longest_s: float) -> Row:
    """One peer on one split, in a process of its own."""
    learn, test = halves(task, seed)
    with tempfile.TemporaryDirectory() as folder:
        if peer in TEXT_PEERS:
            model = hub_folder(task.source, Path(folder) / "model")
            command = [ENVIRONMENT, "bench/peers/texts.py"]
            job = {"model": str(model), "texts": list(learn.items), "codes": learn.codes.tolist(), "peer": peer}
            job |= {"test": list(test.items), "seed": seed, "threads": n_threads()}
        else:
            command = [sys.executable, __file__, "--work"]
            job = {"peer": peer, "task": task.name, "seed": seed, "folder": folder}
        started = time.perf_counter()
        answer = finish(command, job, longest_s)
    if answer is None:
        return {"accuracy": None, "settings": f"stopped after {longest_s:.0f} s", "process_s": longest_s}
    correct = np.array(answer.pop("predicted")) == test.codes
    return {
        "n": len(learn),
        "n_test": len(test),
        "accuracy": float(correct.mean()),
        "threads": n_threads(),
        "process_s": time.perf_counter() - started,
        **answer,
    }


def finish(command: list[Any], job: dict[str, Any], longest_s: float) -> dict[str, Any] | None:
    """Run a job to its end; None where it takes too long."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HEADSTART_THREADS"), str(n_threads()))
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1")
    try:
        done = subprocess.run(
            command,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **threads, **offline},
            timeout=longest_s,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        sys.exit(f"{job['peer']} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def work(peer: str, task: str, seed: int, folder: str) -> dict[str, Any]:
    """A job of this environment: the torch loop or Headstart."""
    (found,) = [one for one in TASKS if one.name == task]
    learn, test = halves(found, seed)
    if peer in PHOTO_PEERS:
        import torch
        from peer_photos import fine_tune

        torch.set_num_threads(n_threads())
        return fine_tune(learn, test, found.source, seed)
    os.environ["HEADSTART_CACHE"] = str(new_cache(Path(folder)))
    watch = Stopwatch()
    fitted = fit_rung(rung_of(peer), learn, found.source, seed)
    watch.lap("train")
    predicted = [learn.labels.index(label) for label in fitted.predict(test.items)]
    watch.lap("predict")
    return {"predicted": predicted, **watch.seconds, "settings": fitted.report.heads.method}


def hub_folder(name: str, folder: Path) -> Path:
    """A BERT source as its makers would publish it for sentence-transformers: mean over the tokens, unit length."""
    source = open_source(name)
    state, files = source.state(), source.input.files()
    n_words, width = state["embeddings.word_embeddings.weight"].shape
    tokenizer = {**json.loads(files["tokenizer.json"]), "truncation": None, "padding": None}
    marks = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    steps = {"0": ("", "Transformer"), "1": ("1_Pooling", "Pooling"), "2": ("2_Normalize", "Normalize")}
    max_tokens = source.card.input["max_tokens"]
    contents = {
        "config.json": {
            "onnx_networks": ["BertModel"],
            "model_type": "bert",
            "vocab_size": n_words,
            "hidden_size": width,
            "num_hidden_layers": n_layers(state, "encoder.layer."),
            "num_attention_heads": source.card.network["heads"],
            "intermediate_size": state["encoder.layer.0.intermediate.dense.weight"].shape[0],
            "max_position_embeddings": state["embeddings.position_embeddings.weight"].shape[0],
        },
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": max_tokens,
            **{f"{kind}_token": mark for kind, mark in marks.items()},
        },
        "modules.json": [
            {"idx": int(place), "name": place, "path": path, "type": f"sentence_transformers.models.{kind}"}
            for place, (path, kind) in steps.items()
        ],
        "sentence_bert_config.json": {"max_seq_length": max_tokens, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True},
    }
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(to_json(content))
    (folder / "2_Normalize").mkdir()
    floats = {key: np.ascontiguousarray(array, np.float32) for key, array in state.items()}
    (folder / "model.safetensors").write_bytes(to_safetensors(floats))
    return folder


def report(results: Results, tasks: list[Task]) -> None:
    """The table: mean over the seeds that are there, and how many times longer than Headstart's usual fit."""
    for task in tasks:
        rows = results.find(task=task.name)
        ours = [row for row in rows if row["peer"] == "headstart"]
        for peer in dict.fromkeys(row["peer"] for row in rows):
            mine = [row for row in rows if row["peer"] == peer]
            times = ""
            if ours and peer != "headstart":
                times = f"  {mean(mine, 'train_cpu_s') / mean(ours, 'train_cpu_s'):6.1f} × headstart's"
            print(f"{task.name:<20} {len(mine)} seeds  {peer:<24}{shown(mine)}{times}")


def shown(rows: list[Row]) -> str:
    loads = [load for row in rows for load in row["load"]]
    return (
        f"accuracy {mean(rows, 'accuracy'):.3f}  training {mean(rows, 'train_s'):7.1f} s ({mean(rows, 'train_cpu_s'):7.1f} s of "
        f"the processor)  test {mean(rows, 'predict_s'):6.1f} s ({mean(rows, 'predict_cpu_s'):6.1f} s)"
        f"  load {min(loads):.1f} to {max(loads):.1f}  {rows[-1]['settings']}"
    )


def mean(rows: list[Row], name: str) -> float:
    return float(np.mean([np.nan if row.get(name) is None else row[name] for row in rows]))


if __name__ == "__main__":
    main()
