"""Read preprocessing, pooling and license from the JSON files and model card of a hub-layout folder."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.sources.importing.imported_graph import MAX_SIDE_PX, Preprocessing
from headstart.sources.tokenizers import tokenizer_at, tokenizer_of
from headstart.storage.untrusted_folder import MAX_JSON_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headstart.storage.untrusted_folder import UntrustedFolder

_MAX_TOKENS = 512
_MAX_LENGTH = 10**6  # tokenizers without a limit state 10³⁰
_LICENSES = {
    "bsd": "BSD-3-Clause",
    "cc": "CC-BY-4.0",
    "gpl": "GPL-3.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-3.0": "LGPL-3.0-only",
}
PHOTO_SETTINGS = "preprocessor_config.json"
_MAX_CARD_BYTES = 4 << 20
_MODULES = ("Transformer", "Pooling", "Normalize")


def of_photos(folder: UntrustedFolder, config: dict[str, Any]) -> Preprocessing:
    """Read size, crop, mean and standard deviation from `preprocessor_config.json`."""
    stated = folder.json(PHOTO_SETTINGS)
    size = _sides(stated.get("size")) or _sides(config.get("image_size"))
    crop = _sides(stated.get("crop_size")) if stated.get("do_center_crop") else None
    seen = crop or size
    if seen is None:
        raise SourceError(f"{folder.path / PHOTO_SETTINGS} has no size of photos. Add --size-px 224.")
    if max(seen) > MAX_SIDE_PX:
        raise SourceError(
            f"{folder.path} takes photos of {max(seen)} pixels; {MAX_SIDE_PX} are allowed. Use another model."
        )
    settings: dict[str, Any] = {"kind": "pixels", "height_px": seen[0], "width_px": seen[1], "resize": "squash"}
    is_kept_in_shape = isinstance(stated.get("size"), dict) and "shortest_edge" in stated["size"]
    if crop or is_kept_in_shape:
        share = min(1.0, crop[0] / size[0]) if crop and size else _number(folder, stated, "crop_pct", 1.0)
        settings |= {"resize": "crop", "crop_share": share}
    # x · factor, then (x - mean) / std, converted to mean and std of pixels from 0 to 1
    factor = _number(folder, stated, "rescale_factor", 1 / 255) * 255 if stated.get("do_rescale", True) else 255.0
    is_scaled = stated.get("do_normalize", True)
    mean, std = (_colors(folder, stated, name) for name in ("image_mean", "image_std"))
    return Preprocessing(
        input=settings,
        mean=tuple(v / factor for v in mean) if is_scaled else (0.0,) * 3,
        std=tuple(v / factor for v in std) if is_scaled else (1 / factor,) * 3,
    )


def _number(folder: UntrustedFolder, stated: Mapping[str, Any], name: str, default: float) -> float:
    value = stated.get(name) or default
    if not _is_finite(value) or value <= 0:
        raise SourceError(f"'{name}' in {folder.path / PHOTO_SETTINGS} must be a number above 0, got {value!r:.40}.")
    return float(value)


def _colors(folder: UntrustedFolder, stated: Mapping[str, Any], name: str) -> list[float]:
    values = stated.get(name) or [0.5] * 3
    if not isinstance(values, list) or len(values) != 3 or not all(map(_is_finite, values)):
        raise SourceError(f"'{name}' in {folder.path / PHOTO_SETTINGS} must be three numbers, got {values!r:.40}.")
    if name == "image_std" and min(values) <= 0:
        raise SourceError(f"'{name}' in {folder.path / PHOTO_SETTINGS} must be above 0, got {values!r:.40}.")
    return values


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def of_texts(folder: UntrustedFolder, config: dict[str, Any], tokenizer: Path | None) -> Preprocessing:
    """Read the tokenizer, its limit, and the pooling of sentence-transformers."""
    content = tokenizer_at(tokenizer) or tokenizer_of(folder)
    if content is None:
        raise SourceError(
            f"{folder.path} has neither tokenizer.json nor vocab.txt for texts, nor preprocessor_config.json for photos. "
            "Copy the whole folder, or add --tokenizer FILE."
        )
    limits = [
        folder.json("sentence_bert_config.json").get("max_seq_length"),
        folder.json("tokenizer_config.json").get("model_max_length"),
        _n_positions(config),
        _MAX_TOKENS,
    ]
    known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < _MAX_LENGTH]
    return Preprocessing(
        input={"kind": "tokens", "max_tokens": min(known), "special_tokens": True},
        tokenizer=content,
        pooling=_pooling(folder),
    )


def model_card(folder: UntrustedFolder) -> dict[str, str]:
    """Read license, training data and paper from `README.md`; missing ones are left out."""
    if not folder.has("README.md"):
        return {}
    text = folder.read("README.md", limit=_MAX_CARD_BYTES).decode("utf-8", "replace")
    head = _front_matter(text)
    found: dict[str, str] = {}
    if head:
        license = re.search(r"^license:[ \t]*['\"]?([\w.+-]+)", head, re.MULTILINE)
        own = re.search(r"^license_name:[ \t]*['\"]?([\w.-]+)", head, re.MULTILINE)
        datasets = re.search(r"^datasets:[ \t]*\n((?:[ \t]*- .*(?:\n|$))+)", head, re.MULTILINE)
        if license is not None:
            name = f"LicenseRef-{own[1]}" if license[1] == "other" and own else _LICENSES.get(license[1], license[1])
            found["license"] = name
        if datasets is not None:
            found["datasets"] = ", ".join(line.strip(" -'\"") for line in datasets[1].strip().splitlines())
    paper = re.search(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", text)
    return found if paper is None else {**found, "arxiv": f"arXiv:{paper[1]}"}


def _front_matter(text: str) -> str:
    """What stands between the first line and another of three dashes; empty if there is none."""
    lines = [line.rstrip() for line in text.splitlines()]
    if lines[:1] != ["---"] or "---" not in lines[1:]:
        return ""
    return "\n".join(lines[1 : lines.index("---", 1)])


def _sides(size: Any) -> tuple[int, int] | None:
    """Parse any notation of a size as height and width."""
    if isinstance(size, dict):
        side = size.get("shortest_edge")
        size = (size.get("height", side), size.get("width", side))
    pair = size if isinstance(size, list | tuple) else (size, size)
    return (int(pair[0]), int(pair[1])) if len(pair) == 2 and all(isinstance(v, int) and v > 0 for v in pair) else None


def _n_positions(config: dict[str, Any]) -> int | None:
    """Number of positions for tokens; models like RoBERTa reserve those up to the padding id."""
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return None
    padding = config.get("pad_token_id")
    is_offset = str(config.get("model_type", "")).replace("-", "") in ("roberta", "xlmroberta", "camembert", "mpnet")
    return positions - (padding if isinstance(padding, int) and padding else 1) - 1 if is_offset else positions


def _pooling(folder: UntrustedFolder) -> str:
    """'mean' or 'first', from the modules of sentence-transformers; mean by default.

    Raises
    ------
    SourceError
        There is an unknown module or pooling.
    """
    modules: list[dict[str, Any]] = []
    if folder.has("modules.json"):
        try:
            modules = list(json.loads(folder.read("modules.json", limit=MAX_JSON_BYTES)))
            kinds = [str(module["type"]) for module in modules]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise SourceError(f"{folder.path / 'modules.json'} is damaged ({error}). Copy it again.") from error
        for kind in kinds:
            if not kind.startswith("sentence_transformers.") or kind.rpartition(".")[2] not in _MODULES:
                raise SourceError(
                    f"{folder.path / 'modules.json'} has a module '{kind}'; only {', '.join(_MODULES)} of "
                    "sentence-transformers are supported. Its code is not run; export the model as ONNX and add that."
                )
    path = next((str(m.get("path", "")) for m in modules if str(m["type"]).endswith("Pooling")), "1_Pooling")
    stated = folder.json(f"{path}/config.json")
    mode = str(stated.get("pooling_mode", ""))
    chosen = (
        {mode}
        if mode
        else {
            key.removeprefix("pooling_mode_")
            for key, value in stated.items()
            if value is True and key.startswith("pooling_mode_")
        }
    )
    if not chosen or chosen & {"mean_tokens", "mean"} == chosen:
        return "mean"
    if chosen & {"cls_token", "cls"} == chosen:
        return "first"
    raise SourceError(f"{folder.path} pools by {', '.join(sorted(chosen))}; supported are mean_tokens and cls_token.")
