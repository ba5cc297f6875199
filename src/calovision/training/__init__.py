"""Training: settings, batches, the loop, devices, processes and run directories."""

from __future__ import annotations

from calovision.utils.matplotlib_backend import ignore_unknown_backend

ignore_unknown_backend()
