"""Jets as sequences of particles before the detector."""
