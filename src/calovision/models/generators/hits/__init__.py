"""Jet images as hits, drawn one after another, of any detector."""
