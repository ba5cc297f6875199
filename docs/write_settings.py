"""Write docs/settings.md: every model that can be trained, and every setting of it.

Run from the root of the checkout: python docs/write_settings.py
"""

from __future__ import annotations

from pathlib import Path

from calovision.models import MODELS
from calovision.models.listing import Setting, description, models_of, settings_of, shown

PAGE = Path(__file__).resolve().parent / "settings.md"
HEAD = """# Models and settings

Every model that `calovision train TASK --model NAME` and `cv.train(TASK, events, model=NAME)`
know, and what can be set: `--set NAME=VALUE` there, a keyword `NAME=VALUE` here, or a line
`NAME: VALUE` of a YAML file (`--config`, `config=`). The first model of a task is the default.
`calovision train TASK --list` shows the same. This page is written by
`python docs/write_settings.py`.
"""


def page() -> str:
    """The page in Markdown."""
    tasks = [*MODELS, "symmetry"]
    lines = [HEAD]
    for task in tasks:
        lines += [f"## {task}", ""]
        for model in models_of(task):
            lines += [f"### {model}", "", description(task, model), ""]
            lines += table(settings_of(task, model))
    return "\n".join(lines)


def table(settings: list[Setting]) -> list[str]:
    """Settings as a table."""
    rows = [f"| `{s.name}` | {shown(s.default)} | {s.meaning} |" for s in settings]
    return ["| setting | default | meaning |", "| --- | --- | --- |", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
