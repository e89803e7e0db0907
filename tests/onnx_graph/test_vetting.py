"""Graphs that may run without end are refused before anything opens them; those of real networks are opened as they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from headstart.core.errors import SourceError
from headstart.onnx_graph import scan as scanning
from headstart.onnx_graph import trial, vetting
from headstart.onnx_graph.editing import read_onnx
from headstart.onnx_graph.folding import folds_quickly
from headstart.onnx_graph.vetting import RefusedGraphError, vet

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name, kind=FLOAT, shape=("n",)):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(*nodes, functions=(), shape=("n",), **arrays):
    """From `x` to `y`, with arrays by name."""
    stored = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(list(nodes), "g", [value("x", shape=shape)], [value("y")], stored)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=functions).SerializeToString()


def loop():
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Add", ["a", "a"], ["b"])],
        "body",
        [value("i", INT64, ()), value("c", BOOL, ()), value("a")],
        [value("d", BOOL, ()), value("b")],
    )
    return model_of(
        helper.make_node("Loop", ["many", "go", "x"], ["y"], body=body), many=np.int64(2**62), go=np.bool_(1)
    )


def conditional():
    branch = helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "branch", [], [value("z")])
    return model_of(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch), c=np.bool_(1))


def doubling_functions(n=40):
    """Function k calls function k - 1 twice."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]

    def function(k):
        domain, called = ("", "Neg") if k == 0 else ("own", f"f{k - 1}")
        nodes = [helper.make_node(called, [one], [other], domain=domain) for one, other in (("a", "b"), ("b", "c"))]
        return helper.make_function("own", f"f{k}", ["a"], ["c"], nodes, opsets)

    return model_of(
        helper.make_node(f"f{n - 1}", ["x"], ["y"], domain="own"), functions=[function(k) for k in range(n)]
    )


def endless_folding(side=8_000):
    """The product of two large squares, of which the file has one number and the sides."""
    nodes = [
        helper.make_node("Expand", ["one", "sides"], ["square"]),
        helper.make_node("MatMul", ["square", "square"], ["product"]),
        helper.make_node("ReduceSum", ["product"], ["sum"]),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    return model_of(*nodes, one=np.ones((1, 1), np.float32), sides=np.array([side, side]))


def growing_shape():
    """As large, but the sides are those of an input whose lengths are fixed."""
    nodes = [
        helper.make_node("Shape", ["x"], ["sides"]),
        helper.make_node("Expand", ["one", "sides"], ["square"]),
        helper.make_node("Add", ["square", "x"], ["y"]),
    ]
    return model_of(*nodes, shape=(8_000, 8_000), one=np.ones((1, 1), np.float32))


def doubling_array(n=40):
    """Each node joins the array before to itself."""
    names = ["a", *(f"a{i}" for i in range(n))]
    nodes = [helper.make_node("Concat", [one, one], [other], axis=0) for one, other in pairwise(names)]
    return model_of(*nodes, helper.make_node("Add", ["x", names[-1]], ["y"]), a=np.ones(64, np.float32))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (loop(), r"not on the list of those whose work is bounded \(Loop\)"),
        (conditional(), r"\(If\)"),
        (model_of(helper.make_node("RandomNormalLike", ["x"], ["y"])), r"\(RandomNormalLike\)"),
        (doubling_functions(2), "custom operators|operators that it defines itself"),
    ],
    ids=["loop", "conditional", "randomness", "functions"],
)
def test_what_may_have_no_end_is_refused_unless_its_maker_is_trusted(model, says):
    with pytest.raises(RefusedGraphError, match=says):
        vet(model)
    if "custom" not in says:
        vet(model, trust_graphs=True)


@pytest.mark.parametrize(
    ("make", "deadline_s", "memory_mib", "says"),
    [
        (endless_folding, 3, 4096, "not ready after 3"),
        (growing_shape, 30, 200, "200 MiB"),
        (doubling_array, 30, 500, "500 MiB"),
    ],
    ids=["product", "shape", "doubling"],
)
def test_folding_without_end_is_refused(make, deadline_s, memory_mib, says, monkeypatch):
    monkeypatch.setattr(trial, "DEADLINE_S", deadline_s)
    monkeypatch.setattr(trial, "MEMORY_BYTES", memory_mib << 20)
    assert not folds_quickly(make())
    with pytest.raises(RefusedGraphError, match=rf"cannot be opened within limits: it .*{says}.*--trust-graphs"):
        vet(make())


def test_folding_that_ends_is_allowed():
    vet(endless_folding(side=30))


def test_what_a_real_network_folds_needs_no_trial(monkeypatch):
    monkeypatch.setattr(vetting, "try_graph", lambda model: pytest.fail("tried"))
    nodes = [
        helper.make_node("Cast", ["weights"], ["wide"], to=FLOAT),
        helper.make_node("Transpose", ["wide"], ["turned"]),
        helper.make_node("Mul", ["turned", "half"], ["scaled"]),
        helper.make_node("Shape", ["x"], ["lengths"]),
        helper.make_node("ConstantOfShape", ["lengths"], ["zeros"]),
        helper.make_node("Add", ["x", "zeros"], ["same"]),
        helper.make_node("MatMul", ["same", "scaled"], ["y"]),
    ]
    vet(model_of(*nodes, shape=("n", "m"), weights=np.ones((300, 200), np.float16), half=np.float32(0.5)))


def test_nodes_in_the_wrong_order_do_not_hide_what_is_folded():
    square = helper.make_node("ConstantOfShape", ["sides"], ["square"])
    nodes = [helper.make_node("Add", ["x", "late"], ["y"]), helper.make_node("Neg", ["square"], ["late"]), square]
    assert not folds_quickly(model_of(*nodes, sides=np.array([9, 9])))


def test_a_sparse_array_may_stand_for_a_huge_one():
    model = onnx.ModelProto.FromString(model_of(helper.make_node("Add", ["x", "s"], ["y"])))
    values, places = helper.make_tensor("s", FLOAT, [1], [1.0]), helper.make_tensor("i", INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [10**12]))
    assert not folds_quickly(model.SerializeToString())


def test_more_nodes_than_any_network_has(monkeypatch):
    monkeypatch.setattr(vetting, "MAX_NODES", 1)
    with pytest.raises(RefusedGraphError, match="has 2 nodes; 1 are allowed"):
        vet(model_of(helper.make_node("Neg", ["x"], ["z"]), helper.make_node("Neg", ["z"], ["y"])))


def test_more_parts_than_any_network_has(monkeypatch):
    monkeypatch.setattr(scanning, "_MAX_FIELDS", 10)
    with pytest.raises(ValueError, match="too many parts"):
        vet(model_of(helper.make_node("Neg", ["x"], ["y"])))


def test_the_environment_can_say_that_graphs_are_trusted(monkeypatch):
    monkeypatch.setenv("HEADSTART_TRUST_GRAPHS", "1")
    vet(loop())
    with pytest.raises(RefusedGraphError, match="Loop"):
        vet(loop(), trust_graphs=False)


class TestReadOnnx:
    @pytest.mark.parametrize("make", [loop, conditional], ids=["loop", "conditional"])
    def test_what_may_have_no_end_is_refused(self, make):
        with pytest.raises(SourceError, match=r"model\.onnx has operators that are not on the list .*--trust-graphs"):
            read_onnx(make(), "model.onnx")

    def test_a_conditional_of_a_trusted_maker_is_read(self):
        assert read_onnx(conditional(), "model.onnx", trust_graphs=True).graph.node[0].op_type == "If"

    def test_functions_are_written_out(self):
        assert [node.op_type for node in read_onnx(doubling_functions(3), "m").graph.node] == ["Neg"] * 8

    def test_functions_that_double_are_refused_before_they_are_written_out(self):
        with pytest.raises(SourceError, match="nodes or more; 100000 are allowed"):
            read_onnx(doubling_functions(), "model.onnx")
