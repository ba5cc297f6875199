"""Fine-tuning: more training of a trained model on other events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.api.load import load_model
from calovision.api.model import Model
from calovision.api.training import Place, given_settings, on_disk
from calovision.errors import DamagedError, InputError
from calovision.events.event_set import EventSet

if TYPE_CHECKING:
    from calovision.training.settings import Training

EPOCHS = 3  #: passes over the new events
FINE_RATE = 0.2  #: learning rate of fine-tuning, as a share of that of the first training


def fine_tune(
    model: Model | str | Path,
    data: EventSet | str | Path,
    *,
    out: str | Path | None = None,
    device: str | None = None,
    seed: int | None = None,
    epochs: float | None = None,
    budget_s: float | None = None,
    processes: int | None = None,
    resume: bool = False,
    config: str | Path | None = None,
    skip_corrupt: bool = False,
    quiet: bool = False,
    **settings: Any,
) -> Model:
    """Train a copy of a model further, on other events of the same geometry and units.

    The scaling of its inputs stays; calibration and the out-of-distribution flag are fitted to the
    new events. By default the learning rate is a fifth of the first training's. Training events of
    both trainings are left out when the new model is evaluated. With ``frozen=True`` only the last
    layers of a tagger learn, for which some hundred events are enough.

    Args:
        model: what to begin with, or its run directory.
        data: training events, as for :func:`train`.
        out: run directory to write; by default one that is gone with the model.
        device: as for :func:`train`.
        seed: of the split and all random numbers; that of the first training by default.
        epochs: passes over the new training events, 3 by default.
        budget_s: seconds after which the training ends.
        processes: that train together on this machine.
        resume: go on with the run in ``out``.
        config: YAML file of settings.
        skip_corrupt: leave out damaged shards of ``data``, with a warning.
        quiet: no progress bar.
        **settings: any other setting that leaves the network's shape as it is, such as
            ``learning_rate``.

    Returns:
        The new model; the old one stays as it is.

    Raises:
        InputError: events of another geometry, of other units, or too few; a setting that does
            not fit the weights.

    Warns:
        UserWarning: the training saw too little, or learned nothing that validation shows.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(400, seed=5, quiet=True)
        >>> mine = cv.fine_tune(cv.pretrained("egamma"), crops, epochs=1, quiet=True)
        >>> mine.predict(crops[:3]).probability.shape
        (3,)
    """
    from calovision.models.config import load_config, read_settings
    from calovision.models.listing import meanings_here
    from calovision.models.load import rebuild, recorded_config
    from calovision.models.train import train as run

    place = Place.of(out, resume)
    if not isinstance(model, Model | str | Path):
        raise InputError(f"{type(model).__name__} in place of a model", "give the model first")
    begun = model if isinstance(model, Model) else load_model(model, device="cpu")
    if begun.task == "symmetry":
        raise InputError("a symmetry model cannot be fine-tuned", "train a new one")
    trained = begun._trained
    first: Training = recorded_config(trained.run)
    written = {} if config is None else read_settings(Path(config))
    asked = given_settings(
        seed=seed, epochs=epochs, budget_s=budget_s, processes=processes, device=device
    )
    given = written | settings | asked
    if given.get("simulate"):
        raise InputError("events to simulate, and a set to train on", "leave simulate out")
    # How long, on how much and where the first training went says nothing about this one.
    fresh: dict[str, Any] = {"budget_s": 1e9, "events": 0, "device": "auto", "processes": 1}
    fresh |= {name: 0 for name in ("simulate", "frozen") if getattr(first, name, 0)}
    fresh |= {"epochs": EPOCHS, "learning_rate": FINE_RATE * first.learning_rate}
    module = {} if trained.module is None else {"module": trained.module}
    settled = load_config(begun.task, begun.name, None, first.model_dump() | fresh | given | module)
    store = on_disk(data, place.folder, skip_corrupt)
    trained.loaded().check_geometry(store.geometry)
    try:
        rebuild(settled, store.geometry, trained.run.weights)
    except DamagedError:
        own = meanings_here(type(first)).keys() & given.keys()
        changed = ", ".join(sorted(n for n in own if given[n] != first.model_dump().get(n)))
        raise InputError(
            f"the weights of {trained.run.path} do not fit a network with another {changed}",
            "leave out what changes the network's shape",
        ) from None
    run(settled, store, place.folder, resume=resume, quiet=quiet, start=trained.run)
    return place.model(device, trained.module)
