"""Read a GGUF file, the format of llama.cpp: its quantised weights and its tokenizer become plain ones.

The names and shapes are those of a Llama checkpoint in `transformers`; nothing of the file is run.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import SourceError, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headstart.sources.weights import State

_CONTROL = 3  # llama.cpp's number for a token that marks structure, such as the begin of a text
_NAMES = {
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
# numbers are read digit by digit, then GPT-2's byte-level words
_PRE_TOKENIZERS = {
    "smollm": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    ]
}


def weights_from_gguf(content: bytes) -> State:
    """Dequantise the weights of a Llama network to float16.

    Four-bit weights are a scale times a whole number plus an offset, all of them float16, so that the sum's rounding to
    float16 is far below what the quantisation has already cost (docs/log.md).

    Raises
    ------
    SourceError
        The file is damaged, or holds another network than a Llama.
    MissingExtraError
        gguf is not installed.
    """
    gguf = require("gguf", extra="train", purpose="reading a GGUF file")
    reader = _reader(content)
    if _field(reader, "general.architecture") != "llama":
        raise _unknown("architecture", _field(reader, "general.architecture"), ["llama"])
    n_heads = int(_field(reader, "llama.attention.head_count"))
    n_key_heads = int(_field(reader, "llama.attention.head_count_kv"))
    heads = {"attn_q": n_heads, "attn_k": n_key_heads}
    state: State = {}
    for tensor in reader.tensors:
        found = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.weight", tensor.name)
        if found is None or found[2] not in _NAMES:
            raise _unknown("tensor", tensor.name, sorted(_NAMES))
        layer, part = found.groups()
        array = gguf.dequantize(tensor.data, tensor.tensor_type)
        array = _halves_apart(array, heads[part]) if part in heads else array
        prefix = "" if layer is None else f"layers.{layer}."
        state[f"{prefix}{_NAMES[part]}.weight"] = np.ascontiguousarray(array, np.float16)
    return state


def tokenizer_from_gguf(content: bytes) -> bytes:
    """Write the file's byte-level BPE vocabulary and merges as a `tokenizer.json`.

    Raises
    ------
    SourceError
        The file is damaged, or its tokenizer is of another kind.
    MissingExtraError
        gguf is not installed.
    """
    reader = _reader(content)
    rule = _field(reader, "tokenizer.ggml.pre")
    if rule not in _PRE_TOKENIZERS:
        raise _unknown("pre-tokenizer", rule, sorted(_PRE_TOKENIZERS))
    tokens, types = (_field(reader, f"tokenizer.ggml.{part}") for part in ("tokens", "token_type"))
    marks = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [
        {"id": i, "content": token, **marks}
        for i, (token, kind) in enumerate(zip(tokens, types, strict=True))
        if kind == _CONTROL
    ]
    model = {
        "type": "BPE",
        "vocab": {token: i for i, token in enumerate(tokens)},
        "merges": [merge.split(" ") for merge in _field(reader, "tokenizer.ggml.merges")],
    }
    whole = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": _PRE_TOKENIZERS[rule]},
        "model": model,
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _reader(content: bytes) -> Any:
    gguf = require("gguf", extra="train", purpose="reading a GGUF file")

    class Reader(gguf.GGUFReader):  # type: ignore[misc, name-defined]
        """Does not believe a length that is longer than the file: the library would fill the memory with what is not there."""

        def _get(self, offset: int, dtype: Any, count: int = 1, *more: Any, **order: Any) -> Any:
            if int(offset) + int(count) * np.dtype(dtype).itemsize > len(self.data):
                raise ValueError
            return super()._get(offset, dtype, count, *more, **order)

    with tempfile.TemporaryDirectory() as folder:  # the reader maps a file; the map outlives its name
        path = Path(folder) / "weights.gguf"
        path.write_bytes(content)
        try:
            return Reader(path)
        except Exception as error:  # the reader raises whatever numpy makes of damaged bytes
            raise SourceError(f"the GGUF file is damaged ({type(error).__name__}).") from error


def _field(reader: Any, name: str) -> Any:
    field = reader.get_field(name)
    if field is None:
        raise SourceError(f"the GGUF file lacks '{name}'.")
    return field.contents()


def _unknown(what: str, found: str, known: list[str]) -> SourceError:
    return SourceError(f"the GGUF file's {what} '{found}' is not known; known: {', '.join(known)}.")


def _halves_apart(weight: NDArray[np.float32], n_heads: int) -> NDArray[np.float32]:
    """Undo llama.cpp's order of a head's rows, which interleaves the two halves that rotary embedding turns together."""
    pairs = weight.reshape(n_heads, -1, 2, weight.shape[1])
    return pairs.swapaxes(1, 2).reshape(weight.shape)
