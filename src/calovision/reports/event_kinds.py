"""What the events of a report are called: jets or crops, their classes and channels."""

from __future__ import annotations

from dataclasses import dataclass

from calovision.events.geometry import Geometry
from calovision.metrics.definitions import channel_title


@dataclass(frozen=True)
class EventKind:
    """Words for the events of one geometry.

    Attributes:
        geometry: of the images.
    """

    geometry: Geometry

    @property
    def many(self) -> str:
        """Several events: ``jets`` or ``crops``."""
        return self.geometry.schema

    @property
    def one(self) -> str:
        """A single event."""
        return self.many.removesuffix("s")

    @property
    def rate(self) -> str:
        """Metric that tells how many are scored per second."""
        return f"{self.many}_per_s"

    def of(self, label: int) -> str:
        """Events of one class: 0 is the background, 1 the signal."""
        return f"{self.geometry.classes[label]} {self.many}"

    @property
    def words(self) -> dict[str, str]:
        """What texts of a page name: events, classes, channels, pixels of an image."""
        titles = [channel_title(c) for c in self.geometry.channel_names]
        *first, last = (t if t.isupper() else t.lower() for t in titles)
        background, signal = self.geometry.classes
        return {
            "one": self.one,
            "many": self.many,
            "background": background,
            "signal": signal,
            "channels": f"{', '.join(first)} and {last}" if first else last,
            "pixels": f"{len(self.geometry.channels) * self.geometry.cells:,}",
        }
