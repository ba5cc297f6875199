"""Every metric there is: the definitions that stand beside what computes them, by their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from calovision.events.events import Events
from calovision.metrics.groups import CLASSIFICATION, GROUPS, Group
from calovision.metrics.value import Definition

#: modules of this room with metrics, in the order of the tables
MODULES = (
    "symmetry",
    "occupancy",
    "response",
    "emd",
    "physics_distance",
    "two_sample",
    "memorisation",
    "precision_recall",
    "correlations",
    "sliced",
    "classifier_weights",
    "worth",
    "posterior",
    "classification",
    "sculpting",
    "temperature",
    "explanation",
    "wasserstein",
    "image_quality",
)
_PREPARED = "from hits in memory to the score, building of batches included"
#: of what needs no function here: rates, shares and differences of others
_OTHERS = {
    "jets_per_s": Definition(
        "inference speed",
        f"Jets scored per second {_PREPARED}; of a generator, jets made per second.",
        CLASSIFICATION,
        unit="jets/s",
        good="One core of the simulation makes some hundred jets per second, so a few thousand "
        "keep up with it.",
    ),
    "crops_per_s": Definition(
        "inference speed",
        f"Crops scored per second {_PREPARED}.",
        CLASSIFICATION,
        unit="crops/s",
        good="The parametrised simulation makes some hundred per second and core.",
    ),
    "out_of_distribution": Definition(
        "out of distribution",
        "Share of events that the tagger reports as unlike those it was trained on.",
        higher_is_better=False,
        good="A few per cent on jets of the training kind, 100 % on jets it cannot know, such as "
        "those of 500 GeV. A score without this warning is a guess dressed as a number.",
        source="arXiv:1807.03888",
    ),
    "change": Definition("change", "Difference to the nominal conditions.", ratio=False),
    "ceiling": Definition(
        "ceiling", "AUC of trees on the jet as it was before pile-up and detector.", ratio=False
    ),
}
#: key of ``results.json`` to what it means; capitals stand for the name of a channel, a digit, or a
#: number of latent dimensions, square brackets for what may be missing: ``emd[_CHANNEL]``
DEFINITIONS: dict[str, Definition] = dict(_OTHERS)
#: functions of true and of judged events that ``compare`` measures with floor and bootstrap
COMPARED: dict[str, Callable[[Events, Events], float]] = {}
for _name in MODULES:
    _module = import_module(f"calovision.metrics.{_name}")
    DEFINITIONS |= _module.DEFINITIONS
    COMPARED |= getattr(_module, "COMPARED", {})
_ORDER = {key: number for number, key in enumerate(DEFINITIONS)}
_PARTS = {"CHANNEL": "(?P<channel>.+)", "DIGIT": r"(?P<digit>\d+)", "LATENT": r"(?P<latent>\d+)"}
CHANNELS = {"track": "Track", "ecal": "ECAL", "hcal": "HCAL"}  #: titles of the usual channels


def channel_title(name: str) -> str:
    """How a channel is called in tables and figures."""
    return CHANNELS.get(name, name)


def _pattern(key: str) -> re.Pattern[str]:
    """What the keys of a definition look like."""
    text = key.replace("[", "(?:").replace("]", ")?")
    return re.compile(re.sub("CHANNEL|DIGIT|LATENT", lambda found: _PARTS[found[0]], text))


#: the longest first: ``w1_hit_energy_ecal`` is no ``w1_hit`` of a channel ``energy_ecal``
_PATTERNS = {key: _pattern(key) for key in sorted(DEFINITIONS, key=len, reverse=True)}


@cache
def _found(key: str) -> tuple[str, dict[str, str]]:
    """Key of the definition, empty if there is none, and the channel, digit or latent dimension."""
    if key in DEFINITIONS:
        return key, {}
    for name, pattern in _PATTERNS.items():
        if (match := pattern.fullmatch(key)) is not None:
            return name, {k: v for k, v in match.groupdict().items() if v}
    return "", {}


def is_defined(key: str) -> bool:
    """Whether there is a metric with that key."""
    return bool(_found(key)[0])


def definition(key: str, entry: Mapping[str, Any] | None = None) -> Definition:
    """What a metric of ``results.json`` is, its channel, digit or latent dimension in its label.

    Args:
        key: of the metric. One that is not known stands for itself.
        entry: how it stands there, which tells unit and direction of one that is not known.
    """
    name, of = _found(key)
    if not name:
        known = {k: v for k, v in (entry or {}).items() if k in ("unit", "higher_is_better")}
        return Definition(key.replace("_", " "), ratio=False, **known)
    prefix = channel_title(of["channel"]) if "channel" in of else of.get("digit", "")
    if "latent" in of:
        prefix += f"{', ' if prefix else ''}d = {of['latent']}"
    found = DEFINITIONS[name]
    return replace(found, label=f"{prefix}: {found.label}") if prefix else found


def observable(name: str) -> tuple[str, str]:
    """Label and unit, for an axis, of an observable such as ``sum_e_ecal``; counts have no unit."""
    found, of = _found(f"w1_{name}")
    if not found:
        return name.replace("_", " "), ""
    label = DEFINITIONS[found].label.removeprefix("W1 of ").removeprefix("the ")
    title = channel_title(of["channel"]) if "channel" in of else ""
    unit = DEFINITIONS[found].unit
    return f"{title} {label}".strip(), "" if unit in ("hits", "tracks") else unit


def grouped(keys: Iterable[str]) -> dict[Group | None, list[str]]:
    """Metrics by the table of a report in which they stand; what is in none of them, by ``None``.

    Args:
        keys: in the order of ``results.json``, which is that of the channels.

    Returns:
        In the order of :data:`~calovision.metrics.groups.GROUPS`; metrics by latent dimension and
        digit, then in the order of their definitions, then by channel.
    """

    def place(key: str) -> tuple[int, float, int]:
        name, of = _found(key)
        latent, digit = int(of.get("latent", 0)), float(of.get("digit", "inf"))
        return -latent, digit, _ORDER.get(name, len(_ORDER))

    tables: dict[Group | None, list[str]] = {group: [] for group in (*GROUPS, None)}
    for key in sorted(keys, key=place):
        group = definition(key).group
        total_alone = group is not None and not group.by_channel
        if group in tables and not (total_alone and "channel" in _found(key)[1]):
            tables[group].append(key)
    return {group: found for group, found in tables.items() if found}
