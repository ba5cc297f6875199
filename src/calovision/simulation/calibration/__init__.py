"""Fits of the detector's constants to published numbers about its images."""
