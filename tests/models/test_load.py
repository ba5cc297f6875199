from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.hits.task import HitsConfig
from calovision.models.load import build, load_task, recorded_config
from calovision.training.run import RunDir
from calovision.utils.files import write_json


@pytest.fixture
def run(tmp_path: Path, make_jets: Callable[..., Events]) -> RunDir:
    """A tagger that was never trained."""
    events = make_jets(20, 1)
    config = load_config("jet-tagger", overrides={"width": 16, "layers": 1, "hits": 8})
    found = RunDir(tmp_path / "run")
    data = {"path": "jets", "hash": "abc", "geometry": events.geometry.to_dict()}
    found.start(config, data, resume=False)
    save_file(dict(build(config, events.geometry, events).state_dict()), found.weights)
    write_json(found.path / "budget.json", {})
    return found


def test_weights_without_todays_buffers_may_be_of_another_version(run: RunDir) -> None:
    assert load_task(run) is not None
    state = load_file(run.weights)
    old = {k: v for k, v in state.items() if not k.startswith("domain.")}
    assert len(old) < len(state)
    save_file(old, run.weights)
    with pytest.raises(InputError, match=r"damaged, or written by another version.*train again"):
        load_task(run)


@pytest.mark.parametrize(
    ("before", "after"),
    [("rows: 125", "rows: 1000000"), ("task: jet-tagger", "task: []"), ("width: 16", "width: 1e9")],
)
def test_odd_descriptions_of_a_run_are_refused(run: RunDir, before: str, after: str) -> None:
    text = (run.path / "config.yaml").read_text()
    assert before in text
    (run.path / "config.yaml").write_text(text.replace(before, after))
    with pytest.raises(InputError):
        load_task(run)


def test_a_setting_that_came_later_is_not_todays_preset(tmp_path: Path) -> None:
    now = load_config("jet-generator", "hits-small")
    assert isinstance(now, HitsConfig)
    assert now.width < HitsConfig.model_fields["width"].default
    old = RunDir(tmp_path)
    old.start(now, {}, resume=False)
    old.record({k: v for k, v in now.model_dump().items() if k != "width"})
    assert recorded_config(old).width == HitsConfig.model_fields["width"].default  # type: ignore[attr-defined]
