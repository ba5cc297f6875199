from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.store import save
from calovision.report.sources import save_arrays

Maker = Callable[[Path], Path]


def metric(value: float | None, error: float = 0.01, **other: Any) -> dict[str, Any]:
    entry = {"unit": "", "floor": None, "higher_is_better": True}
    return {"value": value, "error": error, **entry, **other}


def results(model: str, f1: float) -> dict[str, Any]:
    return {
        "task": "jet-vae",
        "model": model,
        "data": {"path": "/anywhere/data/test", "hash": "ab" * 32, "events": 1000, "split": "all"},
        "seed": 7,
        "budget": {"wall_s": 90.0, "cpu_s": 170.0, "parameters": 12345, "device": "cpu"},
        "metrics": {
            "occupancy_f1_ecal": metric(f1),
            "emd": metric(10 / f1, 0.5, unit="GeV", higher_is_better=False),
            "classifier_auc": metric(1 - f1 / 2, higher_is_better=False, floor=0.5),
            "psnr": metric(None),
            "psnr_blank": metric(43.0),
            "strange_number": metric(3.0),
        },
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
    }


@pytest.fixture(scope="session")
def make_study(toy_jets: Events) -> Maker:
    """A function that writes a whole toy study into a folder."""

    def make(path: Path) -> Path:
        path.mkdir(parents=True)
        models = [results("baseline", 0.2), results("point", 0.6)]
        comparison = {"study": "jet-vae", "scale": "quick", "models": models, "floor": {"emd": 0.1}}
        (path / "comparison.json").write_text(json.dumps({**comparison, "differences": []}))
        rows = [
            {"step": i, "wall_s": i * 2.0, "train_loss": 1 / i, "val_loss": 2 / i} for i in (1, 2)
        ]
        (path / "curves.json").write_text(json.dumps({"baseline": rows, "point": rows}))
        for name, start in (("original", 0), ("baseline", 4), ("point", 8)):
            save(toy_jets[start : start + 2], path / "examples" / name, provenance={})
        rng = np.random.default_rng(0)
        save_arrays(
            path / "latent.npz",
            {
                "coordinates": rng.normal(size=(64, 2)),
                "label": toy_jets.label,
                "pt": toy_jets.columns["pt"],
                "multiplicity": toy_jets.n_hits,
            },
        )
        names = ("original", "baseline", "point")
        save_arrays(
            path / "distributions.npz",
            {f"sum_e_ecal/{n}": rng.exponential(100, 64) for n in names},
        )
        save_arrays(
            path / "responses.npz", {f"ecal/{n}": rng.normal(1, 0.1, 64) for n in names[1:]}
        )
        return path

    return make
