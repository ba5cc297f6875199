"""The card of a trained model: what it is, what it learned from, how good it is."""

from __future__ import annotations

import json
from typing import Any

import yaml

from calovision.models.listing import FIXED, shown
from calovision.training.run import RunDir


def card(run: RunDir) -> str:
    """Markdown about a run; of a model that comes with the package the card that it has.

    Raises:
        InputError: not a run, or an unfinished one.
    """
    described, budget = run.describe(), run.budget()
    file = run.path / "card.md"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    config, data = described["config"], described["data"]
    split = data.get("split", {})
    lines = [
        f"# {config['task']}: {config['model']}",
        "",
        f"{budget.get('parameters', '?')} parameters, trained for {budget.get('wall_s', '?')} s on"
        f" {budget.get('device', '?')}, seed {config.get('seed')}, on"
        f" {split.get('train', data.get('events', '?'))} events of {data.get('path')}"
        f" (set {str(data.get('hash'))[:12]}).",
    ]
    if "start" in data:
        lines += ["", f"It began with the weights of {data['start']['run']}."]
    lines += ["", *_results(run), "## Settings", ""]
    lines += [f"- {name}: {shown(value)}" for name, value in config.items() if name not in FIXED]
    warnings = budget.get("warnings", [])
    if warnings:
        lines += ["", "## Warnings", "", *(f"- {line}" for line in warnings)]
    return "\n".join(lines) + "\n"


def shared_card(run: RunDir, licence: str | None = None) -> str:
    """The card as Hugging Face reads it, for the README.md of a repository.

    Args:
        run: whose files are shared.
        licence: its short name there; by default left to the author.

    Raises:
        InputError: as :func:`card`.
    """
    config = run.describe()["config"]
    head: dict[str, Any] = {"license": licence} if licence else {}
    tags = ["particle-physics", "calorimeter", str(config["task"])]
    head |= {"library_name": "calovision", "tags": tags}
    if measured := _measured(run):
        head["model-index"] = [{"name": str(config["model"]), "results": [measured]}]
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n{card(run)}"


def _measured(run: RunDir) -> dict[str, Any] | None:
    """What an evaluation found, in the words of a model index."""
    path = run.path / "results.json"
    if not path.is_file():
        return None
    results = json.loads(path.read_text(encoding="utf-8"))
    data = results["data"]
    name = f"{data['events']} events, set {str(data['hash'])[:12]}"
    found = [
        {"type": key, "name": key.replace("_", " "), "value": m["value"]}
        for key, m in results["metrics"].items()
        if m["value"] is not None
    ]
    return {
        "task": {"type": results["task"]},
        "dataset": {"type": "detector-images", "name": name},
        "metrics": found,
    }


def _results(run: RunDir) -> list[str]:
    """The metrics of an evaluation, if there was one."""
    try:
        metrics: dict[str, dict[str, Any]] = json.loads((run.path / "results.json").read_text())[
            "metrics"
        ]
    except (OSError, ValueError, LookupError):
        return ["Not evaluated yet.", ""]
    lines = ["| metric | value | error | unit |", "| --- | --- | --- | --- |"]
    for name, m in metrics.items():
        value, error = (f"{m[k]:.4g}" if m[k] is not None else "-" for k in ("value", "error"))
        lines.append(f"| {name} | {value} | {error} | {m['unit']} |")
    return [*lines, ""]
