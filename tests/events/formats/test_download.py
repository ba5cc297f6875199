from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.formats import download as fetch_module
from calovision.events.formats.download import PUBLIC_SETS, RemoteFile, download, fetch

CONTENT = b"\x89HDF\r\n\x1a\n" + np.random.default_rng(1).bytes(2_999_992)
MD5 = hashlib.md5(CONTENT).hexdigest()
FILE = RemoteFile("file.h5", "http://unused.invalid/file.h5", len(CONTENT), MD5)


class Server(ThreadingHTTPServer):
    """Serves ``files``; may break off, may not know ranges; remembers the ranges asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/file.h5": CONTENT}
        self.break_after: list[int] = []  # bytes served before the connection breaks, per request
        self.knows_ranges = True
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        content = self.server.files.get(self.path)
        if self.path == "/moved.h5":
            self.send_response(302)
            self.send_header("Location", "/file.h5")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if content is None:
            self.send_error(404)
            return
        first = int(re.findall(r"\d+", wanted)[0]) if wanted and self.server.knows_ranges else 0
        if first >= len(content) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        if first:
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        stop = first + self.server.break_after.pop(0) if self.server.break_after else None
        self.wfile.write(content[first:stop])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(server: Server, path: Path, file: RemoteFile = FILE) -> Path:
    return download(file, f"{server.url}/{file.name}", path)


def test_download_and_keep(server: Server, tmp_path: Path) -> None:
    path = get(server, tmp_path / "file.h5")
    assert path.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["file.h5"]
    get(server, path)
    assert server.ranges == [None]


def test_broken_connection_is_taken_up_again(server: Server, tmp_path: Path) -> None:
    server.break_after = [1 << 20, 1 << 19]
    assert get(server, tmp_path / "file.h5").read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={1 << 20}-", f"bytes={3 << 19}-"]


def test_interrupted_download_is_resumed_by_the_next_call(server: Server, tmp_path: Path) -> None:
    server.break_after = [1 << 16] * 3
    with pytest.raises(InputError, match=r"broke off.*run the command again"):
        get(server, tmp_path / "file.h5")
    assert [(p.name, p.stat().st_size) for p in tmp_path.iterdir()] == [("file.h5.part", 3 << 16)]
    assert get(server, tmp_path / "file.h5").read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={3 << 16}-"


def test_a_redirected_download_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "moved.h5.part").write_bytes(CONTENT[:5000])
    moved = RemoteFile("moved.h5", "", len(CONTENT), MD5)
    assert get(server, tmp_path / "moved.h5", moved).read_bytes() == CONTENT
    assert server.ranges == ["bytes=5000-", "bytes=5000-"]


def test_a_folder_is_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fetch_module.PUBLIC_SETS, "mnist", (FILE,))
    (tmp_path / "a folder").mkdir()
    mirror = (tmp_path / "a folder").as_uri()
    with pytest.raises(InputError, match=r"cannot download .*No such file"):
        fetch("mnist", tmp_path / "new", mirror=mirror)
    (tmp_path / "a folder" / "file.h5").write_bytes(CONTENT)
    assert fetch("mnist", tmp_path / "new", mirror=mirror)[0].read_bytes() == CONTENT


def test_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "file.h5.part").write_bytes(CONTENT[:5000])
    assert get(server, tmp_path / "file.h5").read_bytes() == CONTENT


def test_part_that_is_whole_is_not_loaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.h5.part").write_bytes(CONTENT)
    assert get(server, tmp_path / "file.h5").read_bytes() == CONTENT
    assert server.ranges == []
    unsized = RemoteFile("file.bin", "")
    server.files["/file.bin"] = CONTENT
    (tmp_path / "b.bin.part").write_bytes(CONTENT)
    assert get(server, tmp_path / "b.bin", unsized).read_bytes() == CONTENT


def test_part_longer_than_the_file_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.h5.part").write_bytes(CONTENT + b"more")
    assert get(server, tmp_path / "file.h5").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("served", "message"), [(CONTENT[:-1], "bytes instead of"), (CONTENT[:-1] + b"?", "MD5")]
)
def test_wrong_content_is_refused_and_removed(
    server: Server, tmp_path: Path, served: bytes, message: str
) -> None:
    server.files["/file.h5"] = served
    with pytest.raises(InputError, match=message):
        get(server, tmp_path / "file.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file of HDF5."""
    path = tmp_path_factory.mktemp("sound") / "a.h5"
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(5000)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "served", "says"),
    [
        ("a.hdf5", b"hello, world\n", "is text, not an HDF5 file"),
        ("a.hdf5", b"<!DOCTYPE html><html>log in</html>", "is a web page, not an HDF5 file"),
        ("a.hdf5", b"", "is empty, not an HDF5 file"),
        ("a.h5", b"\x1f\x8b" + bytes(99), "is compressed by gzip, not an HDF5 file"),
        ("a.gz", b'{"error": 1}', "is text, not compressed by gzip"),
        ("a.parquet", bytes(99), "is of no known kind, not a Parquet file"),
        ("a.hdf5", b"version https://git-lfs.github.com/spec/v1", "is a pointer of Git LFS"),
    ],
)
def test_an_answer_of_another_kind_is_refused(
    server: Server, tmp_path: Path, name: str, served: bytes, says: str
) -> None:
    """Also where nobody knows the size of the file, or it happens to fit."""
    server.files[f"/{name}"] = served
    for size in {None, len(served) or None}:
        with pytest.raises(InputError, match=f"{name} {says}"):
            get(server, tmp_path / name, RemoteFile(name, "", size))
        assert list(tmp_path.iterdir()) == []
    (tmp_path / name).write_bytes(served)
    with pytest.raises(InputError, match=f"{says}.*delete it"):
        get(server, tmp_path / name, RemoteFile(name, ""))


def test_a_file_of_unknown_size_that_is_cut_short_is_refused(
    server: Server, tmp_path: Path, sound: bytes
) -> None:
    unsized = RemoteFile("a.hdf5", "")
    server.files["/a.hdf5"] = sound[:-1000]
    with pytest.raises(InputError, match=r"a\.hdf5 cannot be opened .*truncated"):
        get(server, tmp_path / "a.hdf5", unsized)
    assert list(tmp_path.iterdir()) == []
    server.files["/a.hdf5"] = sound
    assert get(server, tmp_path / "a.hdf5", unsized).read_bytes() == sound


def test_what_a_wrong_answer_left_is_not_gone_on_with(
    server: Server, tmp_path: Path, sound: bytes
) -> None:
    (tmp_path / "a.hdf5.part").write_bytes(b"<html>")
    server.files["/a.hdf5"] = sound
    unsized = RemoteFile("a.hdf5", "")
    with pytest.raises(InputError, match="not an HDF5 file"):
        get(server, tmp_path / "a.hdf5", unsized)
    assert get(server, tmp_path / "a.hdf5", unsized).read_bytes() == sound


@pytest.mark.parametrize(
    "mirror", ["/some/folder", "folder", "htps:/x", "http://", "http://[", "http://a:b"]
)
def test_a_mirror_that_is_no_address_is_one_line(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(InputError, match=r"is no address|cannot download") as caught:
        fetch("mnist", tmp_path, mirror=mirror)
    assert "give --mirror" not in str(caught.value)


def test_who_gives_a_mirror_is_not_told_to_give_one(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="404") as caught:
        fetch("mnist", tmp_path, mirror=server.url)
    assert "check the address given by --mirror" in str(caught.value)
    with pytest.raises(InputError, match="404") as caught:
        download(RemoteFile("x", f"{server.url}/x"), f"{server.url}/x", tmp_path / "x")
    assert str(caught.value).endswith("give --mirror URL")


def test_wrong_file_of_the_user_is_not_touched(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.h5").write_bytes(b"mine")
    with pytest.raises(InputError, match="delete it"):
        get(server, tmp_path / "file.h5")
    assert (tmp_path / "file.h5").read_bytes() == b"mine"


def test_missing_on_the_server(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"404.*--mirror"):
        get(server, tmp_path / "x", RemoteFile("other.h5", ""))
    assert list(tmp_path.iterdir()) == []


def test_offline_is_one_line(tmp_path: Path) -> None:
    with Server() as closed:
        url = closed.url
    with pytest.raises(InputError, match=r"cannot download .*check the connection") as caught:
        download(FILE, f"{url}/file.h5", tmp_path / "file.h5")
    assert "\n" not in str(caught.value)


def test_set_from_a_mirror(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fetch_module.PUBLIC_SETS, "mnist", (FILE,))
    server.files = {"/mirror/file.h5": CONTENT}
    paths = fetch("mnist", tmp_path / "new" / "folder", mirror=f"{server.url}/mirror/")
    assert [p.name for p in paths] == ["file.h5"]
    assert paths[0].read_bytes() == CONTENT


def test_unknown_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no public set 'cifar'; known are quark-gluon"):
        fetch("cifar", tmp_path)


def test_table_names_every_set_over_https() -> None:
    assert set(PUBLIC_SETS) == {"quark-gluon", "electron-photon", "mnist"}
    for files in PUBLIC_SETS.values():
        for file in files:
            assert file.url.startswith("https://")
            assert file.url.endswith("/" + file.name)
            assert file.md5 is None or re.fullmatch("[0-9a-f]{32}", file.md5)
    assert sum(f.size or 0 for f in PUBLIC_SETS["electron-photon"]) == 248_631_177
