"""Write ONNX graphs node by node from arrays, without torch or an exporter."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import onnx

OPSET = 18
IR_VERSION = 9  # the oldest that holds opset 18: bundles must load in runtimes that are years old

FLOAT32 = 1  # ONNX's number, for casts

ELEMENT_TYPES = {"float32": FLOAT32, "uint8": 2, "int32": 6, "int64": 7, "string": 8, "bool": 9, "float64": 11}
"""ONNX's number of each type of elements."""

_DOMAIN_VERSIONS = {"": OPSET, "ai.onnx.ml": 2}  # 1 for others


class GraphBuilder:
    """An ONNX graph under construction; values are named by plain strings.

    >>> graph = GraphBuilder()
    >>> x = graph.input("x", "float32", ["batch", 2])
    >>> graph.output(graph.op("Mul", x, graph.constant(np.float32(2))), "y", "float32", ["batch", 2])
    >>> [node.op_type for node in graph.model().graph.node]
    ['Mul', 'Identity']
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._domains: set[str] = set()
        self._count = 0
        self._prefix = ""

    @contextmanager
    def inputs_named(self, prefix: str) -> Iterator[None]:
        """Prefix the names of the inputs that are declared inside the block."""
        before, self._prefix = self._prefix, self._prefix + prefix
        yield
        self._prefix = before

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """Declare an input; a string in `shape` names a dynamic axis, which is prefixed too, except for 'batch'."""
        axes = [self._prefix + axis if isinstance(axis, str) and axis != "batch" else axis for axis in shape]
        self._inputs.append(_value_info(self._prefix + name, dtype, axes))
        return self._prefix + name

    def input_like(self, value: onnx.ValueInfoProto) -> str:
        """Declare an input with the name, type and shape of another graph's."""
        self._inputs.append(value)
        return str(value.name)

    def output(self, value: str, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Publish `value` under `name`."""
        from onnx import helper

        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_value_info(name, dtype, shape))

    def constant(self, array: Any, name: str | None = None) -> str:
        """Store an array in the graph and return its name."""
        from onnx import numpy_helper

        name = name or self._fresh("constant")
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), name))
        return name

    def op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return that output's name."""
        return self.op_of_many(operator, *inputs, n_outputs=1, **attributes)[0]

    def op_of_many(self, operator: str, *inputs: str, n_outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs and return their names."""
        from onnx import helper

        outputs = [self._fresh(operator.lower()) for _ in range(n_outputs)]
        self._domains.add(attributes.get("domain", ""))
        self._nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs

    def choose(self, condition: str, then: Callable[[], str], otherwise: Callable[[], str], dtype: str) -> str:
        """Add an If node: run the nodes of `then` if `condition` holds, else those of `otherwise`; each returns its value."""
        branches = {}
        for name, build in (("then_branch", then), ("else_branch", otherwise)):
            with self._body() as nodes:
                value = build()
            branches[name] = self._subgraph(name, nodes, value, dtype)
        return self.op("If", condition, **branches)

    def inline(self, graph: onnx.GraphProto, feeds: Mapping[str, str], arrays: Mapping[str, Any]) -> str:
        """Copy another graph of this opset and return the name of its first output.

        Parameters
        ----------
        feeds : the value in this graph for each of its inputs
        arrays : further constants, which are not among its initializers
        """
        import onnx
        from onnx import compose, helper

        prefix = f"{self._fresh('inlined')}/"
        whole = onnx.GraphProto()
        whole.CopyFrom(graph)
        for name, array in arrays.items():
            self.constant(array, f"{prefix}{name}")
            whole.input.append(helper.make_empty_tensor_value_info(name))  # only declared names are prefixed
        copied = compose.add_prefix_graph(whole, prefix)
        self._nodes += [helper.make_node("Identity", [value], [f"{prefix}{name}"]) for name, value in feeds.items()]
        self._nodes += copied.node
        self._domains |= {node.domain for node in copied.node} - {"ai.onnx"}  # another name of ""
        self._initializers += copied.initializer
        return str(copied.output[0].name)

    def model(self, metadata: Mapping[str, str] | None = None, *, check: bool = True) -> onnx.ModelProto:
        """Make a model of the graph; checking can be skipped if a runtime, which checks too, opens it directly."""
        import onnx
        from onnx import helper

        graph = helper.make_graph(self._nodes, "headstart", self._inputs, self._outputs, self._initializers)
        model = helper.make_model(graph, opset_imports=self._opsets(), producer_name="headstart", ir_version=IR_VERSION)
        if metadata:
            helper.set_model_props(model, dict(metadata))
        if check:
            onnx.checker.check_model(model)
        return model

    def _opsets(self) -> list[onnx.OperatorSetIdProto]:
        from onnx import helper

        return [helper.make_opsetid(name, _DOMAIN_VERSIONS.get(name, 1)) for name in sorted({"", *self._domains})]

    @contextmanager
    def _body(self) -> Iterator[list[onnx.NodeProto]]:
        """Collect the nodes added inside the block as a subgraph body, which can read values of the outer graph."""
        around, self._nodes = self._nodes, []
        yield self._nodes
        self._nodes = around

    def _subgraph(self, name: str, nodes: list[onnx.NodeProto], value: str, dtype: str) -> onnx.GraphProto:
        from onnx import helper

        typed = helper.make_tensor_value_info(value, ELEMENT_TYPES[dtype], None)
        return helper.make_graph(nodes, self._fresh(name), [], [typed])

    def _fresh(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


def mean_over_tokens(graph: GraphBuilder, x: str, mask: str) -> str:
    """Average (batch, length, dimensions) over the tokens that are not padding; zeros if there are none."""
    total = graph.op("MatMul", graph.op("Unsqueeze", mask, graph.constant(np.array([1]))), x)  # (batch, 1, dimensions)
    count = graph.op("ReduceSum", mask, graph.constant(np.array([1])), keepdims=1)
    count = graph.op("Max", count, graph.constant(np.float32(1)))
    return graph.op("Div", graph.op("Squeeze", total, graph.constant(np.array([1]))), count)


def _value_info(name: str, dtype: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(name, ELEMENT_TYPES[dtype], list(shape))
