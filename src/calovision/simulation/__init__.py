"""Simulated events: jets, single electrons and photons, others' particles, digits."""
