"""What is learned: losses, optimisers, schedules and the runs that carry them out."""

from __future__ import annotations

from calovision.drawing import settle

settle()
