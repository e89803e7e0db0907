"""A tokenizer of unknown origin takes a bounded time, or is refused before it is built."""

from __future__ import annotations

import base64
import json
import time

import pytest

from headstart.core.errors import SourceError
from headstart.sources import tokenizer_limits, tokenizer_trial
from headstart.sources.pattern_limits import is_quick_pattern
from headstart.sources.preprocessors import tokens
from headstart.sources.preprocessors.tokens import TextTokenizer
from headstart.sources.tokenizer_limits import check_tokenizer

WORDS = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab": {"[UNK]": 0, "a": 1}}
GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def tokenizer(model=None, **parts):
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    whole = {"version": "1.0", "added_tokens": [], **empty, **parts}
    return json.dumps({**whole, "model": {**WORDS, "max_input_chars_per_word": 100, **(model or {})}}).encode()


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def replace(pattern, content, times=1):
    one = {"type": "Replace", "pattern": {"String": pattern}, "content": content}
    return {"type": "Sequence", "normalizers": [one] * times}


def character_map(replacement):
    tree = b"\0" * 4
    content = len(tree).to_bytes(4, "little") + tree + replacement + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    "pattern", [GPT2, GPT4, r" {2,}", r"\d{1,3}", r"[^\s]+|\s+", r"(?:'s|'t)?x", r"\(\+\)+", r"[(+)*]+", "a|b+|c+"]
)
def test_patterns_in_use_are_quick(pattern):
    assert is_quick_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\s*\S*x", "(a|b)*c", "(?:a?){30}", "a*b*c*d", "(a+|b)x*"])
def test_patterns_that_must_be_tried(pattern):
    assert not is_quick_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a+)+$", "repeats a repetition"),
        (r"((\w+\s?)*)*", "repeats a repetition"),
        ("(x{1,9}){1,9}y", "repeats a repetition"),
        ("(?:a|b+)*c", "repeats a repetition"),
        (r"(\w+) \1", "refers back"),
        ("a{5000}", "repeats more than 1000 times"),
    ],
)
def test_patterns_without_end(pattern, says):
    with pytest.raises(SourceError, match=says):
        check_tokenizer(tokenizer(pre_tokenizer=split(pattern)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tokenizer(normalizer=replace("a", "aa", times=40)), "times as long, 64 times are allowed"),
        (tokenizer(normalizer=replace("", "x" * 100)), "times as long"),
        (tokenizer(normalizer={"type": "Prepend", "prepend": "x" * 5000}), "'prepend' of 5000 characters"),
        (tokenizer(normalizer=character_map(b"x" * 500)), "a replacement of 500 bytes"),
        (tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": "?"}), "character map is damaged"),
        (tokenizer({"max_input_chars_per_word": 10**9}), "max_input_chars_per_word 1000000000, 1000 is allowed"),
        (tokenizer({"continuing_subword_prefix": "#" * 10_000}), "a continuing_subword_prefix of 10000 characters"),
        (tokenizer(post_processor={"special_tokens": {"x": {"ids": [0] * 10**5}}}), "'ids' of 100000 entries"),
        (tokenizer(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}] * 199}), "parts, 200 are allowed"),
        (b"[1]", "not a JSON object"),
        (b"{", "not readable JSON"),
        (b"[" * 100_000, "not readable JSON"),
        (b"{}", "has no model"),
    ],
)
def test_parts_beyond_the_bounds(content, says):
    started = time.monotonic()
    with pytest.raises(SourceError, match=says):
        TextTokenizer(content, max_tokens=8).transform([])
    assert time.monotonic() - started < 60


def test_more_bytes_than_any_tokenizer_has(monkeypatch):
    monkeypatch.setattr(tokenizer_limits, "MAX_TOKENIZER_BYTES", 10)
    with pytest.raises(SourceError, match="is too large; 10 are allowed"):
        check_tokenizer(tokenizer())


def test_what_is_within_the_bounds_works():
    parts = {"normalizer": character_map(b"a"), "pre_tokenizer": split(r"\s+")}
    assert check_tokenizer(tokenizer(**parts))
    batch = TextTokenizer(tokenizer(pre_tokenizer={"type": "Whitespace"}), max_tokens=8).transform(["a b"])
    assert batch["input_ids"].tolist() == [[1, 0]]


def test_a_pattern_that_is_slow_is_found_by_a_trial(monkeypatch):
    monkeypatch.setattr(tokenizer_trial, "DEADLINE_S", 3)
    with pytest.raises(
        SourceError, match="does not read texts of 8192 characters within limits: it was not ready after 3"
    ):
        TextTokenizer(tokenizer(pre_tokenizer=split("a*a*a*b")), max_tokens=8).transform([])


def test_a_pattern_that_only_looks_slow_passes_the_trial():
    content = tokenizer(pre_tokenizer=split(r"[ab]*[cd]*"))
    assert not check_tokenizer(content)
    TextTokenizer(content, max_tokens=8).transform(["a"])


def test_a_panic_of_the_library_is_an_error_of_ours(monkeypatch):
    panic = type("PanicException", (BaseException,), {})

    class Library:
        class Tokenizer:
            @staticmethod
            def from_buffer(content):
                raise panic("index out of bounds")

    monkeypatch.setattr(tokens, "require", lambda *_, **__: Library)
    with pytest.raises(SourceError, match="index out of bounds"):
        TextTokenizer(tokenizer(), max_tokens=8).transform(["a"])
