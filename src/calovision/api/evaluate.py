"""What a trained model is worth on events that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

from calovision.api.results import Results
from calovision.api.trained import Trained
from calovision.events.event_set import EventSet


def evaluate(
    trained: Trained,
    events: EventSet,
    *,
    seed: int = 1,
    judges: str | Sequence[str] | None = None,
    quiet: bool = True,
) -> Results:
    """See :meth:`calovision.api.model.Model.evaluate`."""
    from calovision.evaluation.evaluate import evaluate as measured
    from calovision.utils.files import write_json

    run, task, device = trained.run, trained.loaded(), trained.device
    found = measured(run, task, events, seed=seed, judges=judges, device=device, quiet=quiet)
    write_json(trained.writable_run() / "results.json", found)
    return Results(found)
