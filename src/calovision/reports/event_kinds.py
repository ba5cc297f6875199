"""What the events of a report are called."""

from __future__ import annotations

from dataclasses import dataclass

from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES


@dataclass(frozen=True)
class Things:
    """Words for one kind of event.

    Attributes:
        one, many: an event, and several.
        classes: names of labels 0 (background) and 1 (signal).
        rate: metric that tells how many are scored per second.
    """

    one: str
    many: str
    classes: tuple[str, str]
    rate: str

    def of(self, label: int) -> str:
        """Events of one class."""
        return f"{self.classes[label]} {self.many}"


JETS = Things("jet", "jets", JET_IMAGES.classes, "jets_per_s")
CROPS = Things("crop", "crops", EGAMMA_CROPS.classes, "crops_per_s")
