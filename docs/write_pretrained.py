"""Put a trained model into the package, with its model card.

    python docs/write_pretrained.py TASK STUDY   # the model of a finished study
    python docs/write_pretrained.py TASK RUN     # or of a run that was evaluated
    python docs/write_pretrained.py TASK --training-events SET

The last form writes only by what its training events are known: SET is the set that the study has
in data/train, 'data simulate jets --events 90000' (90000 of egamma, 22000 for jet-vae).

The card's numbers are read from the study's files; nothing in it is typed by hand but the limits.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file, save_file

from calovision.events.fingerprints import fingerprints
from calovision.events.store import EventStore
from calovision.events.training_fingerprints import PACKED, write_packed
from calovision.models.load import load_generator, recorded_config
from calovision.training.parts import parts_of
from calovision.training.run import RunDir

ROOM = Path(__file__).parents[1] / "src/calovision/models/pretrained"
JETS = """- Simulated QCD dijets alone (our own detector, not Geant4, not data): pp at 8 TeV,
  pT-hat 90 to 170 GeV, with pile-up. It knows nothing of other processes, energies or detectors.
"""
CROPS = """- Simulated single electrons and photons alone (calovision's fast engine): pT 50 GeV,
  abs(eta) < 1.2, no pile-up. On Geant4 showers or on data its scores are not calibrated.
"""
DIGITS = """- Real handwritten digits, 1 and 2 alone, 28 x 28 pixels, in any orientation.
- Results can be measured on that set only, `calovision data digits` with its default seed: of
  others nobody knows which images the training has seen.
- What is found is a rotation because one rigid, linear motion was looked for; see the manual.
"""
FOREIGN = "- Events unlike the training ones are flagged; their scores have no ground.\n"
MORE = "- Good for studies of methods. Physics results need models that were validated for them.\n"


@dataclass(frozen=True)
class Shipped:
    """A model that comes with the package.

    Attributes:
        title: of its card.
        what: of the network, in half a sentence.
        model: its name in the study.
        run: its folder in the study.
        events: what the study's events are called.
        shown: titles of the metrics on the card.
        limits: Markdown.
        half: whether weights are stored in half precision, which halves the download and is far
            finer than what a large network knows.
        found: folder of the run with what was found in its latent space.
    """

    title: str
    what: str
    model: str
    run: str
    events: str
    shown: dict[str, str]
    limits: str
    half: bool = False
    found: str | None = None


SYMMETRY = {
    "cover": "angle covered, deg",
    "complete": "digits that come round",
    "r2": "evenness, R²",
    "fidelity": "fidelity of turned digits, over that of the VAE's own",
    "drift": "change of the oracle's probability",
}
CLASSIFIER = {
    "auc": "AUC",
    "rejection_50": "background rejection at 50 % signal efficiency",
    "ece": "expected calibration error",
    "jets_per_s": "jets a second on one core",
    "crops_per_s": "crops a second on one core",
}
VAE = {
    "occupancy_f1": "F1 of occupied cells, exact",
    "occupancy_f1_energy": "F1 of occupied cells, energy-weighted",
    "response": "energy response",
    "resolution": "energy resolution",
}
SHIPPED = {
    "jet-vae": Shipped(
        "Jet VAE",
        "Sparse variational autoencoder of 1,024 latent numbers",
        "point",
        "runs/point",
        "jets",
        {
            f"{key}_{channel}": f"{title}, {channel}"
            for key, title in VAE.items()
            for channel in ("track", "ecal", "hcal")
        }
        | {
            "emd": "energy mover's distance, GeV",
            "classifier_auc_strictest": "AUC of the strictest judge, rebuilt against true jets",
        },
        JETS + MORE,
    ),
    "jet-tagger": Shipped(
        "Quark/gluon tagger",
        "Particle transformer on the 64 hardest hits, and a convolutional network on towers",
        "particle-transformer",
        "runs/particle-transformer/seed-1",
        "jets",
        CLASSIFIER,
        JETS + FOREIGN + MORE,
    ),
    "egamma": Shipped(
        "Electron/photon classifier",
        "Network on shower shapes and on the crystals around the peak",
        "crop-net",
        "runs/crop-net/seed-1",
        "crops",
        CLASSIFIER,
        CROPS + FOREIGN + MORE,
    ),
    "jet-generator": Shipped(
        "Jet generator",
        "Transformer on the particles of a jet before the detector, which the simulation's own"
        " detector is then shown",
        "particles",
        "runs/particles",
        "jets",
        {
            "classifier_auc_strictest": "AUC of the strictest judge, generated against simulated"
            " (0.5: cannot tell)",
            "classifier_auc": "AUC of boosted trees on observables",
            "classifier_auc_patterns": "AUC of boosted trees on local patterns",
            "classifier_auc_cells": "AUC of a network on cells",
            "classifier_auc_hits": "AUC of a network on hits",
            "fpd": "Frechet physics distance",
            "kpd": "kernel physics distance",
            "tagger_auc_ratio": "AUC of a tagger trained on generated jets, over that on simulated"
            " ones",
            "memorised": "share closer to a training jet than 1 % of true jets are",
            "jets_per_s": "jets a second on one core",
        },
        JETS
        + "- Nothing beyond the ranges above is generated; requests that reach there are warned"
        " of.\n"
        "- Its images are of the detector that the training jets were simulated with.\n" + MORE,
    ),
    "symmetry": Shipped(
        "Symmetry of digits",
        "VAE of 5 latent numbers, a classifier of latent points, and the flow that turns digits",
        "isometry",
        "runs/isometry-s1",
        "digits",
        {
            f"{key}_{digit}_d5": f"digit {digit}: {title}"
            for digit in (1, 2)
            for key, title in SYMMETRY.items()
        },
        DIGITS + MORE,
        half=True,
        found="d5",
    ),
}


def card(shipped: Shipped, study: Path, described: dict[str, Any]) -> str:
    """The model card."""
    run = run_of(shipped, study)
    result = measured(shipped, study)
    budget = json.loads((run / "budget.json").read_text())
    data, wall_s = described["data"], budget["wall_s"]
    if shipped.found:
        about = json.loads((run / shipped.found / "found.json").read_text())
        wall_s += about["wall_s"]
    events = data["split"]["train"] if "split" in data else data["events"]
    lines = [
        f"# {shipped.title}",
        "",
        f"{shipped.what}; {budget['parameters']:,} parameters, trained for"
        f" {wall_s / 60:.0f} minutes on a CPU, seed {described['config']['seed']},",
        f"on {events:,} {source(shipped)} (set {data['hash'][:12]}). Licence: that of calovision.",
        "",
        "| metric | value | truth or chance |",
        "| --- | --- | --- |",
    ]
    for key, title in shipped.shown.items():
        metric = result["metrics"].get(key)
        if metric is None:
            continue
        error = f" ± {metric['error']:.2g}" if metric["error"] else ""
        floor = "" if metric.get("floor") is None else f"{metric['floor']:.3g}"
        lines.append(f"| {title} | {metric['value']:.4g}{error} | {floor} |")
    number = f"{result['data']['events']:,}"
    trainings = max((len(v) for v in result.get("seeds", {}).values()), default=1)
    if trainings > 1:
        number += f"; means of {trainings} trainings, of which this is the first"
    lines += ["", f"Measured on other {shipped.events}: {number}.", ""]
    if shipped.title == SHIPPED["jet-generator"].title:
        lines += ["## Ranges of the training jets", ""]
        for name, (low, high) in load_generator(RunDir(run)).known().items():
            lines.append(f"- {name}: {low:.1f} to {high:.1f} GeV")
        lines.append("")
    return "\n".join(lines) + "\n## Limits\n\n" + shipped.limits


def source(shipped: Shipped) -> str:
    """What the events are called, and where they come from."""
    return ("real " if shipped.found else "simulated ") + shipped.events


def run_of(shipped: Shipped, study: Path) -> Path:
    """The model's folder in a study, or a run itself."""
    return study / shipped.run if (study / shipped.run).exists() else study


def measured(shipped: Shipped, study: Path) -> dict[str, Any]:
    """Results of the model in the study; of a flow or a run outside a study, its own."""
    if shipped.found or not (study / "comparison.json").exists():
        own: dict[str, Any] = json.loads((run_of(shipped, study) / "results.json").read_text())
        return own
    comparison = json.loads((study / "comparison.json").read_text())
    return next(m for m in comparison["models"] if m["model"] == shipped.model)


def write_weights(source: Path, room: Path, half: bool) -> None:
    """Copy the weights of a folder, those of networks in half precision if asked for."""
    weights = load_file(source / "model.safetensors")
    if half:
        weights = {
            k: v.half()
            if v.dtype == torch.float32 and v.ndim > 1 and not k.startswith("action.")
            else v
            for k, v in weights.items()
        }
    room.mkdir(parents=True, exist_ok=True)
    save_file(weights, room / "model.safetensors")
    (room / "model.safetensors").chmod(0o644)


def write_training_events(task: str, data: Path) -> None:
    """Write by what the training and validation events of a model in the package are known.

    Fingerprints of their origins are enough: simulated sets tell them, exported ones too.
    """
    store = EventStore.open(data)
    parts = parts_of(store, recorded_config(RunDir(ROOM / task)))
    chosen = np.concatenate([parts["train"], parts["validation"]])
    write_packed(ROOM / task / PACKED, fingerprints(store)[chosen].origin)


def main(task: str, study: Path) -> None:
    """Write config.yaml, model.safetensors, training-events.npz and card.md."""
    shipped = SHIPPED[task]
    run, room = run_of(shipped, study), ROOM / task
    room.mkdir(parents=True, exist_ok=True)
    described = yaml.safe_load((run / "config.yaml").read_text())
    trained_on = described["data"]["path"]
    described["data"]["path"] = source(shipped)
    (room / "config.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    write_weights(run, room, shipped.half)
    (room / "budget.json").write_bytes((run / "budget.json").read_bytes())
    if not shipped.found:
        write_training_events(task, Path(trained_on))
    if shipped.found:
        write_weights(run / shipped.found, room / shipped.found, shipped.half)
        found = f"{shipped.found}/found.json"
        (room / found).write_bytes((run / found).read_bytes())
    (room / "card.md").write_text(card(shipped, study, described))


if __name__ == "__main__":
    if sys.argv[2] == "--training-events":
        write_training_events(sys.argv[1], Path(sys.argv[3]))
    else:
        main(sys.argv[1], Path(sys.argv[2]))
