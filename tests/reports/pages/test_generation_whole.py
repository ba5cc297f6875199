from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from calovision.events.events import Events
from calovision.metrics.groups import WHOLE
from calovision.reports.pages.generation_pictures import SIMULATED
from calovision.reports.pages.generation_whole import keys_of, whole
from calovision.reports.sources import Source


def source(**result: Any) -> Source:
    content = {"model": "hits", "metrics": {}} | result
    return Source(path=Path("none"), name="jet-generation", scale="", models={"ours": content})


def metric(value: float) -> dict[str, Any]:
    return {
        "value": value,
        "error": 0.01,
        "unit": "",
        "floor": 0.9,
        "higher_is_better": True,
    }


def test_the_table_has_the_metrics_of_its_group_alone() -> None:
    one = source(metrics={"precision": metric(0.8), "fpd": metric(1.0), "coverage": metric(0.7)})
    assert keys_of(one) == ["precision", "coverage"]
    section = whole(one, {})
    assert section is not None
    assert section.title == WHOLE.title
    (table,) = section.tables
    assert len(table.rows) == 2
    assert not section.figures


def test_figures_need_simulated_and_other_events(toy_jets: Events) -> None:
    histogram = {"edges": [-1.0, 0.0, 1.0], "made": [0.5, 0.5], "truth": [0.5, 0.5]}
    samples = {SIMULATED: toy_jets[:30], "ours": toy_jets[30:]}
    section = whole(source(weights=histogram), samples)
    assert section is not None
    assert len(section.figures) == 3
    few = whole(source(weights={}), {"ours": toy_jets})
    assert few is None


def test_events_without_hits_have_no_figures(toy_jets: Events) -> None:
    empty = toy_jets.keep(np.zeros(len(toy_jets.cell), bool))
    assert whole(source(), {SIMULATED: empty[:1], "ours": empty[:1]}) is None
