"""Which of several generators is nearest to the truth: the CaloChallenge's multi-class classifier.

See arXiv:2410.21611.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.evaluation import challenge, matching
from calovision.evaluation.challenge_inputs import INPUTS, inputs_of
from calovision.evaluation.independence import independent
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.fingerprints import FingerprintIndex
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.posterior import DEFINITIONS, log_posteriors
from calovision.training.devices import chosen_device
from calovision.training.run import versions

TRUTH = "truth"  #: what messages call the true events


def rank(
    truth: Events,
    made: Mapping[str, Events],
    *,
    judge: str,
    seed: int,
    known: Mapping[str, FingerprintIndex | None],
    device: str = "auto",
    epochs: int = challenge.EPOCHS,
) -> dict[str, Any]:
    """Mean log posterior of every generator on true events.

    As many events of each generator are used as the smallest set has: 60 % to learn from, 20 % to
    choose the epoch, 20 % to see whether generators are told apart at all.

    Args:
        truth: true events; training events of any generator, and events that one has copied, are
            left out.
        made: events of each generator, by its name.
        judge: whose network, a key of :data:`~calovision.evaluation.challenge_inputs.INPUTS`.
        seed: of split, network and batches.
        known: fingerprints of the generators' training events, where they are known.
        device: on which the network learns.
        epochs: passes over the training events.

    Returns:
        ``truth`` and ``made`` (events used), ``judge``, ``metrics``, ``seed`` and ``versions``,
        ready for JSON.

    Raises:
        InputError: fewer than two generators, too few events, an unknown judge, sets of different
            geometry, numbers that are not finite, or negative weights.
    """
    if judge not in INPUTS:
        raise InputError(f"no judge {judge!r}", f"choose one of {', '.join(INPUTS)}")
    if len(made) < 2:
        raise InputError("one set cannot be ranked", "give two or more, or use compare")
    place = chosen_device(device)
    sets = matching.checked({TRUTH: truth, **made})
    truth = sets.pop(TRUTH)
    for name, events in sets.items():
        if events.geometry != truth.geometry:
            raise InputError(
                f"{name} holds other images than the truth"
                f" ({events.geometry.name}, {truth.geometry.name})",
                "rank sets of one kind",
            )
        truth = independent(truth, events, None, None, known.get(name), challenge.MIN_EVENTS).a
    size = min(map(len, sets.values()))
    parts = [challenge.split(size, seed, k) for k in range(len(sets))]
    train, choose, test = (
        np.concatenate([k * size + rows for k, rows in enumerate(part)])
        for part in zip(*parts, strict=True)
    )
    used = [e[:size] for e in sets.values()]
    inputs = inputs_of(judge, (*used, truth))
    label = np.repeat(np.arange(len(sets)), size)
    of = [weighting.of(e) for e in used]
    weight = np.concatenate([np.ones(size) if w is None else w for w in of])
    options: dict[str, Any] = {"classes": len(sets), "epochs": epochs}
    network = challenge.learned(inputs, label, weight, (train, choose), seed, place, **options)
    true = len(label) + np.arange(len(truth))
    posterior, own = (
        challenge.log_posterior(challenge.scored(network, inputs, rows, place))
        for rows in (true, test)
    )
    found = log_posteriors(posterior, list(sets), weighting.of(truth))
    right = (own.argmax(axis=1) == label[test]).astype(np.float64)
    accuracy = mean_metric(right, DEFINITIONS["generator_accuracy"], weight[test])
    found["generator_accuracy"] = replace(accuracy, floor=1 / len(sets))
    return {
        TRUTH: {"events": len(truth)},
        "made": {name: {"events": size} for name in sets},
        "judge": judge,
        "seed": seed,
        "metrics": {k: m.to_dict() for k, m in found.items()},
        "versions": versions(),
    }
