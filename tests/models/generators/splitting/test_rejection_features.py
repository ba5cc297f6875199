from __future__ import annotations

from dataclasses import replace

import numpy as np

from calovision.events.events import Events
from calovision.features.hit_sums import EventHits
from calovision.features.observables import observables
from calovision.models.generators.splitting.rejection_features import axis_shapes, features, width


def test_shapes_about_the_axis_are_those_of_the_metrics(toy_jets: Events) -> None:
    shapes, known = (
        axis_shapes(EventHits(toy_jets), toy_jets.geometry.calorimeters),
        observables(toy_jets),
    )
    for c, channel in enumerate(toy_jets.geometry.channel_names):
        number, girth, ptd, core, _ = shapes[:, 5 * c : 5 * c + 5].T
        np.testing.assert_allclose(girth, known[f"girth_{channel}"], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(ptd, known[f"ptd_{channel}"], rtol=1e-5)
        np.testing.assert_allclose(core, known[f"core_{channel}"], rtol=1e-5, atol=1e-7)
        if channel == "track":
            np.testing.assert_allclose(np.expm1(number), known["n_track"])
    np.testing.assert_allclose(np.expm1(shapes[:, -2]), known["pt"], rtol=1e-5)
    np.testing.assert_allclose(np.expm1(shapes[:, -1]), known["mass"], rtol=1e-3, atol=1e-4)


def test_features_of_empty_and_of_other_events_are_finite(
    toy_jets: Events, toy_crops: Events
) -> None:
    for events, columns in ((toy_jets, 4), (toy_crops, 0)):
        table = features(events)
        assert table.shape == (64, width(columns, len(events.geometry.channels)))
        assert np.isfinite(table).all()
        none = {k: getattr(events, k)[:0] for k in ("cell", "code", "value")}
        empty = replace(events[:2], offsets=np.zeros(3, np.int64), **none)
        assert np.isfinite(features(empty)).all()
