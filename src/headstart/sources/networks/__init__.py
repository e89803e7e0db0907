"""Networks: as ONNX graphs and as torch modules."""
