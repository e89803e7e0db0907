"""ONNX graphs: build, scan, cut and run them."""
