"""Read the arrays of a graph that are kept in files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.core.errors import SourceError
from headstart.onnx_graph.scan import scan

if TYPE_CHECKING:
    import onnx

    from headstart.storage.untrusted_folder import UntrustedFolder

MAX_GRAPH_BYTES = 2 << 30  # what a protocol buffer can hold


def load_external_data(model: onnx.ModelProto, where: str, folder: UntrustedFolder | None) -> None:
    """Put the arrays that are in other files into the model.

    Parameters
    ----------
    where : the model's name in messages
    folder : the graph's own, in which those files must be

    Raises
    ------
    SourceError
        There is no such folder, a file is not in it, or the arrays are larger than a graph can hold.
    """
    contents: dict[str, bytes] = {}
    n_bytes = 0
    for array in model.graph.initializer:
        if not array.external_data:
            continue
        stated = {entry.key: entry.value for entry in array.external_data}
        if folder is None:
            raise SourceError(f"{where} keeps its arrays in other files, which are not allowed here.")
        name = stated.get("location", "")
        if name not in contents:
            contents[name] = folder.read(name)
        try:
            start = int(stated.get("offset", 0))
            stop = start + int(stated["length"]) if "length" in stated else len(contents[name])
        except ValueError as error:
            raise SourceError(f"{where} does not say where in '{name}' its arrays are. Export it again.") from error
        array.raw_data = contents[name][start:stop]
        n_bytes += len(array.raw_data)
        if n_bytes > MAX_GRAPH_BYTES:
            raise SourceError(f"{where} has arrays of more than {MAX_GRAPH_BYTES} bytes. Export a smaller one.")
        del array.external_data[:]
        array.data_location = type(array).DEFAULT
    if scan(model.SerializeToString()).has_external_data:
        raise SourceError(f"{where} keeps arrays of single nodes in other files. Export it in one file.")
