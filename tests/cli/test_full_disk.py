from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from calovision.cli.app import main
from calovision.errors import InputError
from calovision.events import Events, EventStore, save
from calovision.utils.files import atomic


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Files cannot grow beyond ``room`` bytes, which fails as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(200, 1), tmp_path_factory.mktemp("set") / "jets", provenance={})


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["data", "export", "SET"], "jets.h5"),
        (["data", "export", "SET"], "jets.parquet"),
        (["data", "export", "SET"], "jets.root"),
        (["data", "convert", "SET.h5", "--workers", "1"], "converted"),
        (["data", "digits"], "digits"),
        (["view", "SET", "--no-browser"], "view.html"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(
    store: EventStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    out: str,
) -> None:
    if out.endswith(".root"):
        pytest.importorskip("uproot")

    def run(*command: str) -> int:
        monkeypatch.setattr(sys, "argv", ["calovision", *command])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    place = Path(f"{store.path}.h5")
    if not place.exists():
        run("data", "export", str(store.path), "--out", str(place))
    command = [w.replace("SET", str(store.path)) for w in words] + ["--out", str(tmp_path / out)]
    capsys.readouterr()
    with full_disk(9_000):
        assert run(*command) == 2
    told = capsys.readouterr().err.replace("\r", "\n")
    (line,) = [t for t in told.splitlines() if t.startswith("calovision: ")]
    assert str(tmp_path / out) in line
    assert "free some space" in line
    left = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert left <= {"unfinished.json"}
    assert run(*command) == 0
    assert (tmp_path / out).exists()


def test_a_short_write_of_numpys_is_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "latent.npy"
    full = pytest.raises(InputError, match=r"full while writing .*latent\.npy")
    with full, full_disk(1000), atomic(path) as part, part.open("wb") as file:
        np.save(file, np.zeros(10_000))
    assert not list(tmp_path.iterdir())
