"""The speed table: every ratio measured side by side, on one core, in one run."""

from __future__ import annotations
