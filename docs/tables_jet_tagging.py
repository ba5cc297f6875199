"""Tables and picture of the jet-tagging study."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from tables import by_auc, differences, draw_roc, markdown, number, quality, title

from calovision.metrics.definitions import channel_title

OURS, RATE = "particle-transformer", "jets_per_s"
NAMES = {
    OURS: "**ours** (particle transformer)",
    "baseline": "published GraphSAGE, k = 10",
    "baseline-k4": "published GraphSAGE, k = 4",
    "baseline-k2": "published GraphSAGE, k = 2",
    "graphsage-xy": "GraphSAGE with positions",
    "particlenet": "ParticleNet",
    "particlenet-lite": "ParticleNet-Lite",
    "resnet15": "ResNet-15 on images",
    "trees": "boosted trees on observables",
}
SHOWN_OBSERVABLES = 8
ALWAYS = ("n_track", "girth_track", "ptd_track")  #: what a physicist would look at first


def short(content: dict[str, Any]) -> str:
    """For the page of all results."""
    keys = ("auc", "rejection_50", "ece")
    rows = [
        (NAMES[m["model"]], *(number(m["metrics"][k]) for k in keys))
        for m in by_auc(content["models"])
    ]
    table = markdown(("quark/gluon", *map(title, keys)), rows)
    return table + "\n\n" + _about(content)


def _about(content: dict[str, Any]) -> str:
    ours = next(m for m in content["models"] if m["model"] == OURS)
    return (
        f"{ours['data']['events']:,} simulated jets that no model has seen; scale "
        f"`{content['scale']}`; mean over {len(ours['seeds']['auc'])} seeds (one for the slow "
        "peers and variants); errors: bootstrap over test jets and spread over seeds."
    )


def _ceiling(content: dict[str, Any]) -> str:
    return (
        "Ceiling: boosted trees on six numbers of the generator-level jet (pt, mass, particles, "
        "charged particles, girth, pTD; no pile-up, no detector), grown on the same training jets, "
        f"reach an AUC of {number(content['ceiling'])}."
    )


def _scaling(content: dict[str, Any]) -> str:
    rows = content["scaling"]["rows"]
    sizes = sorted({r["jets"] for r in rows})
    found = {(r["model"], r["jets"]): r["auc"] for r in rows}
    models = list(dict.fromkeys(r["model"] for r in rows))
    body = [(NAMES[m], *(number(found.get((m, n))) for n in sizes)) for m in models]
    return markdown(("AUC after training on", *(f"{n:,} jets" for n in sizes)), body)


def _robustness(content: dict[str, Any]) -> str:
    rows = [
        (
            NAMES[r["model"]],
            r["condition"],
            number(r["auc"]),
            "" if r["condition"] == "nominal" else number(r["change"]),
            f"{100 * r['flagged']:.1f} %",
        )
        for r in content["robustness"]["rows"]
    ]
    return markdown(("", "condition", "AUC", "change", "flagged as out of distribution"), rows)


def _bins(content: dict[str, Any]) -> str:
    rows = content["robustness"]["pt_bins"]
    bins = list(dict.fromkeys((r["lo"], r["hi"]) for r in rows))
    found = {(r["model"], r["lo"]): r["auc"] for r in rows}
    models = list(dict.fromkeys(r["model"] for r in rows))
    body = [(NAMES[m], *(number(found.get((m, lo))) for lo, _ in bins)) for m in models]
    return markdown(("AUC at jet pT", *(f"{lo:.0f}-{hi:.0f} GeV" for lo, hi in bins)), body)


def _sculpting(content: dict[str, Any]) -> str:
    rows = [
        (NAMES[r["model"]], number(r), f"{r['floor']:.4f}")
        for r in content["robustness"]["sculpting"]
    ]
    return markdown(("", title("sculpting"), "of a random cut"), rows)


def _explanation(content: dict[str, Any]) -> str:
    found = content["explanation"]["observables"]
    shown = found[:SHOWN_OBSERVABLES]
    shown += [r for r in found[SHOWN_OBSERVABLES:] if r["name"] in ALWAYS]
    rows = [
        (f"`{r['name']}`", number(r["spearman"]), f"{r['importance']:.3f}", f"{r['auc']:.3f}")
        for r in shown
    ]
    head = ("observable", "correlation with the score", "loss of R² when shuffled", "AUC alone")
    return markdown(head, rows)


def _occlusion(content: dict[str, Any]) -> str:
    found = content["explanation"]["occlusion"]
    edges = found["edges"]
    rings = [f"{a:g}-{b:g}" for a, b in pairwise(edges)]
    body = [
        (channel_title(name), *(f"{v:.2f}" for v in row))
        for name, row in zip(found["channels"], found["change"], strict=True)
    ]
    return markdown(("change of the logit without the hits at", *(f"{r} rad" for r in rings)), body)


def full(content: dict[str, Any]) -> str:
    """For the study's page."""
    r2 = number(content["explanation"]["r2"])
    parts = [
        quality(content["models"], NAMES, RATE),
        _about(content) + " Jets per second on one core, making of the batches included.",
        "On the same test jets (paired bootstrap):",
        differences(content, NAMES),
        _ceiling(content),
        "### The published protocol: 8,000 training jets",
        quality(content["protocol"], NAMES, RATE),
        "### More jets",
        _scaling(content),
        "### Other conditions",
        _robustness(content),
        _bins(content),
        "Mass sculpting by a cut that keeps half of the quarks (Jensen-Shannon divergence, bits):",
        _sculpting(content),
        "### What drives the score",
        f"Trees on observables explain {r2} of the score's variance.",
        _explanation(content),
        "Mean absolute change of the logit when the hits of one channel and ring are taken away:",
        _occlusion(content),
    ]
    return "\n\n".join(parts)


def draw(folder: Path) -> Any:
    """ROC curves of all models."""
    return draw_roc(folder, NAMES, OURS, ("gluon", "quark"))
