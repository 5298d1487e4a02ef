"""Model packs and running them through ONNX Runtime."""
