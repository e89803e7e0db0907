"""Network architectures as ONNX graphs, one file each.

A part of the kind `architectures` is a module with

- `encode(graph, state, card) -> str`: declare the inputs, add the network, return the value of shape (batch, dimensions);
- `FILES` (optional): names of further files of the source, whose content `encode` is given as `files`;
- `initialise(name, array, rng) -> array`: fresh random weights for one array of the state;
- `BATCH_SIZE`: how many items one thread runs at a time fastest;
- `DRAW` (optional): names how `initialise` draws, where that has changed since features were first kept.
"""
