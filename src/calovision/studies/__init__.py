"""One file per system: its baseline, ours, and the comparison of both."""
