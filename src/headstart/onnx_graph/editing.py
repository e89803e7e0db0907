"""Read an ONNX file of unknown origin: check it, convert it to our opset, and cut it at a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import SourceError, first_line, require
from headstart.engines.limited_process import LimitError
from headstart.onnx_graph.builder import IR_VERSION, OPSET
from headstart.onnx_graph.external_data import load_external_data
from headstart.onnx_graph.operators import is_listed
from headstart.onnx_graph.scan import scan
from headstart.onnx_graph.session import open_session
from headstart.onnx_graph.trial import try_graph
from headstart.onnx_graph.vetting import MAX_NODES, TRUST_REMEDY, graphs_are_trusted
from headstart.storage.untrusted_folder import check_beginning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import onnx

    from headstart.core.model import Batch
    from headstart.storage.untrusted_folder import UntrustedFolder

_OWN_DOMAINS = ("", "ai.onnx")
_FLOATS = (1, 10, 11)  # float32, float16, float64
_PURPOSE = "adding an ONNX graph"
_MAX_FUNCTION_DEPTH = 50  # of functions that call functions; without an end where one calls itself


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The output of one node; `shape` is as measured, with the batch first."""

    value: str
    node: str
    operator: str
    shape: tuple[int, ...]


def read_onnx(
    content: bytes, where: str, folder: UntrustedFolder | None = None, *, trust_graphs: bool | None = None
) -> onnx.ModelProto:
    """Read a model and convert it to opset 18, with all arrays inside.

    Parameters
    ----------
    where : its name in messages
    folder : with the files of its arrays, if they are external
    trust_graphs : as for `vetting.vet`

    Raises
    ------
    SourceError
        It is not an ONNX model, is damaged, reaches out of its folder, has operators that are not ONNX's own, or may run without
        end.
    """
    require("onnx", extra="train", purpose=_PURPOSE)
    from onnx import inliner

    model = _parsed(content, where, folder)
    if not (is_trusted := graphs_are_trusted(trust_graphs)):
        _refuse_many_nodes(model, where)
    try:
        model = inliner.inline_local_functions(model)
        _refuse_custom(model, where)
        if not is_trusted:
            _refuse_unlisted(model, where)
        return _to_our_opset(model)
    except SourceError:
        raise
    except Exception as error:  # checker, converter and inference raise different errors
        raise SourceError(
            f"{where} cannot be read as an ONNX graph of opset {OPSET} ({first_line(error)}). Export it with opset {OPSET}."
        ) from error


def _parsed(content: bytes, where: str, folder: UntrustedFolder | None) -> onnx.ModelProto:
    """The model as it is written, with all arrays inside."""
    import onnx

    check_beginning(where, content, expected="an ONNX file")
    try:
        found = scan(content)
        model = onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf's own errors share no base with ValueError
        raise SourceError(
            f"{where} is not a readable ONNX file ({first_line(error)}). Export or copy it again."
        ) from error
    if not model.graph.output:
        raise SourceError(f"{where} is not a readable ONNX file (it has no output). Export or copy it again.")
    if found.has_external_data:
        load_external_data(model, where, folder)
    return model


def _refuse_custom(model: onnx.ModelProto, where: str) -> None:
    custom = sorted({f"{n.domain}.{n.op_type}" for n in _all_nodes(model.graph) if n.domain not in _OWN_DOMAINS})
    if custom:
        raise SourceError(
            f"{where} has operators that are not ONNX's own ({', '.join(custom[:5])}), which need other code "
            "to run. Export it without them."
        )


def _refuse_unlisted(model: onnx.ModelProto, where: str) -> None:
    """Refuse loops, conditionals and the like, whose work has no bound."""
    unlisted = sorted(
        {n.op_type for n in _all_nodes(model.graph) if not is_listed(n.domain, n.op_type) or any(_graphs(n))}
    )
    if unlisted:
        raise SourceError(
            f"{where} has operators that are not on the list of those whose work is bounded ({', '.join(unlisted[:5])}). "
            f"Export it without them. {TRUST_REMEDY}"
        )


def _refuse_many_nodes(model: onnx.ModelProto, where: str) -> None:
    """Count the nodes that there will be once functions are written out, which may double with each of them."""
    functions = {(one.domain, one.name): one for one in model.functions}
    counts: dict[tuple[str, str], int] = {}

    def count(nodes: Iterable[onnx.NodeProto], depth: int) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in functions and key not in counts:
                counts[key] = (
                    count(_all_nodes(functions[key]), depth + 1) if depth < _MAX_FUNCTION_DEPTH else MAX_NODES + 1
                )
            total += counts.get(key, 1)
        return total

    if (n_nodes := count(_all_nodes(model.graph), 0)) > MAX_NODES:
        raise SourceError(f"{where} has {n_nodes} nodes or more; {MAX_NODES} are allowed. {TRUST_REMEDY}")


def layers(model: onnx.ModelProto, feeds: Batch, where: str, *, trust_graphs: bool | None = None) -> list[Layer]:
    """Run the graph once on two items and list the layers with one row of floating-point numbers per item.

    Raises
    ------
    SourceError
        ONNX Runtime refuses the graph or the two items, or it needs more time or memory than is allowed.
    """
    import onnx
    from onnx import helper

    traced = onnx.ModelProto()
    traced.CopyFrom(model)
    makers = {value: node for node in traced.graph.node for value in node.output if value}
    known = {output.name for output in traced.graph.output}
    # typed by the runtime itself
    traced.graph.output.extend([helper.make_empty_tensor_value_info(value) for value in makers if value not in known])
    names = [output.name for output in traced.graph.output]
    values = run(traced, feeds, where, trust_graphs=trust_graphs)
    n = len(next(iter(feeds.values())))
    found = dict(zip(names, values, strict=True))
    return [
        Layer(value=name, node=node.name, operator=node.op_type, shape=found[name].shape)
        for name, node in makers.items()
        if isinstance(found[name], np.ndarray)
        and found[name].dtype.kind == "f"
        and found[name].ndim in (2, 3, 4)
        and found[name].shape[0] == n
    ]


def run(model: onnx.ModelProto, feeds: Batch, where: str, *, trust_graphs: bool | None = None) -> list[Any]:
    """Run a graph without the runtime's optimizations, once it is known to end.

    Raises
    ------
    SourceError
        ONNX Runtime refuses it, or it needs more time or memory than is allowed.
    """
    content = model.SerializeToString()
    if not graphs_are_trusted(trust_graphs):
        try:
            try_graph(content, feeds)
        except LimitError as error:
            raise SourceError(f"{where} does not run on two items within limits: {error}. {TRUST_REMEDY}") from error
    try:
        return list(open_session(content, threads=1, optimise=False).run(None, feeds))
    except Exception as error:  # the runtime's errors share no base
        raise SourceError(
            f"ONNX Runtime cannot run {where} on two items at once ({first_line(error)}). Export it with a batch axis of "
            "any length, for ONNX Runtime's own operators."
        ) from error


def cut(model: onnx.ModelProto, value: str) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Keep what `value` depends on, and move the floating-point arrays out; returns the graph and the arrays by name."""
    from onnx import helper, numpy_helper

    kept, needed = _needed(model, value)
    arrays = [array for array in model.graph.initializer if array.name in needed]
    weights = {array.name: numpy_helper.to_array(array) for array in arrays if array.data_type in _FLOATS}
    stored = {array.name for array in model.graph.initializer}
    graph = helper.make_graph(
        kept,
        "network",
        [one for one in model.graph.input if one.name in needed and one.name not in stored],
        [helper.make_empty_tensor_value_info(value)],
        [array for array in arrays if array.name not in weights],
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION), weights


def keep(model: onnx.ModelProto, value: str) -> None:
    """Take out of the model what `value` does not depend on, and all outputs, for `layers` and `cut`."""
    kept, needed = _needed(model, value)
    del model.graph.output[:]
    outputs = {name for node in kept for name in node.output}
    for parts, is_needed in (
        (model.graph.node, lambda node: outputs.intersection(node.output)),
        (model.graph.initializer, lambda array: array.name in needed),
        (model.graph.input, lambda given: given.name in needed),
    ):
        for i in reversed(range(len(parts))):
            if not is_needed(parts[i]):
                del parts[i]


def _needed(model: onnx.ModelProto, value: str) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that `value` depends on, and the names of all that they read."""
    needed, kept = {value}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(_reads(node))
    return kept[::-1], needed


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """All names that a node or its subgraphs read; names from inside the subgraphs do no harm."""
    yield from node.input
    for inner in _graphs(node):
        yield from (output.name for output in inner.output)
        for child in inner.node:
            yield from _reads(child)


def _all_nodes(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for inner in _graphs(node):
            yield from _all_nodes(inner)


def _graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _to_our_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    import onnx
    from onnx import version_converter

    found = max((opset.version for opset in model.opset_import if opset.domain in _OWN_DOMAINS), default=OPSET)
    onnx.checker.check_model(model)
    return model if found == OPSET else version_converter.convert_version(model, OPSET)


def input_types(model: onnx.ModelProto) -> Mapping[str, tuple[int, tuple[int, ...]]]:
    """ONNX element type and shape of each input, 0 for dynamic axes."""
    stored = {array.name for array in model.graph.initializer}
    return {
        given.name: (
            given.type.tensor_type.elem_type,
            tuple(axis.dim_value for axis in given.type.tensor_type.shape.dim),
        )
        for given in model.graph.input
        if given.name not in stored
    }
