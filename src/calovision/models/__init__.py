"""Models: what is learned, by which network, and what a trained one is used for.

``calovision.models.Tagger`` and ``calovision.models.Autoencoder`` are for networks of one's own.
"""

from __future__ import annotations

from calovision.models.own import Autoencoder, Tagger
from calovision.utils.matplotlib_backend import settle

__all__ = ["Autoencoder", "Tagger"]

settle()


def __dir__() -> list[str]:
    return __all__
