"""Models that compress and reconstruct jets."""
