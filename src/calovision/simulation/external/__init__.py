"""Particles that other programs have made: files of them, and images of their jets."""
