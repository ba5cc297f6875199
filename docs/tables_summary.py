"""The table of all systems, a row each, for those who read only one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tables import markdown, number

from calovision.models.pretrained import pretrained_run, shipped
from calovision.training.run import RunDir

BASELINE = "baseline"


@dataclass(frozen=True)
class Row:
    """What stands for a study.

    Attributes:
        title: what the system does.
        ours: name of our model.
        metrics: the number that matters; of several, the largest that a model has.
        measure: what it is, in words.
    """

    title: str
    ours: str
    metrics: tuple[str, ...]
    measure: str


ROWS = {
    "jet-vae": Row("compress a jet", "point", ("emd",), "energy-mover distance"),
    "jet-tagging": Row("quark or gluon?", "particle-transformer", ("auc",), "AUC"),
    "jet-generation": Row(
        "make jets",
        "particles",
        ("classifier_auc_strictest",),
        "AUC, generated or simulated, strictest of all judges (0.5: cannot tell)",
    ),
    "egamma": Row("electron or photon?", "crop-net", ("auc",), "AUC"),
    "symmetry": Row(
        "find a symmetry", "isometry", ("cover_2_d5",), "turn that the flow found takes a 2 through"
    ),
}


def _told(metrics: dict[str, Any], about: Row) -> dict[str, Any] | None:
    known = [metrics[k] for k in about.metrics if metrics.get(k) is not None]
    return max(known, key=lambda m: float(m["value"]), default=None)


def summary(contents: Mapping[str, dict[str, Any]]) -> str:
    """Ours beside the published starting point, for every study that is stored.

    Args:
        contents: study to its stored content.
    """
    rows, missing = [], False
    for study, content in contents.items():
        about = ROWS[study]
        metrics = {m["model"]: m["metrics"] for m in content["models"]}
        ours = about.ours if about.ours in metrics else next(iter(metrics))
        found = [_told(metrics.get(m, {}), about) for m in (ours, BASELINE)]
        missing |= None in found
        link = f"[{about.title}](docs/{study}.md)"
        rows.append((link, about.measure, *(number(f) for f in found)))
    table = markdown(("", "measured", "ours", "published baseline"), rows)
    return table + ("\n\n-: not measured yet." if missing else "")


def sentence(contents: Mapping[str, dict[str, Any]]) -> str:
    """One result: the VAE's, which the picture shows."""
    about = ROWS["jet-vae"]
    metrics = {m["model"]: m["metrics"] for m in contents["jet-vae"]["models"]}
    ours, base = (_told(metrics.get(m, {}), about) for m in (about.ours, BASELINE))
    return (
        f"A jet goes through 1,024 numbers and comes back: {about.measure} {number(ours)}, the"
        f" published baseline's {number(base)} ([how](docs/jet-vae.md))."
    )


def costs(contents: Mapping[str, dict[str, Any]]) -> str:
    """Size, time and speed of every model that is stored."""
    rows = []
    for study, content in contents.items():
        for m in content["models"]:
            budget, speed = m["budget"], m["metrics"].get("jets_per_s", {}).get("value")
            size = f"{budget['parameters']:,}" if budget.get("parameters") else "-"
            rate = f"{speed:,.3g}" if speed else "-"
            minutes = f"{budget['wall_s'] / 60:.1f}"
            rows.append((study, f"`{m['model']}`", size, minutes, budget["device"], rate))
    head = ("study", "model", "parameters", "minutes of training", "on", "jets/s in use")
    return markdown(head, rows)


def shipped_costs() -> str:
    """What the trainings of the models in the package took, as their runs have recorded it."""
    rows = []
    for task in shipped():
        run = RunDir(pretrained_run(task))
        budget, described = run.budget(), run.describe()
        data = described["data"]
        learned = data.get("split", {}).get("train", data["events"])
        memory = f"{budget['memory_mb'] / 1000:.1f} GB" if "memory_mb" in budget else "-"
        minutes, cpu = (f"{budget[k] / 60:.0f}" for k in ("wall_s", "cpu_s"))
        model = f"`{described['config']['model']}`" if "model" in described["config"] else ""
        rows.append((task, model, f"{learned:,}", minutes, cpu, memory))
    head = ("task", "model", "training events", "minutes", "of CPU time", "most memory")
    return markdown(head, rows)
