"""Every decoder of bytes that come from outside, each with real files from which mutations start; `bench/robustness/fuzz.py` runs them.

The small bundle and the damaged graphs are those of the tests: `fuzz` starts a process that finds them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

Decoder = tuple[Callable[[bytes], Any], Iterator[bytes]]
"""What decodes, and files to start from."""


def on_disk(name: str, decode: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """A decoder of paths as one of bytes."""
    path = Path(tempfile.mkdtemp()) / name
    path.parent.mkdir(exist_ok=True)

    def run(content: bytes) -> None:
        path.write_bytes(content)
        decode(path)

    return run


def images() -> Decoder:
    from PIL import Image

    from headstart.sources.preprocessors.pixels import ImagePreprocessor

    pixels = np.random.default_rng(0).integers(0, 256, (13, 17, 3), np.uint8)
    photo = Image.fromarray(pixels)
    turned = Image.Exif()
    turned[0x0112] = 6

    def seeds() -> Iterator[bytes]:
        for form in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF"):
            yield saved(photo, form)
        for mode in ("CMYK", "L", "1", "I;16", "YCbCr"):
            yield saved(photo.convert("L").convert(mode) if mode == "I;16" else photo.convert(mode), "TIFF")
        yield saved(photo, "JPEG", exif=turned)
        yield saved(photo.convert("RGBA"), "PNG")
        yield saved(photo.convert("P"), "GIF", save_all=True, append_images=[photo.convert("P")])

    def saved(image: Any, form: str, **how: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, form, **how)
        return stream.getvalue()

    transform = ImagePreprocessor(height_px=8, width_px=8).transform
    return lambda content: transform([content]), seeds()


def table(suffix: str) -> Decoder:
    import pandas as pd

    from headstart.core.errors import UserError
    from headstart.data import load, read_items

    frame = pd.DataFrame(
        {
            "text": ["free call now!", 'he said "hi",\nthen left', "ünï"] * 8,
            "label": ["a", "b", "c"] * 8,
            "n": range(24),
        }
    )

    def seeds() -> Iterator[bytes]:
        for encoding in ("utf-8", "utf-16", "latin-1") if suffix in {".csv", ".tsv"} else ("utf-8",):
            if suffix == ".parquet":
                yield frame.to_parquet()
                yield frame.astype({"label": "category"}).to_parquet(compression="zstd")
            elif suffix == ".jsonl":
                yield frame.to_json(orient="records", lines=True).encode()
            else:
                yield frame.to_csv(index=False, sep="," if suffix == ".csv" else "\t").encode(encoding)

    def decode(path: Path) -> None:
        with contextlib.suppress(UserError):
            load(path)
        read_items([path], modality="text")

    return on_disk(f"table{suffix}", decode), seeds()


def manifest() -> Decoder:
    """As it came, and, where it is JSON, sealed again as somebody would who knows how: then the rest of the loader meets it."""
    from tiny_bundle import make_bundle, make_photos

    from headstart.core.errors import UserError
    from headstart.core.strict_json import to_json
    from headstart.packaging import load_bundle

    folder = make_bundle(Path(tempfile.mkdtemp()) / "fruit")
    whole = (folder / "manifest.json").read_bytes()

    def decode(path: Path) -> None:
        with contextlib.suppress(UserError):
            load_bundle(folder)
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(path.read_bytes())
            if isinstance(content, dict):
                content.pop("sha256", None)
                content["files"] = json.loads(whole)["files"] | (
                    content["files"] if isinstance(content.get("files"), dict) else {}
                )
                path.write_text(to_json({**content, "sha256": hashlib.sha256(to_json(content).encode()).hexdigest()}))
        load_bundle(folder).predictions(make_photos(1))

    def run(content: bytes) -> None:
        (folder / "manifest.json").write_bytes(content)
        decode(folder / "manifest.json")

    return run, iter([whole])


def graph() -> Decoder:
    """What looks into a graph before anything opens it, and the reader of graphs that are added as sources."""
    from test_tampering import with_external, with_operator
    from tiny_bundle import make_predictor

    from headstart.core.errors import UserError
    from headstart.onnx_graph.editing import read_onnx
    from headstart.packaging.export import export
    from headstart.packaging.session import refuse_foreign
    from headstart.sources.onnx_weights import weights_from_onnx

    def run(content: bytes) -> None:
        for read in (refuse_foreign, weights_from_onnx, partial(read_onnx, where="model.onnx")):
            with contextlib.suppress(UserError):
                read(content)

    seeds = (export(make_predictor(after), n_outputs=3) for after in ("Softmax", "Sigmoid"))
    others = (with_external(where).SerializeToString() for where in ("initializer", "node", "subgraph"))
    return run, iter([*seeds, *others, with_operator("Evil", "com.example", inside=True)])


def safetensors() -> Decoder:
    from headstart.sources.weights import from_safetensors, to_safetensors

    arrays: dict[str, np.ndarray[Any, np.dtype[np.floating[Any]]]] = {
        "a.weight": np.eye(3, dtype=np.float32),
        "b": np.ones((2, 2, 2), np.float16),
    }
    return from_safetensors, iter([to_safetensors(arrays), to_safetensors({})])


def gguf() -> Decoder:
    import gguf

    from headstart.core.errors import UserError
    from headstart.sources.gguf_file import tokenizer_from_gguf, weights_from_gguf

    path = Path(tempfile.mkdtemp()) / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(["<s>", "a", "b", "ab"])
    writer.add_token_types([3, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_tensor("token_embd.weight", np.ones((4, 32), np.float32))
    writer.add_tensor("blk.0.attn_q.weight", np.ones((32, 32), np.float16))
    quantised = gguf.quantize(np.ones((32, 32), np.float32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("blk.0.ffn_up.weight", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()

    def run(content: bytes) -> None:
        for read in (weights_from_gguf, tokenizer_from_gguf):
            with contextlib.suppress(UserError):
                read(content)

    return run, iter([path.read_bytes()])


def tokenizer() -> Decoder:
    import tokenizers

    from headstart.sources.preprocessors.tokens import TextTokenizer

    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b", "call"])}
    pairs = tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    pairs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel()
    made = [tokenizers.BertWordPieceTokenizer(vocab=words), pairs]
    texts = ["A call, ab!", "", "ünï\ud800 漢字"]
    return lambda content: TextTokenizer(content, max_tokens=8).transform(texts), (
        each.to_str().encode() for each in made
    )


def tfjs() -> Decoder:
    from headstart.sources.tfjs_layers import from_tfjs_layers

    shard = np.arange(60, dtype="<f4").tobytes()
    weights = [
        {"name": "conv/kernel", "shape": [1, 2, 3, 4], "dtype": "float32"},
        {"name": "bn/gamma", "shape": [36], "dtype": "float32"},
    ]
    whole = json.dumps({"weightsManifest": [{"paths": ["a.bin"], "weights": weights}]}).encode()
    return lambda content: from_tfjs_layers("model.json", {"model.json": content, "a.bin": shard}), iter([whole])


def settings() -> Decoder:
    """The preprocessing that a manifest describes."""
    from headstart.sources import preprocessors
    from headstart.sources.preprocessors.pixels import ImagePreprocessor

    files = {"tokenizer.json": next(tokenizer()[1]), "vocabulary.txt": b"free\ncall\nfree call"}
    pixels = ImagePreprocessor(height_px=4, width_px=4).settings()
    words = {"max_tokens": 8, "special_tokens": True}
    described = [
        {"kind": "pixels", "settings": pixels},
        {"kind": "tokens", "settings": words},
        {"kind": "ngrams", "settings": {"max_words": 2}},
        {"kind": "joint", "settings": {"parts": [{"kind": "pixels", "settings": pixels}]}},
    ]

    def run(content: bytes) -> None:
        try:
            given = json.loads(content)
        except (ValueError, RecursionError):
            return
        if isinstance(given, dict) and isinstance(given.get("kind"), str) and isinstance(given.get("settings"), dict):
            built = preprocessors.build(given["kind"], given["settings"], files)
            built.transform([np.zeros((5, 6, 3), np.uint8)] if "pixels" in str(content) else ["free call"])

    return run, (json.dumps(each).encode() for each in described)


def signature() -> Decoder:
    from headstart.packaging.signing import check_signature, new_key, sign

    key = Path(tempfile.mkdtemp()) / "key"
    public = new_key(key)
    return lambda content: check_signature(content, b"{}", public, Path("bundle")), iter([sign(b"{}", key)])


DECODERS: dict[str, Callable[[], Decoder]] = {
    "images": images,
    "csv": partial(table, ".csv"),
    "jsonl": partial(table, ".jsonl"),
    "parquet": partial(table, ".parquet"),
    "manifest": manifest,
    "graph": graph,
    "safetensors": safetensors,
    "gguf": gguf,
    "tokenizer": tokenizer,
    "tfjs": tfjs,
    "settings": settings,
    "signature": signature,
}
