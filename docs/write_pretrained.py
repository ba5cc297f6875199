"""Put the generator of a finished study into the package, with its model card.

    python docs/write_pretrained.py STUDY

The card's numbers are read from the study's files; nothing in it is typed by hand but the limits.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file, save_file

from calovision.tasks.models import load_generator
from calovision.tasks.rundir import RunDir

ROOM = Path(__file__).parents[1] / "src/calovision/tasks/pretrained/jet-generator"
MODEL = "cascade"
SHOWN = {
    "classifier_auc": "AUC of boosted trees, generated against simulated (0.5: cannot tell)",
    "classifier_auc_hits": "AUC of a network on hits",
    "classifier_auc_transformer": "AUC of a transformer on hits, trained for it",
    "fpd": "Frechet physics distance",
    "kpd": "kernel physics distance",
    "tagger_auc_ratio": "AUC of a tagger trained on generated jets, over that on simulated ones",
    "memorised": "share closer to a training jet than 1 % of true jets are",
    "jets_per_s": "jets a second on one core",
}
LIMITS = """## Limits

- Simulated QCD dijets alone (calovision's own detector, not Geant4, not data): pp at 8 TeV,
  pT-hat 90 to 170 GeV, with pile-up. It knows nothing of other processes, energies or detectors.
- Nothing beyond the ranges above is generated; requests that reach there are warned of.
- Good for studies of methods. Physics results need samples that were validated for them.
"""


def card(study: Path) -> str:
    """The model card."""
    comparison = json.loads((study / "comparison.json").read_text())
    result = next(m for m in comparison["models"] if m["model"] == MODEL)
    described = yaml.safe_load((study / "runs" / MODEL / "config.yaml").read_text())
    budget = result["budget"]
    lines = [
        "# Jet generator",
        "",
        f"Flow of totals and cascade of cuts, {budget['parameters']:,} parameters; trained for"
        f" {budget['wall_s'] / 60:.0f} minutes on one thread of a CPU,"
        f" seed {described['config']['seed']},",
        f"on {described['data']['split']['train']:,} simulated jets"
        f" (set {described['data']['hash'][:12]}). Licence: that of calovision.",
        "",
        "| metric | value | truth against truth |",
        "| --- | --- | --- |",
    ]
    for key, title in SHOWN.items():
        metric = result["metrics"].get(key)
        if metric is None:
            continue
        error = f" ± {metric['error']:.2g}" if metric["error"] else ""
        floor = "" if metric.get("floor") is None else f"{metric['floor']:.3g}"
        lines.append(f"| {title} | {metric['value']:.4g}{error} | {floor} |")
    lines += [
        "",
        f"{result['data']['events']:,} generated jets against as many simulated ones.",
        "",
    ]
    lines += ["## Ranges of the training jets", ""]
    for name, (low, high) in load_generator(RunDir(study / "runs" / MODEL)).known().items():
        lines.append(f"- {name}: {low:.1f} to {high:.1f} GeV")
    return "\n".join(lines) + "\n\n" + LIMITS


def main(study: Path) -> None:
    """Write config.yaml, model.safetensors and card.md."""
    run = study / "runs" / MODEL
    ROOM.mkdir(parents=True, exist_ok=True)
    described = yaml.safe_load((run / "config.yaml").read_text())
    described["data"]["path"] = "simulated jets"
    (ROOM / "config.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    # Half precision halves the download; it is far finer than what the networks know.
    weights = load_file(run / "model.safetensors")
    small = {
        k: v.half() if v.dtype == torch.float32 and v.ndim > 1 else v for k, v in weights.items()
    }
    save_file(small, ROOM / "model.safetensors")
    (ROOM / "model.safetensors").chmod(0o644)
    (ROOM / "card.md").write_text(card(study))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
