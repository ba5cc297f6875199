"""Models that tell two classes of events apart."""
