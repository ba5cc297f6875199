"""Crops of single electrons and photons in the calorimeter, by one of two engines."""
