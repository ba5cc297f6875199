"""What a discovered symmetry is worth."""
