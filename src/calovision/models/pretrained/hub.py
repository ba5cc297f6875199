"""Models that others have shared: repositories of run directories, such as on Hugging Face.

``hf://owner/name`` or ``hf://owner/name@revision`` names a repository that holds the files of a
run, as ``Model.save`` writes them, its card as ``README.md``. ``HF_ENDPOINT`` of the environment
names a mirror in place of Hugging Face: an address, or ``file:///folder`` with ``owner/name`` in
it. Weights are safetensors, arrays hold no objects: nothing in a repository is run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import requests

from calovision.errors import InputError
from calovision.events.formats.download import TIMEOUT_S, RemoteFile, download
from calovision.utils import cache
from calovision.utils.files import write_bytes, writing
from calovision.utils.unreadable import reading

SCHEME = "hf://"
VARIABLE = "HF_ENDPOINT"  #: of the environment, as of Hugging Face's own programs
PUBLIC = "https://huggingface.co"
#: what a run consists of; other files of a repository stay there
_SUFFIXES = (".yaml", ".json", ".md", ".safetensors", ".npz")
_ADDRESS = re.compile(r"hf://([\w-][\w.-]*)/([\w-][\w.-]*)(?:@([\w-][\w./-]*))?")
_REMEDY = f"check the connection, or name a mirror in {VARIABLE}"


def room() -> Path:
    """The folder of what was fetched."""
    return cache.folder() / "hub"


def hub_run(address: str) -> Path:
    """Run directory of a shared model, fetched on first use and kept in the cache.

    Without a connection, what was fetched before is taken.

    Args:
        address: ``hf://owner/name``, with ``@`` and a branch, tag or commit if not the newest.

    Raises:
        InputError: no such address, repository or file, no connection, or it holds no run.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or ".." in address:
        raise InputError(f"{address} names no repository", "write hf://OWNER/NAME")
    owner, name, revision = match[1], match[2], match[3] or "main"
    place = room() / owner / name
    known = place / "refs" / f"{quote(revision, safe='')}.txt"
    try:
        commit, files = _listed(f"{owner}/{name}", revision)
    except requests.ConnectionError as error:
        kept = place / known.read_text().strip() if known.is_file() else None
        if kept is None or not kept.is_dir():
            raise InputError(f"cannot reach {address} ({_endpoint()})", _REMEDY) from error
        return kept
    run = place / commit
    if not run.is_dir():
        if "config.yaml" not in (f.name for f in files):
            raise InputError(f"{address} holds no run", "share what cv.load_model(RUN).save writes")
        part = run.with_name(f"{commit}.part")
        for file in files:
            target = part / file.name
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            download(file, file.url, target, remedy=_REMEDY)
        with writing(run):
            part.replace(run)
    with writing(known):
        known.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(known, commit.encode())
    return run


def _endpoint() -> str:
    return (os.environ.get(VARIABLE) or PUBLIC).rstrip("/")


def _listed(repository: str, revision: str) -> tuple[str, list[RemoteFile]]:
    """The commit of a revision, and the files of a run that it holds."""
    end = _endpoint()
    if urlsplit(end).scheme == "file":
        return _in_folder(Path(url2pathname(urlsplit(end).path)) / repository)
    url = f"{end}/api/models/{repository}/revision/{quote(revision, safe='')}"
    try:
        answer = requests.get(url, params={"blobs": "true"}, timeout=TIMEOUT_S)
        if not answer.ok:
            raise InputError(
                f"{url}: the server says {answer.status_code} {answer.reason}",
                "check owner, name and revision; it must be public",
            )
        content: dict[str, Any] = answer.json()
        commit, listed = str(content["sha"]), content["siblings"]
        names = {str(f["rfilename"]): f for f in listed}
    except requests.ConnectionError:
        raise
    except (requests.RequestException, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{url} does not answer as Hugging Face does", _REMEDY) from error
    if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        raise InputError(f"{url} names no commit", _REMEDY)
    base = f"{end}/{repository}/resolve/{commit}"
    sums = {n: (f.get("lfs") or {}).get("sha256") for n, f in names.items()}
    return commit, [
        RemoteFile(name, f"{base}/{quote(name)}", file.get("size"), sha256=sums[name])
        for name, file in names.items()
        if _of_a_run(name)
    ]


def _in_folder(folder: Path) -> tuple[str, list[RemoteFile]]:
    """The same of a folder, whose commit is what its files are."""
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist", f"look where {VARIABLE} leads")
    files, states = [], []
    with reading(folder):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            if _of_a_run(name):
                state = path.stat()
                files.append(RemoteFile(name, path.absolute().as_uri(), state.st_size))
                states.append((name, state.st_size, state.st_mtime_ns))
    return cache.digest(*states), files


def _of_a_run(name: str) -> bool:
    path = PurePosixPath(name)
    plain = not path.is_absolute() and not any(p.startswith(".") for p in path.parts)
    return plain and "\\" not in name and path.suffix in _SUFFIXES
