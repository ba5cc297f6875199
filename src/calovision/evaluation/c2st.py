"""A classifier two-sample test by our tagger, a particle transformer: which jets are generated?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.store import EventStore, save
from calovision.metrics.two_sample import two_sample_auc
from calovision.models.classify import score
from calovision.models.config import load_config
from calovision.models.load import load_tagger
from calovision.models.train import train
from calovision.utils.files import write_json

METRIC = "classifier_auc_transformer"
EPOCHS = 13  #: the AUC still rises after the eight of the tagger's preset
MIN_TRAINING = 100  #: events of each set


def c2st(truth: Events, made: Events, out: Path, *, seed: int) -> dict[str, object]:
    """AUC of the transformer telling ``made`` from ``truth``, on halves that it has not seen.

    It is trained for :data:`EPOCHS`, whatever time they take: a judge that stopped by the clock
    would be stricter on a faster machine.

    Args:
        truth: simulated events.
        made: generated ones; as many as both sets have are used.
        out: folder for the data, the run and the result ``likeness.json``, which is read if there.
        seed: of the training and the bootstrap.

    Returns:
        the metric, ready for JSON.

    Raises:
        InputError: too few events to train on.
    """
    finished = out / "likeness.json"
    if finished.exists():
        return dict(json.loads(finished.read_text()))
    size = min(len(truth), len(made)) // 2
    if size < MIN_TRAINING:
        raise InputError(f"{2 * size} events are too few to train a network on", "give more")
    halves = []
    for label, events in enumerate((truth, made)):
        bare = replace(events, columns={"label": np.full(len(events), label, np.int8)})
        halves.append((bare[:size], bare[size : 2 * size]))
    (seen, unseen), (seen_made, unseen_made) = halves
    data = out / "data"
    if (data / "manifest.json").exists():
        store = EventStore.open(data)
    else:
        store = save(concatenate([seen, seen_made]), data, provenance={"made_by": "likeness"})
    settings = {"seed": seed, "epochs": EPOCHS, "test": 0.0, "truth": 0.0}
    config = load_config("jet-tagger", overrides=settings)
    run = train(config, store, out / "run", resume=True, quiet=True)
    scores = score(load_tagger(run), concatenate([unseen, unseen_made]), quiet=True)
    found = two_sample_auc(scores.probability, (size, size), paired=False, seed=seed)
    write_json(finished, found.to_dict())
    return dict(found.to_dict())
