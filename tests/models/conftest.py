"""Makes ``whole_levels.py`` importable, whatever the directory pytest runs in."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
