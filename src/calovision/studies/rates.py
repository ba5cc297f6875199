"""Rate and distortion of jet VAEs: what codes cost in bits, beside what is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from calovision.evaluation import judges as bench
from calovision.evaluation.evaluate import measure, told_apart, truth_floor
from calovision.events.events import Events
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.autoencoders.components import Components
from calovision.models.autoencoders.hits_vae import HitsVAETask
from calovision.models.compression import compress, law_of
from calovision.models.reconstruct import decoded, encoded

SIZES = (64, 128, 240, 512, 1024)


def of_sizes(task: HitsVAETask, sizes: Iterable[int], train: Events) -> Iterator[HitsVAETask]:
    """A trained autoencoder of hits with codes of other sizes, their law fitted to ``train``."""
    for size in sizes:
        config = task.config.model_copy(update={"latent": size})
        made = type(task)(task.geometry, config, task.jets.columns)
        state = {k: v for k, v in task.state_dict().items() if not k.startswith("code_law.")}
        made.load_state_dict(state)
        made.eval().place(task.device).fit_codes(made.dataset(train))
        yield made


def of_components(sizes: Iterable[int], train: Events) -> Iterator[Components]:
    """Principal components of training images."""
    return (Components(train, size) for size in sizes)


def rate(
    task: AutoencoderTask,
    events: Events,
    *,
    seed: int = 1,
    slow_events: int = 1000,
    judges: bench.Names | None = None,
) -> dict[str, Any]:
    """What codes of an autoencoder cost, and what is lost, of events that it has not seen.

    Reconstructions are those of quantised codes, as they come out of a file.

    Args:
        task: trained, with a law of its codes.
        events: with classes.
        seed: of all that is random.
        slow_events: events for the energy-mover distance.
        judges: who tell reconstructions from originals; no judge for an empty list.

    Returns:
        ``bits`` an event, as :class:`~calovision.models.compression.Compressed` has them, and
        ``metrics``.
    """
    with TemporaryDirectory() as folder:
        spent = compress(Path(folder) / "events", task, events, seed=seed, quiet=True)
    law, codes = law_of(task), encoded(task, events, True)
    rebuilt = decoded(task, law.codes(law.symbols(codes)), seed, True)
    floors = truth_floor(events, seed)
    metrics, _ = measure(events, rebuilt, codes, seed, floors, slow_events)
    if judges is None or len(judges):
        metrics |= bench.metrics_of(told_apart(events, rebuilt, seed, judges))
    bits = {k: v for k, v in spent.to_dict().items() if k not in ("path", "events")}
    return {"bits": bits, "metrics": {k: m.to_dict() for k, m in metrics.items()}}
