"""Links of README and docs lead somewhere, and their commands are ones that there are."""

from __future__ import annotations

import re
import shlex
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from calovision.cli.app import app
from calovision.cli.output import with_task

ROOT = Path(__file__).parent.parent
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "src/calovision/models/pretrained").glob("*/card.md")),
)
#: what stands for something of the reader's
PLACEHOLDERS = {"...", "TASK", "STUDY"}


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.M)
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", t).lower() for t in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


def without_code(text: str) -> str:
    """The text of a page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            assert target.startswith(("https://", "http://")), target
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command of a page: in blocks, and between backticks."""
    text = page.read_text().replace("\\\n", " ")
    blocks = re.findall(r"^```(?:console|bash|sh|shell)?\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^    (calovision .*)$", text, re.M)
    lines += re.findall(r"`(calovision [^`]*)`", text)
    for line in lines:
        line = line.strip().removeprefix("$ ")
        if line.startswith("calovision ") and "interrupted" not in line:
            line = re.split(r"\s[|>&;]\s|\s#", line)[0]
            yield shlex.split(re.sub(r"[\[\]]", "", line))[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_are_ones_that_there_are(page: Path) -> None:
    for words in commands(page):
        if PLACEHOLDERS & set(words) or not words or "|" in words:
            continue
        command, rest = get_command(app), with_task(words)
        context = command.make_context("calovision", list(rest), resilient_parsing=True)
        name = ""
        while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            name, *rest = rest
            assert name in command.commands, f"{page.name}: calovision {shlex.join(words)}"
            command = command.commands[name]
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        given = [w.partition("=")[0] for w in rest if re.match(r"--?[a-z]", w)]
        assert set(given) <= known | {"--help", "-h"}, f"{page.name}: {shlex.join(words)}"
        assert context is not None


def test_commands_are_found() -> None:
    assert sum(1 for page in PAGES for _ in commands(page)) > 100


def test_the_first_commands_of_the_readme_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    start = (ROOT / "README.md").read_text().split("## Start")[1].split("\n\n")[1]
    lines = [line.strip() for line in start.splitlines()]
    assert len(lines) == 3
    for line in lines:
        words = re.split(r"\s#", re.sub(r"--events \d+", "--events 30", line))[0]
        done = CliRunner().invoke(app, with_task(shlex.split(words)[1:]))
        assert done.exit_code == 0, f"{line}: {done.output} {done.exception}"
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 31
    assert (tmp_path / "jets-view.html").exists()
