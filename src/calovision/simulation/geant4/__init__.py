"""Geant4 without its data sets, in processes of its own."""
