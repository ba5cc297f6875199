from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from calovision.errors import DamagedError, InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.autoencoders.point_vae import PointVAEConfig, PointVAETask
from calovision.models.compression import Compressed, compress, decompress, law_of
from calovision.models.config import load_config
from calovision.models.reconstruct import decoded, encoded

SIZES = {"code": 32, "points": 40, "width": 8}


def fresh(events: Events) -> AutoencoderTask:
    torch.manual_seed(len(events))
    config = load_config("jet-vae", overrides=SIZES)
    assert isinstance(config, PointVAEConfig)
    task = PointVAETask.from_events(config, JET_IMAGES, events).eval()
    task.fit_codes(task.dataset(events))
    return task


@pytest.fixture(scope="module")
def task(toy_jets: Events) -> AutoencoderTask:
    return fresh(toy_jets)


@pytest.fixture(scope="module")
def file(task: AutoencoderTask, toy_jets: Events, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bits") / "jets.cv"
    compress(out, task, toy_jets, seed=5, quiet=True)
    return out


def same(one: Events, other: Events) -> bool:
    parts = ("offsets", "cell", "code", "value")
    return all(np.array_equal(getattr(one, k), getattr(other, k)) for k in parts)


def test_a_file_gives_what_the_model_makes_of_quantised_codes(
    task: AutoencoderTask, toy_jets: Events, file: Path
) -> None:
    law = law_of(task)
    codes = law.codes(law.symbols(encoded(task, toy_jets, True)))
    found = decompress(file, task, quiet=True)
    assert isinstance(found, Events)
    assert same(found, decoded(task, codes, 5, True))
    assert np.array_equal(found.label, toy_jets.label)
    assert not same(found, decoded(task, codes, 6, True))


def test_blocks_are_read_as_they_were_written(
    task: AutoencoderTask,
    toy_jets: Events,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("calovision.models.compression._BLOCK", 25)
    compress(tmp_path / "b", task, toy_jets[:60], seed=5, quiet=True)
    found = decompress(tmp_path / "b", task, out=tmp_path / "set", quiet=True)
    assert len(found) == 60
    assert np.array_equal(found.load().label, toy_jets.label[:60])


def test_bits_add_up(task: AutoencoderTask, toy_jets: Events, tmp_path: Path) -> None:
    spent = compress(tmp_path / "jets.cv", task, toy_jets, quiet=True)
    assert isinstance(spent, Compressed)
    size, header = (tmp_path / "jets.cv").stat().st_size, 2000
    assert 0 <= size - (spent.written + spent.columns) * len(toy_jets) / 8 < header
    assert spent.written == pytest.approx(spent.expected, rel=0.02)
    assert spent.written < spent.zstd
    assert spent.written < spent.parquet
    assert np.isfinite(list(spent.to_dict().values())[2:]).all()


def test_a_file_of_another_model_is_refused(
    task: AutoencoderTask, toy_jets: Events, file: Path
) -> None:
    with pytest.raises(InputError, match="another model"):
        decompress(file, fresh(toy_jets[:50]), quiet=True)


def test_a_model_without_a_law_says_so(toy_jets: Events, tmp_path: Path) -> None:
    task = fresh(toy_jets[:50])
    task.code_law = None
    with pytest.raises(InputError, match="train it again"):
        compress(tmp_path / "jets.cv", task, toy_jets, quiet=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cut", [0, 10, 31, 200, -1])
def test_truncated_files_are_one_line(
    task: AutoencoderTask, file: Path, tmp_path: Path, cut: int
) -> None:
    (tmp_path / "cut").write_bytes(file.read_bytes()[:cut])
    with pytest.raises(InputError) as error:
        decompress(tmp_path / "cut", task, quiet=True)
    assert isinstance(error.value, DamagedError) == (cut not in (0, 10))


def test_the_law_survives_saving(task: AutoencoderTask, toy_jets: Events) -> None:
    config = load_config("jet-vae", overrides=SIZES)
    assert isinstance(config, PointVAEConfig)
    again = PointVAETask.from_state(config, JET_IMAGES, task.state_dict())
    symbols = law_of(task).symbols(encoded(task, toy_jets[:20], True))
    assert law_of(again).written(symbols) == law_of(task).written(symbols)
