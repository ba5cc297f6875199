"""True events that are independent of what they are to judge: no training events, none twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.fingerprints import FingerprintIndex, Fingerprints, fingerprints


@dataclass(frozen=True)
class Truth:
    """True events that can judge others.

    Attributes:
        a: the true events.
        floor: more of the truth, if it was given.
        left_out: numbers of true events that were left out of ``a`` and ``floor``: ``training``
            events, ``judged`` events (they are in B, too) and ``repeated`` ones; and of B,
            ``same_origin``: events that show the same generated jets or particles as events of A.
    """

    a: Events
    floor: Events | None
    left_out: dict[str, int]


def independent(
    a: Events,
    b: Events,
    floor: Events | None,
    training: Events | None,
    known: FingerprintIndex | None,
    least: int,
) -> Truth:
    """The true events without those that B's generator was trained on, or that are in B.

    Args:
        a: true events.
        b: events to judge.
        floor: more of the truth; what is in ``a`` is left out of it.
        training: events that the generator of ``b`` was trained on.
        known: fingerprints of such events.
        least: events that a sample needs; without ``floor``, ``a`` is two samples.

    Raises:
        InputError: too few true events are left.
    """
    of_a, of_b = fingerprints(a), fingerprints(b)
    seen = [known] if known is not None else []
    if training is not None:
        seen.append(fingerprints(training).index())
    counts = {"training": 0, "judged": 0, "repeated": 0}
    a = _without(a, of_a, seen, of_b, None, counts)
    if floor is not None:
        floor = _without(floor, fingerprints(floor), seen, of_b, of_a, counts)
    gone = sum(counts.values())
    enough = (2 if floor is None else 1) * least
    if gone and (len(a) < enough or (floor is not None and len(floor) < least)):
        told = f"{counts['training']} are training events, {counts['judged']} are among the events"
        raise InputError(
            f"too few true events are left: {told} to judge, {counts['repeated']} are repeated",
            "give true events of their own, such as those of another --seed",
        )
    origin = of_b.isin(of_a.index()) & ~of_b.isin(of_a.image_index())
    return Truth(a, floor, counts | {"same_origin": int(origin.sum())})


def _without(
    events: Events,
    prints: Fingerprints,
    seen: list[FingerprintIndex],
    judged: Fingerprints,
    other: Fingerprints | None,
    counts: dict[str, int],
) -> Events:
    """``events`` without those ``seen``, ``judged``, repeated or in the ``other`` true events."""
    training = np.zeros(len(events), np.bool_)
    for known in seen:
        training |= prints.isin(known)
    common = prints.isin(judged.image_index()) & ~training
    repeated = prints.repeated()
    if other is not None:
        repeated |= prints.isin(other.index())
    repeated &= ~training & ~common
    for name, mask in (("training", training), ("judged", common), ("repeated", repeated)):
        counts[name] += int(mask.sum())
    gone = training | common | repeated
    return events[~gone] if gone.any() else events


def told(left_out: dict[str, int]) -> list[str]:
    """What was left out, a line each, for people."""
    words = {
        "training": "{} true events are left out: B's generator was trained or chosen on them",
        "judged": "{} true events are left out: they are among the events to judge",
        "repeated": "{} true events are left out: they are there more than once",
        "same_origin": "warning: {} events to judge show the same generated jets or particles as"
        " true events: the sets are not independent, distances come out too small",
    }
    return [words[name].format(number) for name, number in left_out.items() if number]
