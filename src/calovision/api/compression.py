"""Events as bits and back, by an autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from calovision.api.given import events_of
from calovision.api.trained import Trained
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.store import EventStore

if TYPE_CHECKING:
    from calovision.models.compression import Compressed


class Compressing:
    """The part of :class:`~calovision.api.model.Model` that compresses."""

    _trained: Trained

    def compress(
        self,
        events: EventSet | str | Path,
        out: str | Path,
        *,
        seed: int = 1,
        quiet: bool = True,
    ) -> Compressed:
        """Write events as bits: the quantised codes of a VAE, and their columns without loss.

        Args:
            events: to be compressed.
            out: file to write.
            seed: of what decompressing draws.
            quiet: no progress bar.

        Returns:
            What an event takes in bits, beside its hits without loss.

        Raises:
            InputError: the model is no autoencoder, events of another geometry, or the file
                cannot be written.

        Example:
            >>> import calovision as cv, tempfile, pathlib
            >>> jets = cv.pretrained("jet-generator").generate(2, seed=3)
            >>> model, file = cv.pretrained("jet-vae"), pathlib.Path(tempfile.mkdtemp()) / "jets.cv"
            >>> spent = model.compress(jets, file)
            >>> spent.written < spent.parquet, len(model.decompress(file))
            (True, 2)
        """
        from calovision.models.compression import compress

        task = self._trained.of_kind("autoencoder")
        return compress(Path(out), task, events_of(events), seed=seed, quiet=quiet)

    def decompress(
        self, data: str | Path, *, out: str | Path | None = None, quiet: bool = True
    ) -> Events | EventStore:
        """The events of a compressed file, as the model that wrote it reconstructs them.

        Args:
            data: the file.
            out: folder of a set to write instead of keeping the events in memory.
            quiet: no progress bar.

        Raises:
            InputError: no such file, a damaged one, or one of another model.
        """
        from calovision.models.compression import decompress

        task = self._trained.of_kind("autoencoder")
        return decompress(Path(data), task, out=None if out is None else Path(out), quiet=quiet)
