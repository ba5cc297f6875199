"""Figures and the self-contained HTML report."""

from __future__ import annotations

from calovision.drawing import settle

settle()
