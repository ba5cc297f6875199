"""Tables and picture of the jet-generation study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import markdown, number, title

from calovision.reports.pages.common import observable_title
from calovision.reports.pages.generation_tables import condition, quotient, ratios, short_name

BASELINE = "baseline"
METRIC = "classifier_auc_strictest"
NAMES = {
    "particles": "**ours** (particles)",
    "particles-small": "ours, small networks",
    "hits": "ours, for any images",
    "cascade": "earlier cascade of ours",
    BASELINE: "published DDPM",
}
KEYS = (
    METRIC,
    "classifier_auc",
    "classifier_auc_patterns",
    "classifier_auc_cells",
    "classifier_auc_hits",
    "fpd",
    "kpd",
    "tagger_auc_ratio",
    "memorised",
    "copied",
)


def short(content: dict[str, Any]) -> str:
    """For the page of all results."""
    keys = (METRIC, "classifier_auc")
    head = ("", *map(title, keys), "FPD / floor", "jets/s on one core")
    rows = []
    for m in content["models"]:
        found = m["metrics"]
        told = [number(found.get(k)) for k in keys]
        rows.append((_called(m["model"]), *told, _over_floor(found.get("fpd")), _rate(found)))
    return markdown(head, rows) + "\n\n" + _about(content)


def _over_floor(metric: dict[str, Any] | None) -> str:
    if metric is None or metric["value"] is None or not metric["floor"]:
        return "-"
    return f"{metric['value'] / metric['floor']:,.3g}"


def _called(model: str) -> str:
    return NAMES.get(model, model)


def _rate(metrics: dict[str, Any]) -> str:
    rate = metrics["jets_per_s"]["value"]
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _about(content: dict[str, Any]) -> str:
    ours = content["models"][0]
    numbers = ", ".join(f"{m['data']['events']:,}" for m in content["models"])
    spent = f"{ours['budget']['wall_s'] / 60:.0f} minutes on {ours['budget']['device']}"
    return (
        f"Trained for {spent}; {numbers} jets generated and compared with simulated ones that no "
        f"model has seen; scale `{content['scale']}`, seed {ours['seed']}; errors: bootstrap."
    )


def _metrics(models: list[dict[str, Any]]) -> str:
    rows = [("jets generated", *(f"{m['data']['events']:,}" for m in models), "")]
    for key in KEYS:
        entries = [m["metrics"].get(key) for m in models]
        floor = next((e["floor"] for e in entries if e and e.get("floor") is not None), None)
        row = (title(key), *(number(e) for e in entries), "-" if floor is None else f"{floor:.3g}")
        rows.append(row)
    rows.append(("jets a second on one core", *(_rate(m["metrics"]) for m in models), ""))
    sizes = [m["budget"].get("parameters") for m in models]
    rows.append(("parameters", *("-" if s is None else f"{s:,}" for s in sizes), ""))
    spent = [f"{m['budget']['wall_s'] / 60:.1f}" for m in models]
    rows.append(("minutes of training", *spent, ""))
    return markdown(("", *(_called(m["model"]) for m in models), "floor"), rows)


def _name(key: str, unit: str = "") -> str:
    return observable_title(key) + (f" [{unit}]" if unit else "")


def _distances(models: list[dict[str, Any]]) -> str:
    metrics = {m["model"]: m["metrics"] for m in models}
    found = {(r["name"], r["model"]): f"{r['ratio']:.3g}" for r in ratios(metrics, {})}
    rows = []
    for name in dict.fromkeys(n for n, _ in found):
        own = models[0]["metrics"].get(f"w1_{name}", {})
        floor = own.get("floor")
        values = (
            number(own | {"unit": ""} if own else None),
            "-" if floor is None else f"{floor:.3g}",
        )
        times = (found.get((name, m), "-") for m in metrics)
        rows.append((_name(name, own.get("unit", "")), *values, *times))
    head = ("W1", "ours", "floor", *(f"{_called(m)} / floor" for m in metrics))
    return markdown(head, rows)


def _classes(models: list[dict[str, Any]]) -> list[str]:
    found = {
        f"{_called(m['model'])}, {name}": metrics
        for m in models
        for name, metrics in m.get("classes", {}).items()
    }
    if not found:
        return []
    cells = {(r["name"], r["model"]): f"{r['ratio']:.3g}" for r in ratios(found, {})}
    key = "classifier_auc"
    rows = [(title(key), *(number(m.get(key)) for m in found.values()))]
    for name in dict.fromkeys(n for n, _ in cells):
        rows.append((f"{_name(name)}: W1 / floor", *(cells.get((name, m), "-") for m in found)))
    return ["### Class by class", markdown(("", *found), rows)]


def _response(rows: list[dict[str, Any]]) -> list[str]:
    kinds = list(dict.fromkeys(r["observable"] for r in rows))
    cells = {}
    for r in rows:
        value, error = quotient(r["generated"], r["simulated"])
        shown = {"value": value, "error": error, "unit": ""}
        cells[r["condition"], r["observable"]] = number(shown)
    body = [
        (condition(name), *(cells.get((name, k), "-") for k in kinds))
        for name in dict.fromkeys(r["condition"] for r in rows)
    ]
    table = markdown(("generated / simulated mean", *(short_name(k) for k in kinds)), body)
    return ["### Response to conditions", table]


def _costs(rows: list[dict[str, Any]]) -> list[str]:
    head = ("one core", "jets/s", "over the simulation")
    body = [(_called(r["what"]), f"{r['jets_per_s']:,.3g}", f"{r['speedup']:.2g}") for r in rows]
    return ["### Cost", markdown(head, body)]


def full(content: dict[str, Any]) -> str:
    """For the study's page."""
    models = content["models"]
    parts = [
        _metrics(models),
        _about(content) + " Floor: other simulated jets, as many as ours, in place of generated.",
        "### Distances of distributions",
        _distances(models),
        "Ratios are to the floor of as many jets as the model has.",
        *_classes(models),
        *(_response(content["response"]["rows"]) if "response" in content else []),
        *(_costs(content["costs"]["rows"]) if "costs" in content else []),
    ]
    return "\n\n".join(parts)


def draw(folder: Path) -> Any:
    """A simulated gluon jet beside generated ones, channel by channel."""
    from calovision.events.store import EventStore
    from calovision.reports.pages.generation_pictures import SIMULATED, jet_of_class, pixel_ranges

    shown = {"ours": "particles", "baseline": BASELINE}
    truth = EventStore.open(folder / "data" / "test")[:1000]
    sets = {k: folder / "generated" / m for k, m in shown.items()}
    made = {k: EventStore.open(p)[:50] for k, p in sets.items() if p.exists()}
    return jet_of_class({SIMULATED: truth} | made, 0, pixel_ranges(truth))
