"""Figures and the self-contained HTML report."""

from __future__ import annotations

from calovision.utils.matplotlib_backend import ignore_unknown_backend

ignore_unknown_backend()
