"""Models that generate jets."""
