"""A bundle that is not exactly as it was sealed is refused, by the name of the file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary, integers
from onnx import TensorProto, helper, numpy_helper
from tiny_bundle import make_predictor
from tiny_texts import make_text_bundle

from headstart.core.errors import BundleError
from headstart.core.strict_json import to_json
from headstart.onnx_graph.scan import scan
from headstart.packaging import load_bundle
from headstart.packaging.export import export
from headstart.packaging.manifest import MAX_FILE_BYTES, MAX_FILES, seal
from headstart.packaging.session import open_bundle_session

FILES = ["model.onnx", "head.safetensors", "moments.safetensors", "report.json", "report.html", "README.md"]


def refused(folder, pattern):
    with pytest.raises(BundleError, match=pattern) as caught:
        load_bundle(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "headstart"))


def reseal(folder, **changes):
    """Change the manifest as somebody would who knows how it is sealed."""
    content = json.loads((folder / "manifest.json").read_text())
    del content["sha256"]
    content.update(changes)
    sealed = {**content, "sha256": hashlib.sha256(to_json(content).encode()).hexdigest()}
    (folder / "manifest.json").write_text(to_json(sealed))


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    refused(bundle, f"{re.escape(name)} has been changed")


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file(bundle, name):
    (bundle / name).write_bytes((bundle / name).read_bytes()[:-7])
    refused(bundle, rf"{re.escape(name)} has \d+ bytes and should have \d+")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(bundle, name):
    (bundle / name).unlink()
    refused(bundle, f"{re.escape(name)} is missing from the bundle")


@pytest.mark.parametrize(
    ("before", "after"), [('"fruit"', '"fruis"'), ('"kiwi"', '"kiwj"'), ('"bytes": ', '"bytes": 1')]
)
def test_a_changed_manifest(bundle, before, after):
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(text.replace(before, after, 1))
    refused(bundle, "manifest.json has been changed")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b'{"schema": 1', b"[" * 100_000])
def test_an_unreadable_manifest(bundle, content):
    (bundle / "manifest.json").write_bytes(content)
    refused(bundle, "manifest.json is not readable JSON")


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"schema": "1", "files": {}}', '{"schema": 0, "files": {}}', '{"schema": 1}']
)
def test_json_that_is_no_manifest(bundle, content):
    (bundle / "manifest.json").write_text(content)
    refused(bundle, "not a bundle's manifest")


@given(at=integers(0, 10**6), mask=integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_of_any_file_is_refused(bundle_files, at, mask):
    paths = sorted(path for path in bundle_files.iterdir())
    path = paths[at % len(paths)]
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[at % len(whole)] ^= mask
    try:
        path.write_bytes(changed)
        with pytest.raises(BundleError):
            load_bundle(bundle_files)
    finally:
        path.write_bytes(whole)


def test_a_newer_format(bundle):
    reseal(bundle, schema=2, headstart="9.0.0")
    refused(bundle, r"made by a newer Headstart \(9.0.0\): its format is 2.*pip install --upgrade headstart")


def test_a_file_that_does_not_belong(bundle):
    (bundle / "payload.py").write_text("print('hello')")
    refused(bundle, "payload.py does not belong to the bundle")


def test_what_a_desktop_leaves_is_ignored(bundle):
    (bundle / ".DS_Store").write_bytes(b"icons")
    assert load_bundle(bundle).name == "fruit"


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "input/../../secret", "a/b/c", "..", "input//x", "C:\\x", "a\nb"]
)
def test_a_path_that_escapes(bundle, name):
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    reseal(bundle, files={**files, name: files["README.md"]})
    refused(bundle, "names a file outside the bundle")


def test_an_input_file_that_is_not_listed(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    reseal(bundle, input={**manifest["input"], "files": {"tokenizer.json": "../../etc/passwd"}})
    refused(bundle, "lists no file '../../etc/passwd'")


def test_a_symbolic_link(bundle, tmp_path):
    (bundle / "README.md").rename(tmp_path / "elsewhere.md")
    (bundle / "README.md").symlink_to(tmp_path / "elsewhere.md")
    refused(bundle, "README.md is a symbolic link")


def test_a_manifest_that_lacks_a_field(bundle):
    content = json.loads((bundle / "manifest.json").read_text())
    del content["sha256"], content["files"], content["labels"]
    seal(bundle, content)
    refused(bundle, "lacks 'labels' in its manifest")


@pytest.mark.parametrize("kind", ["nothing", "file", "empty folder", "folder"])
def test_not_a_bundle(tmp_path, kind):
    target = tmp_path / "out"
    if kind == "file":
        target.write_text("hello")
    elif kind != "nothing":
        target.mkdir()
    if kind == "folder":
        (target / "photo.jpg").write_bytes(b"")
    refused(target, "there is no bundle at" if kind == "nothing" else "is not a bundle")


def with_external(where):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    if where == "initializer":
        graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    elif where == "node":
        nodes = [helper.make_node("Constant", [], ["w"], value=tensor), helper.make_node("Add", ["x", "w"], ["y"])]
        graph = helper.make_graph(nodes, "g", [x], [y])
    else:
        inner = helper.make_graph([helper.make_node("Constant", [], ["y"], value=tensor)], "inner", [], [y])
        graph = helper.make_graph(
            [helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)], "g", [x], [y]
        )
    return helper.make_model(graph)


@pytest.mark.parametrize("where", ["initializer", "node", "subgraph"])
def test_a_graph_that_reads_other_files(bundle, where):
    model = with_external(where).SerializeToString()
    assert scan(model).has_external_data
    with_graph(bundle, model)
    refused(bundle, "external data")


def with_graph(bundle, model):
    """Put another graph in, sealed again as somebody would who knows how."""
    (bundle / "model.onnx").write_bytes(model)
    content = json.loads((bundle / "manifest.json").read_text())
    del content["sha256"], content["files"]
    seal(bundle, content)


def with_operator(name, domain, *, inside=False):
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    node = helper.make_node(name, ["x"], ["y"], domain=domain)
    if inside:
        inner = helper.make_graph([node], "inner", [], [y])
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    return helper.make_model(helper.make_graph([node], "g", [x], [y])).SerializeToString()


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("name", "domain", "called"),
    [
        ("Evil", "com.example", "com.example.Evil"),
        ("Relu", "ai.onnx.contrib", "ai.onnx.contrib.Relu"),
        ("EPContext", "com.microsoft", "EPContext"),
        ("PythonOp", "com.microsoft", "PythonOp"),
    ],
)
def test_a_custom_operator(bundle, name, domain, called, inside):
    with_graph(bundle, with_operator(name, domain, inside=inside))
    refused(bundle, rf"custom operators, which code of others would run \({re.escape(called)}\)")


@pytest.mark.parametrize("domain", ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"])
def test_operators_of_the_runtime_are_not_custom(domain):
    assert scan(with_operator("Gelu", domain)).custom == ()


def test_a_function_of_the_graphs_own_cannot_hide_one():
    node = helper.make_node("Evil", ["a"], ["b"], domain="com.example")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
    function = helper.make_function("", "Fine", ["a"], ["b"], [node], opsets)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Fine", ["x"], ["y"])], "g", [x], [y])
    assert scan(helper.make_model(graph, functions=[function]).SerializeToString()).custom == ("com.example.Evil",)


@pytest.mark.parametrize(
    "junk",
    [
        b"\xba\x80\x80\x80\x10\x00",  # field 7 to a reader that cuts the tag to 32 bits, another to one that does not
        b"\x0b\x0c",
        b"\x08" + b"\xff" * 11,
        b"\x3a\xff\xff\xff\x7f",
    ],
)
def test_a_graph_that_two_readers_would_read_differently(junk):
    with pytest.raises(ValueError, match=r"tag|wire type|64 bits|cut short"):
        scan(junk)


def test_a_graph_in_the_runtimes_other_format(bundle, tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession((bundle / "model.onnx").read_bytes(), options)
    with_graph(bundle, (tmp_path / "model.ort").read_bytes())
    with pytest.raises(BundleError, match=r"model\.onnx (is not a readable ONNX model|cannot be opened)"):
        load_bundle(bundle)


def test_a_pipe_instead_of_a_file(bundle):
    (bundle / "README.md").unlink()
    os.mkfifo(bundle / "README.md")
    refused(bundle, "README.md is not a plain file")


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 10**30])
def test_an_oversized_file_is_refused_before_it_is_looked_for(bundle, size):
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    reseal(bundle, files={**files, "huge.bin": {"bytes": size, "sha256": "0" * 64}})
    refused(bundle, rf"'huge.bin' is too large: {size} bytes")


def test_an_oversized_bundle(bundle):
    entry = {"bytes": MAX_FILE_BYTES, "sha256": "0" * 64}
    reseal(bundle, files={f"part{i}.bin": entry for i in range(3)})
    refused(bundle, "lists files that are too large")
    reseal(bundle, files={f"part{i}.bin": {**entry, "bytes": 1} for i in range(MAX_FILES + 1)})
    refused(bundle, "lists too many files: 1001")


def test_an_oversized_manifest(bundle):
    with (bundle / "manifest.json").open("r+b") as file:
        file.truncate(1 << 40)  # a hole: it takes no room on the disk
    refused(bundle, "manifest.json is too large")


@pytest.mark.parametrize("entry", [None, 3, [], {}, {"bytes": "3"}, {"bytes": -1}, {"bytes": True}, {"bytes": 1.5}])
def test_an_entry_that_does_not_say_how_long_a_file_is(bundle, entry):
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    reseal(bundle, files={**files, "README.md": entry})
    refused(bundle, "does not say how long 'README.md' is")


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": "kiwi"},
        {"labels": ["kiwi", 3, None]},
        {"name": None},
        {"columns": []},
        {"input": {"kind": "pixels", "settings": 3}},
        {"input": 1},
    ],
)
def test_a_field_of_another_kind(bundle, changes):
    reseal(bundle, **changes)
    refused(bundle, r"must be (a text|a list|an object)")


@pytest.mark.parametrize("described", [{"threshold": 2.0}, {"threshold": -0.1}, {"threshold": "1"}, ["threshold"], 3])
def test_a_prediction_set_that_is_none(bundle, described):
    reseal(bundle, prediction_set=described)
    refused(bundle, "prediction_set must have a threshold from 0 to 1")


def test_photos_of_a_size_that_the_graph_does_not_take(bundle):
    described = json.loads((bundle / "manifest.json").read_text())["input"]
    reseal(bundle, input={**described, "settings": {**described["settings"], "width_px": 5}})
    answer = load_bundle(bundle).predictions([np.zeros((9, 9, 3), np.uint8)])[0]
    assert "the model cannot take these arrays" in answer.error


def test_a_task_that_is_not_known_here(bundle):
    reseal(bundle, task="forecasting")
    refused(bundle, "the bundle is for the task 'forecasting'; known here: binary")


def test_labels_that_the_graph_does_not_have(bundle):
    reseal(bundle, labels=["apple"])
    refused(bundle, r"model\.onnx does not give one output for each of the 1 labels")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ["apple", "kiwi", "kiwi"]}, "'labels' in the manifest name 'kiwi' twice"),
        ({"task": "binary"}, "says 'binary' and has 3 labels"),
        ({"columns": {"input": 3}}, "'columns' in the manifest gives 'input' as 3"),
        ({"modality": "text"}, "the manifest says 'text', but its fields are of 'image'"),
        ({"modality": "text", "fields": [{"name": "photo", "modality": "text"}]}, "the input reads 'image'"),
        ({"fields": [{"name": "photo", "modality": "smell"}]}, "smell"),
        (
            {"modality": "row", "fields": [{"name": name, "modality": "image"} for name in "ab"]},
            "the input reads 'image'",
        ),
        ({"modality": "row", "fields": [{"name": "a", "modality": "image"}] * 2}, "name one twice"),
    ],
)
def test_a_manifest_that_does_not_fit_the_parts(bundle, changes, words):
    reseal(bundle, **changes)
    refused(bundle, words)


@pytest.mark.parametrize("value", ["\\ud800", "[" * 900 + "]" * 900])
def test_a_manifest_that_no_bundle_was_sealed_with(bundle, value):
    text = (bundle / "manifest.json").read_text()
    value = value if value.startswith("[") else f'"{value}"'
    (bundle / "manifest.json").write_text(text.replace('"fruit"', value, 1))
    refused(bundle, r"manifest\.json (has been changed|is not readable)")


def test_weights_that_look_like_external_data_are_not():
    raw = bytes([0x70, 0x01, 0x6A, 0x02, 0x0A, 0x00]) * 40
    tensor = helper.make_tensor("w", TensorProto.UINT8, [len(raw)], raw, raw=True)
    y = helper.make_tensor_value_info("y", TensorProto.UINT8, [len(raw)])
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [y], [tensor])
    model = onnx.helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()
    assert not scan(model).has_external_data
    np.testing.assert_array_equal(open_bundle_session(model).run(None, {})[0], np.frombuffer(raw, np.uint8))


@given(junk=binary(max_size=200))
def test_junk_is_an_error_or_harmless(junk):
    with contextlib.suppress(ValueError):
        assert scan(junk).n_nodes >= 0


def test_a_graph_that_is_cut_short():
    with pytest.raises(BundleError, match="not a readable ONNX model"):
        open_bundle_session(export(make_predictor(), n_outputs=3)[:-3])


def test_a_graph_that_the_runtime_does_not_know():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("NoSuchOperator", ["x"], ["y"])], "g", [x], [y])
    with pytest.raises(BundleError, match=r"cannot be opened by ONNX Runtime .* pip install --upgrade onnxruntime"):
        open_bundle_session(helper.make_model(graph, ir_version=9).SerializeToString(), trust_graphs=True)


def test_a_loop_is_refused_unless_its_maker_is_trusted(bundle, monkeypatch):
    with_graph(bundle, with_operator("Loop", ""))
    refused(bundle, r"model\.onnx has operators that are not on the list .*\(Loop\).*--trust-graphs")
    for trust in ({"trust_graphs": True}, {}):
        monkeypatch.setenv("HEADSTART_TRUST_GRAPHS", "" if trust else "1")
        with pytest.raises(BundleError, match="cannot be opened by ONNX Runtime"):  # it has no body
            load_bundle(bundle, **trust)


@pytest.mark.parametrize("rows", [1, 3], ids=["one for all", "others than items"])
def test_a_graph_that_does_not_give_a_row_for_each_item(bundle, rows):
    model = onnx.ModelProto.FromString((bundle / "model.onnx").read_bytes())
    last = next(node for node in model.graph.node if node.output[0] == "outputs")
    stored = numpy_helper.from_array(np.full((rows, 3), 1 / 3, np.float32), "stored")
    model.graph.initializer.append(stored)
    last.input[0] = "stored"
    with_graph(bundle, model.SerializeToString())
    items = [np.zeros((9, 9, 3), np.uint8)] * 2
    with pytest.raises(BundleError, match=rf"gives 'outputs' as float32 of shape \({rows}, 3\) for 2 items"):
        load_bundle(bundle).predict(items)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"model": {"type": "None"}}'])
def test_a_tokenizer_that_cannot_be_read(tmp_path, content):
    bundle = make_text_bundle(tmp_path / "texts")
    (tokenizer,) = bundle.glob("input/*tokenizer.json")
    tokenizer.write_bytes(content)
    described = json.loads((bundle / "manifest.json").read_text())
    del described["sha256"], described["files"]
    seal(bundle, described)
    refused(bundle, "the bundle's input cannot be used: the tokenizer file")
