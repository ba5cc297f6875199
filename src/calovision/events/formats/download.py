"""Downloading the public sets: resumable, checked, complete or absent."""

from __future__ import annotations

import ftplib
import shutil
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedWriter
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import IncompleteRead

from calovision.errors import InputError
from calovision.events.formats.kinds import GZIP, HDF5, HEAD_BYTES, PARQUET, kind_of
from calovision.utils.files import PART, writing
from calovision.utils.unreadable import reading

TIMEOUT_S = 30.0
_CHUNK = 1 << 16  # bytes written at a time; at most so many are fetched again after an interruption
#: how files of a kind begin, by the end of their names
_SIGNATURES = {".gz": GZIP, ".hdf5": HDF5, ".h5": HDF5, ".parquet": PARQUET}
_TRIES = 3  # a broken connection is taken up again so many times


@dataclass(frozen=True)
class RemoteFile:
    """One file of a public set.

    Attributes:
        name: file name.
        url: where it is.
        size: bytes, where published.
        md5, sha256: checksums, where published.
    """

    name: str
    url: str
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None


_CERNBOX = "https://cernbox.cern.ch/remote.php/dav/public-files/"
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def _at(base: str, name: str, size: int | None = None, md5: str | None = None) -> RemoteFile:
    return RemoteFile(name, base + name, size, md5)


#: the public sets; no checksum is published for the CERNBox files
PUBLIC_SETS: dict[str, tuple[RemoteFile, ...]] = {
    "quark-gluon": (_at(_CERNBOX + "b5WrtcHe0xQ26M4/", "quark-gluon_data-set_n139306.hdf5"),),
    "electron-photon": (
        _at(
            _CERNBOX + "AtBT8y4MiQYFcgc/",
            "SinglePhotonPt50_IMGCROPS_n249k_RHv1.hdf5",
            119_703_858,
        ),
        _at(
            _CERNBOX + "FbXw3V4XNyYB3oA/",
            "SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5",
            128_927_319,
        ),
    ),
    "mnist": (
        _at(_MNIST, "train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        _at(_MNIST, "train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        _at(_MNIST, "t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        _at(_MNIST, "t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
}


def fetch(
    name: str, out: str | Path, *, mirror: str | None = None, progress: bool = False
) -> list[Path]:
    """Download a public set; files that are already there are checked and kept.

    An interrupted download leaves ``FILE.part`` and is continued by the next call. Arguments as of
    :func:`calovision.fetch`.

    Raises:
        InputError: unknown set, no connection, missing on the server, wrong kind, size or
            checksum, or the disk is full.
    """
    if name not in PUBLIC_SETS:
        raise InputError(f"no public set {name!r}", f"known are {', '.join(PUBLIC_SETS)}")
    folder = Path(out)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for file in PUBLIC_SETS[name]:
        url = file.url if mirror is None else f"{mirror.rstrip('/')}/{quote(file.name)}"
        paths.append(download(file, url, folder / file.name, progress=progress))
    return paths


def download(
    file: RemoteFile, url: str, path: Path, *, progress: bool = False, remedy: str | None = None
) -> Path:
    """Download one file to ``path``, resuming what an earlier call left.

    Args:
        file: what is published about it.
        url: where it is taken from.
        path: where it is put.
        progress: show a bar.
        remedy: what to do where it cannot be had; by default about mirrors of public sets.

    Raises:
        InputError: see :func:`fetch`.
    """
    if path.is_file():
        if problem := _mismatch(file, path):
            raise InputError(f"{path} {problem}", "delete it and run the command again")
        return path
    part = path.with_name(path.name + PART)
    elsewhere = remedy or (
        "give --mirror URL"
        if url == file.url
        else "check the address given by --mirror, under which the file must lie by its name"
    )
    if not _is_address(url):
        raise InputError(f"{url} is no address", "begin it with https:// or, for a folder, file://")
    for attempt in range(_TRIES):
        try:
            with writing(path):
                _transfer(file, url, part, progress)
            break
        except requests.HTTPError as error:
            answer = error.response
            assert answer is not None
            raise InputError(
                f"{url}: the server says {answer.status_code} {answer.reason}", elsewhere
            ) from error
        except (OSError, ValueError, ftplib.Error) as error:
            if attempt == _TRIES - 1:
                raise InputError(
                    f"cannot download {url} ({_reason(error)})",
                    f"check the connection and run the command again, or {elsewhere}",
                ) from error
    if problem := _mismatch(file, part):
        part.unlink()
        raise InputError(f"{url} {problem}", f"try again later, or {elsewhere}")
    part.replace(path)
    return path


def _is_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https", "ftp", "file")
    except ValueError:
        return False


def _transfer(file: RemoteFile, url: str, part: Path, progress: bool) -> None:
    """Bring ``part`` to the whole content of ``url``.

    ``pooch.retrieve`` begins every download anew and hashes files of which no checksum is known, 26
    GB of them; so pooch's downloaders write behind what an earlier call has left.
    """
    scheme, have = urlsplit(url).scheme, part.stat().st_size if part.exists() else 0
    if scheme == "file":
        shutil.copyfile(url2pathname(urlsplit(url).path), part)
    elif scheme == "ftp":  # of which pooch asks for whole files only
        pooch.FTPDownloader(timeout=TIMEOUT_S, progressbar=progress)(url, str(part), None)
    elif have != file.size:
        try:
            with part.open("ab") as sink:
                _append(file, url, sink, have, progress)
        except BaseException:
            if not part.stat().st_size:
                part.unlink()
            raise


def _append(file: RemoteFile, url: str, sink: BufferedWriter, have: int, progress: bool) -> None:
    """Append what is missing over HTTP, or all of it from a server that knows no ranges."""

    def begins(response: requests.Response, **_: object) -> None:
        if response.status_code == HTTPStatus.OK:  # all of it
            sink.truncate(0)

    # Compressed files come as they are; requests would unpack them on the way.
    headers = {"User-Agent": "calovision", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    options = {"headers": headers, "hooks": {"response": begins}, "timeout": TIMEOUT_S}
    # pooch sets the total, which must not be 0 before.
    bar = tqdm(total=1, unit="B", unit_scale=True, desc=file.name, disable=not progress)
    try:
        with bar:
            pooch.HTTPDownloader(bar, _CHUNK, **options)(url, sink, None)
    except requests.HTTPError as error:
        answer = error.response
        assert answer is not None
        if answer.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if answer.headers.get("Content-Range", "") != f"bytes */{have}":
            sink.truncate(0)
            raise ConnectionError("what was downloaded before does not fit") from error


def _reason(error: BaseException) -> BaseException | str:
    """What went wrong first: libraries wrap the system's errors several times."""
    while error.__context__ is not None:
        error = error.__context__
    return "the connection broke off" if isinstance(error, IncompleteRead) else error


def _mismatch(file: RemoteFile, path: Path) -> str | None:
    """What is wrong with a downloaded file, if anything."""
    with reading(path):
        size = path.stat().st_size
        with path.open("rb") as content:
            head = content.read(HEAD_BYTES)
    wanted = _SIGNATURES.get(Path(file.name).suffix)
    if wanted is not None and not head.startswith(wanted):
        found = kind_of(head)[0] if head else "empty"
        return f"is {found or 'of no known kind'}, not {kind_of(wanted)[0]}"
    if file.size is not None and size != file.size:
        return f"has {size} bytes instead of {file.size}"
    for kind, published in (("md5", file.md5), ("sha256", file.sha256)):
        if published and (found := pooch.file_hash(path, alg=kind)) != published:
            return f"has {kind.upper()} {found} instead of {published}"
    return _truncated(path) if file.size is None and wanted == HDF5 and not file.md5 else None


def _truncated(path: Path) -> str | None:
    """What HDF5 says of a file of unknown size, which it can tell to be cut short."""
    import h5py

    try:
        with reading(path), h5py.File(path, "r"):
            return None
    except (OSError, RuntimeError) as error:
        return f"cannot be opened ({' '.join(str(error).split())})"
