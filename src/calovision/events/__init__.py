"""Detector images: what they are, how they are stored, read, split and batched."""
