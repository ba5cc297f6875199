"""Pure networks: plain keyword arguments, tensors in, tensors out."""
