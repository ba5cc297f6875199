"""What the system refuses is told as such: it is no damage, and nothing is left out for it."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import toys
from calovision.errors import DamagedError, InputError
from calovision.events import Events, EventStore, StoreWriter, save, shards
from calovision.events.digits import DigitSet, open_digits
from calovision.events.formats.convert import convert
from calovision.events.formats.export_jagged import export_jagged
from calovision.events.formats.reading import read_events
from calovision.events.shards import shard_name
from calovision.utils.arrays import read_arrays
from calovision.utils.unreadable import unreadable

NOBODY = 65534
pa.array([0.0])  # loads what libraries load on first use, while the rights for it are there


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> Path:
    """A set of two shards."""
    folder = tmp_path_factory.mktemp("sets") / "jets"
    events = make_jets(40, 1)
    writer = StoreWriter(folder, events.geometry, provenance={})
    writer.write(0, events[:20])
    writer.write(1, events[20:])
    writer.finish()
    return folder


@pytest.fixture
def here(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a copy of the set in ``jets``."""
    shutil.copytree(whole, tmp_path / "jets")
    tmp_path.chmod(0o777)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of the administrator, who may read whatever is forbidden."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def refusal(read: Callable[[], object]) -> str:
    """The line with which something is refused, which must not be called damaged."""
    with pytest.raises(InputError) as caught:
        read()
    assert not isinstance(caught.value, DamagedError)
    assert "damaged" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


USES: dict[str, Callable[[], object]] = {
    "load": lambda: EventStore.open("jets").load(),
    "column": lambda: EventStore.open("jets").column("pt"),
    "some": lambda: EventStore.open("jets")[[3, 30]],
    "stream": lambda: list(EventStore.open("jets").stream(7)),
    "verify": lambda: EventStore.open("jets").verify(),
    "skip": lambda: EventStore.open("jets", skip_corrupt=True),
    "read": lambda: read_events("jets", 3, skip_corrupt=True),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", ["manifest.json", shard_name(0), "."])
def test_a_set_without_permission(here: Path, what: str, use: str) -> None:
    (here / "jets" / what).chmod(0)
    try:
        with nobody():
            told = refusal(USES[use])
    finally:
        (here / "jets" / what).chmod(0o755)
    assert "permission denied; ask its owner" in told
    assert what == "." or f"jets/{what}" in told


def test_the_rest_of_a_set_is_not_taken_for_all_of_it(here: Path) -> None:
    """A shard that is really damaged beside one that may not be read."""
    (here / "jets" / shard_name(0)).write_bytes(b"PAR1")
    (here / "jets" / shard_name(1)).chmod(0)
    with nobody():
        assert "permission denied" in refusal(USES["skip"])
    (here / "jets" / shard_name(1)).chmod(0o644)
    with pytest.warns(UserWarning, match="1 of 2 shards"):
        assert len(EventStore.open("jets", skip_corrupt=True)) == 20


def test_a_shard_that_may_not_be_read_is_not_made_again(here: Path) -> None:
    shard = here / "jets" / shard_name(1)
    geometry = EventStore.open("jets").geometry
    (here / "jets" / "manifest.json").unlink()
    claim = StoreWriter(here / "fresh", geometry, provenance={})
    shutil.copy(claim.path / "unfinished.json", here / "jets" / "unfinished.json")
    shard.chmod(0)
    (here / "jets").chmod(0o777)
    with nobody():
        assert "permission denied" in refusal(lambda: StoreWriter("jets", geometry, provenance={}))
    assert shard.stat().st_size > 0


def test_a_shard_for_which_memory_is_short_is_not_made_again(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 1 failed")

    geometry = EventStore.open("jets").geometry
    (here / "jets" / "manifest.json").rename(here / "manifest.json")
    StoreWriter(here / "fresh", geometry, provenance={})
    shutil.copy(here / "fresh" / "unfinished.json", here / "jets")
    monkeypatch.setattr(shards.pq, "ParquetFile", short)
    assert "not enough memory" in refusal(lambda: StoreWriter("jets", geometry, provenance={}))
    assert (here / "jets" / shard_name(0)).exists()
    monkeypatch.undo()
    monkeypatch.chdir(here)
    (here / "manifest.json").rename(here / "jets" / "manifest.json")
    monkeypatch.setattr(shards.pq, "ParquetFile", short)
    assert "not enough memory" in refusal(USES["skip"])


def _hdf5(here: Path, jets: Events) -> tuple[Path, Callable[[], object]]:
    path = toys.write_hdf5(here / "a.h5", jets[:2])
    return path, lambda: convert(["a.h5"], "out")


def _parquet(here: Path, jets: Events) -> tuple[Path, Callable[[], object]]:
    path = toys.write_parquet(here / "a.parquet", jets[:2])
    return path, lambda: read_events("a.parquet")


def _npz(here: Path, jets: Events) -> tuple[Path, Callable[[], object]]:
    np.savez(here / "a.npz", a=jets.value)
    return here / "a.npz", lambda: read_arrays(Path("a.npz"), "again")


def _digits(here: Path, jets: Events) -> tuple[Path, Callable[[], object]]:
    del jets
    ink, few = np.zeros((4, 28, 28), np.uint8), np.arange(4)
    DigitSet(ink, few, few > 2, {}).save(here / "digits")
    return here / "digits" / "digits.npz", lambda: open_digits(Path("digits"))


FILES = [_hdf5, _parquet, _npz, _digits]


@pytest.mark.parametrize("make", FILES)
def test_files_without_permission(here: Path, toy_jets: Events, make: Callable[..., tuple]) -> None:
    path, read = make(here, toy_jets)
    path.chmod(0)
    with nobody():
        told = refusal(read)
    assert f"{path.relative_to(here)} cannot be read: permission denied" in told
    assert not (here / "out").exists()


@pytest.mark.parametrize("make", FILES)
def test_a_storage_that_fails(here: Path, toy_jets: Events, make: Callable[..., tuple]) -> None:
    """This file of the system cannot be read from its beginning: EIO."""
    path, read = make(here, toy_jets)
    path.unlink()
    path.symlink_to("/proc/self/mem")
    assert "cannot be read: input/output error; check the disk" in refusal(read)


@pytest.mark.parametrize("what", ["manifest.json", shard_name(1)])
def test_a_storage_that_fails_under_a_set(here: Path, what: str) -> None:
    (here / "jets" / what).unlink()
    (here / "jets" / what).symlink_to("/proc/self/mem")
    assert f"jets/{what} cannot be read: input/output error" in refusal(USES["skip"])


def test_a_file_that_is_locked(here: Path, toy_jets: Events) -> None:
    path, read = _hdf5(here, toy_jets)
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        told = refusal(read)
    assert "a.h5 is locked" in told
    assert "HDF5_USE_FILE_LOCKING=FALSE" in told
    read()


@pytest.mark.parametrize("use", ["load", "skip"])
def test_too_many_open_files(here: Path, use: str) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (held[0], limits[1]))
        told = refusal(USES[use])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(held[0])
    assert "too many open files; close other files or programs, or raise the limit" in told


def test_a_path_in_another_encoding(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    (here / "jets").rename(here / name)
    for skip in (False, True):
        told = refusal(lambda skip=skip: EventStore.open(name, skip_corrupt=skip).load())
        assert r"caf\xe9" in told
        assert "LC_ALL=C.UTF-8" in told


def test_a_path_to_write_in_another_encoding(here: Path) -> None:
    out = Path(os.fsdecode(b"caf\xe9.parquet"))
    told = refusal(lambda: export_jagged(EventStore.open("jets"), out))
    assert r"caf\xe9.parquet" in told
    assert not out.exists()


def _with_little_memory(read: Callable[[], object]) -> str:
    """What ``read`` says in a process that gets no more memory than it has."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20), resource.RLIM_INFINITY))
            read()
            os.write(writer, b"read")
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        said = told.read()
    os.waitpid(process, 0)
    return said


def test_too_little_memory(here: Path) -> None:
    np.savez_compressed(here / "a.npz", a=np.zeros(256 << 20, np.uint8))
    told = _with_little_memory(lambda: read_arrays(Path("a.npz"), "again"))
    assert told.startswith("InputError: there is not enough memory to read a.npz; use fewer")


H5 = "Unable to synchronously open file (file read failed, errno = {}, error message = 'x')"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ESTALE, "x"), "cannot be read: stale file handle; mount the network"),
        (OSError(H5.format(errno.EIO)), "cannot be read: input/output error"),
        (OSError("No such device (os error 19)"), "cannot be read: no such device"),
        (OSError(errno.ETIMEDOUT, "x"), "connection timed out; check the disk or the network"),
        (OSError(errno.ENOLCK, "x"), r"is locked \(no locks available\).*HDF5_USE_FILE_LOCKING"),
        (OSError("(unable to lock file)"), "is locked"),
        (OSError("file is already open for write"), "h5clear"),
        (OSError(errno.ENOMEM, "x"), "not enough memory"),
        (pa.ArrowMemoryError("malloc of size 1 failed"), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 1"), "not enough memory"),
        (pa.ArrowNotImplementedError("Support for codec 'zstd' not built"), "codec 'zstd'"),
    ],
)
def test_reasons_of_the_system(error: Exception, says: str) -> None:
    found = unreadable(error, "a.h5")
    assert found is not None
    with pytest.raises(InputError, match=says):
        raise found


@pytest.mark.parametrize(
    "error",
    [
        OSError("Can't synchronously read data (inflate() failed)"),
        OSError(errno.EINVAL, "a place before the beginning"),
        EOFError(),
        ValueError("x"),
        pa.ArrowInvalid("x"),
        RuntimeError("x"),
        TypeError("x"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
    ],
)
def test_no_reasons_of_the_system(error: Exception) -> None:
    assert unreadable(error, "a.h5") is None


@pytest.mark.parametrize("bug", [AttributeError, TypeError, RuntimeError, KeyError, IndexError])
def test_a_mistake_of_ours_is_no_damage(
    here: Path, monkeypatch: pytest.MonkeyPatch, bug: type[Exception]
) -> None:
    def wrong(*_: object) -> None:
        raise bug("ours")

    monkeypatch.setattr(shards, "_check_places", wrong)
    for use in ("load", "some", "stream"):
        with pytest.raises(bug, match="ours"):
            USES[use]()
    with pytest.raises(bug, match="ours"):
        shards.Shard(Path("jets") / shard_name(0), "a").read()


def test_a_set_that_is_saved_and_read_again_is_the_same(here: Path, toy_jets: Events) -> None:
    again = save(toy_jets, here / "again", provenance={})
    assert np.array_equal(again.load().value, toy_jets.value)
