"""One text peer on one split, in the peers' own environment: a job as JSON on stdin, its result as JSON on the last line.

The job names the peer, a folder in the Hugging Face layout, texts and class numbers for training and test, and a seed.
Started by bench/peers/compare.py; `make peers-env` makes the environment.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from typing import Any

import numpy as np

from bench.stopwatch import Stopwatch

MAX_PAIRS = 10_000
SILENT: dict[str, Any] = {
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
}

Job = dict[str, Any]


def set_fit(job: Job) -> dict[str, Any]:
    """SetFit with its defaults: pairs by oversampling, one epoch, logistic regression on top.

    Where every pair would be more than MAX_PAIRS, `num_iterations`, which the job names, bounds them; its documentation keeps it for that.
    """
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    bound = {"num_iterations": job["iterations"]} if n_pairs(job["codes"]) > MAX_PAIRS else {}
    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()
        settings = TrainingArguments(
            output_dir=folder, seed=job["seed"], report_to="none", save_strategy="no", show_progress_bar=False, **bound
        )
        trainer = Trainer(
            model=SetFitModel.from_pretrained(job["model"]),
            args=settings,
            train_dataset=Dataset.from_dict({"text": job["texts"], "label": job["codes"]}),
        )
        trainer.train()
        watch.lap("train")
        predicted = trainer.model.predict(job["test"]).tolist()
        watch.lap("predict")
    return {"predicted": predicted, **watch.seconds, "settings": bound or "defaults"}


def n_pairs(codes: list[int]) -> int:
    """How many pairs SetFit's oversampling makes: alike ones (an item with itself too) as many as unlike ones."""
    counts = Counter(codes).values()
    alike = sum(n * (n + 1) // 2 for n in counts)
    unlike = (len(codes) ** 2 - sum(n * n for n in counts)) // 2
    return 2 * max(alike, unlike)


def fine_tune(job: Job) -> dict[str, Any]:
    """The whole network with transformers' Trainer: AdamW, 5e-5 falling linearly, batches of 16.

    3 epochs, as is usual; on few texts more, as few steps teach nothing (Mosbach et al., arXiv:2006.04884).
    """
    from datasets import Dataset
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    settings = trainer_settings(len(job["texts"]))
    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()
        tokenizer = AutoTokenizer.from_pretrained(job["model"])
        model = AutoModelForSequenceClassification.from_pretrained(job["model"], num_labels=1 + max(job["codes"]))
        rows = [
            {**tokenizer(text, truncation=True), "label": code}
            for text, code in zip(job["texts"], job["codes"], strict=True)
        ]
        arguments = TrainingArguments(
            output_dir=folder, seed=job["seed"], per_device_eval_batch_size=32, **SILENT, **settings
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        watch.lap("train")
        test = Dataset.from_list([dict(tokenizer(text, truncation=True)) for text in job["test"]])
        outputs = np.asarray(trainer.predict(test).predictions)
        predicted = outputs.argmax(axis=1).tolist()
        watch.lap("predict")
    return {"predicted": predicted, **watch.seconds, "settings": settings}


def trainer_settings(n_texts: int) -> dict[str, Any]:
    return {
        "learning_rate": 5e-5,
        "num_train_epochs": 3 if n_texts > 2000 else 10 if n_texts > 200 else 20,
        "per_device_train_batch_size": 16,
        "warmup_steps": 0.1,  # below 1: a share of the steps
    }


PEERS = {"setfit": set_fit, "trainer": fine_tune}


def main() -> None:
    import torch

    job = json.load(sys.stdin)
    torch.set_num_threads(job["threads"])
    print(json.dumps(PEERS[job["peer"]](job)))


if __name__ == "__main__":
    main()
