"""Network architectures, as ONNX graphs and as torch modules."""
