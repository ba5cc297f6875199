"""Evaluation of event sets and of trained models: metrics of samples, with floors and errors."""
