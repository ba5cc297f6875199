"""The part of the report of jet generation about sets as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from calovision.events.events import Events
from calovision.features.observables import observable_matrix
from calovision.features.substructure import EEC_WIDTH, energy_correlator
from calovision.metrics.correlations import correlation_matrix
from calovision.metrics.definitions import grouped
from calovision.metrics.groups import WHOLE
from calovision.reports.html import Section
from calovision.reports.pages.common import observable_title
from calovision.reports.pages.generation_pictures import SIMULATED
from calovision.reports.plots import whole as drawings
from calovision.reports.sources import Source
from calovision.reports.tables import metric_table


def keys_of(source: Source) -> list[str]:
    """The metrics of the table that any model has."""
    available = dict.fromkeys(k for result in source.models.values() for k in result["metrics"])
    return grouped(available).get(WHOLE, [])


def whole(source: Source, samples: Mapping[str, Events]) -> Section | None:
    """Coverage, correlations, significance, weights and worth, with their figures.

    Args:
        source: of the page.
        samples: name to events, simulated ones among them.
    """
    keys = keys_of(source)
    tables = [metric_table(source.models, keys, source.floor, ratio=False)] if keys else []
    drawn = [*_weights(source), *_correlators(samples), *_correlations(samples)]
    return Section(WHOLE.title, WHOLE.text, drawn, tables) if tables or drawn else None


def _weights(source: Source) -> list[tuple[Figure, str]]:
    found = {n: r["weights"] for n, r in source.models.items() if r.get("weights")}
    if not found:
        return []
    caption = (
        "Weights that the strictest judge would give jets for the sets to agree: 1 where they do. "
        "Left of the first dotted line lie generated jets that are ten times too frequent, right "
        "of the second simulated jets that are hardly ever generated."
    )
    return [(drawings.weights(found), caption)]


def _correlators(samples: Mapping[str, Events]) -> list[tuple[Figure, str]]:
    if SIMULATED not in samples or len(samples) < 2:
        return []
    channels = samples[SIMULATED].geometry.calorimeters
    spectra = {name: energy_correlator(events, channels) for name, events in samples.items()}
    if not spectra[SIMULATED].any():
        return []
    figure = drawings.correlator(spectra, EEC_WIDTH, "hits in calorimeters")
    return [(figure, "Energy correlator: pairs of hits, weighted with their shares of the energy.")]


def _correlations(samples: Mapping[str, Events]) -> list[tuple[Figure, str]]:
    own = next((name for name in samples if name != SIMULATED), None)
    if SIMULATED not in samples or own is None:
        return []
    tables, names = zip(*(observable_matrix(samples[n]) for n in (SIMULATED, own)), strict=True)
    if min(map(len, tables)) < 2:
        return []
    matrices = [correlation_matrix(table) for table in tables]
    shown = np.flatnonzero(np.isfinite([np.diag(m) for m in matrices]).all(axis=0))
    truth, other = (m[np.ix_(shown, shown)] for m in matrices)
    titles = f"correlations, {SIMULATED} jets", f"{own} minus {SIMULATED}"
    labels = [observable_title(names[0][k]) for k in shown]
    figure = drawings.correlation_maps(truth, other, labels, titles)
    return [(figure, "Linear correlation coefficients of all pairs of observables.")]
