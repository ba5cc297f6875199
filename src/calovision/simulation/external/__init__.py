"""Particles of other programs: reading their files, and imaging their jets."""
