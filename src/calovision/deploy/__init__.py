"""Trained tasks as graphs of tensors alone, preparation included: what is written as ONNX."""
