"""Network architectures as ONNX graphs, one file each.

A part of the kind `onnx_networks` is a module with

- `encode(graph, state, card) -> str`: declare the inputs, add the network, and return the value of shape (batch, dimensions);
- `FILES` (optional): names of further files of the source, whose content is passed to `encode` as `files`;
- `initialise(name, array, rng) -> array`: fresh random weights for one array of the state;
- `BATCH_SIZE`: the number of items that is fastest for one thread;
- `DRAW` (optional): a name for how `initialise` draws, if that has changed since features were first cached.
"""
