"""Shared models, from a server that answers as Hugging Face does, and from folders."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.models.pretrained import pretrained_run
from calovision.models.pretrained.hub import hub_run

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """A few answers of the hub, by its documented paths."""

    def __init__(self, *request: object, folder: Path, seen: list[str]) -> None:
        self.folder, self.seen = folder, seen
        super().__init__(*request)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.seen.append(path)
        if path == "/api/models/lab/tagger/revision/main":
            return self._say(200, json.dumps({"sha": COMMIT, "siblings": self._files()}).encode())
        file = self.folder / path.removeprefix(f"/lab/tagger/resolve/{COMMIT}/")
        if path.startswith(f"/lab/tagger/resolve/{COMMIT}/") and file.is_file():
            return self._say(200, file.read_bytes())
        return self._say(404, b"")

    def _files(self) -> list[dict[str, object]]:
        listed: list[dict[str, object]] = [{"rfilename": "../run.py"}, {"rfilename": "/a.json"}]
        for file in (f for f in self.folder.rglob("*") if f.is_file()):
            about: dict[str, object] = {"rfilename": file.relative_to(self.folder).as_posix()}
            if file.suffix == ".safetensors":
                content = file.with_suffix(".told").read_bytes()
                about |= {"size": len(content)}
                about |= {"lfs": {"sha256": hashlib.sha256(content).hexdigest()}}
            listed.append(about)
        return listed

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What somebody has shared; fetched files go to a cache of the test's own."""
    monkeypatch.setenv("CALOVISION_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mirror" / "lab" / "tagger"
    cv.pretrained("egamma").save(folder)
    shutil.copy(folder / "model.safetensors", folder / "model.told")
    return folder


@pytest.fixture
def hub(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], object]]:
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder=shared, seen=seen))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")

    def stop() -> None:
        server.shutdown()
        server.server_close()

    yield seen, stop
    stop()


def test_a_shared_model_is_fetched_once_and_kept(
    shared: Path, hub: tuple[list[str], object]
) -> None:
    seen, stop = hub
    model = cv.pretrained("hf://lab/tagger", device="cpu")
    assert model.name == "crop-net"
    assert model.path.name == COMMIT
    crops = cv.simulate.egamma(20, seed=3, quiet=True)
    ours = cv.pretrained("egamma", device="cpu").predict(crops)
    assert (model.predict(crops).logit == ours.logit).all()
    fetched = len(seen)
    assert cv.pretrained("hf://lab/tagger@main", device="cpu").path == model.path
    assert len(seen) == fetched + 1  # whether there is a newer one
    assert not any(name.endswith((".told", ".py", "/a.json")) for name in seen)
    stop()  # type: ignore[operator]
    assert hub_run("hf://lab/tagger") == model.path
    with pytest.raises(InputError, match="cannot reach hf://lab/other"):
        hub_run("hf://lab/other")


def test_what_was_fetched_is_not_written_into(hub: object, tmp_path: Path) -> None:
    model = cv.pretrained("hf://lab/tagger", device="cpu")
    before = sorted(model.path.rglob("*"))
    model.evaluate(cv.simulate.egamma(300, seed=3, quiet=True))
    assert sorted(model.path.rglob("*")) == before


def test_weights_that_are_not_the_published_ones_are_refused(shared: Path, hub: object) -> None:
    weights = bytearray((shared / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (shared / "model.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match="has SHA256"):
        hub_run("hf://lab/tagger")
    shutil.copy(shared / "model.told", shared / "model.safetensors")
    assert hub_run("hf://lab/tagger").is_dir()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("hf://lab", "names no repository"),
        ("hf://lab/../etc", "names no repository"),
        ("hf://lab/tagger/file", "names no repository"),
        ("hf://lab/other", "the server says 404"),
        ("hf://lab/tagger@v2", "the server says 404"),
    ],
)
def test_wrong_addresses_are_told(hub: object, address: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cv.pretrained(address)


def test_a_folder_is_a_mirror_too(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", shared.parents[1].as_uri())
    first = hub_run("hf://lab/tagger")
    assert first == hub_run("hf://lab/tagger") != shared
    (shared / "budget.json").write_text("{}")
    assert hub_run("hf://lab/tagger") != first  # another commit
    said = CliRunner().invoke(app, ["model", "info", "--pretrained", "hf://lab/tagger"])
    assert "Electron/photon" in said.stdout
    with pytest.raises(InputError, match="look where HF_ENDPOINT leads"):
        hub_run("hf://lab/other")
    (shared / "config.yaml").unlink()
    with pytest.raises(InputError, match="holds no run"):
        hub_run("hf://lab/tagger")


def test_a_saved_model_has_a_card_as_hugging_face_reads_it(tmp_path: Path) -> None:
    model = cv.pretrained("egamma").save(tmp_path / "plain")
    head = front_matter(tmp_path / "plain" / "README.md")
    assert head["library_name"] == "calovision"
    assert head["license"] == "bsd-3-clause"
    assert "egamma" in head["tags"]
    assert "model-index" not in head  # nothing was measured
    model.evaluate(cv.simulate.egamma(300, seed=3, quiet=True))
    model.save(tmp_path / "measured")
    (entry,) = front_matter(tmp_path / "measured" / "README.md")["model-index"]
    (result,) = entry["results"]
    assert result["dataset"]["name"]
    auc = next(m for m in result["metrics"] if m["type"] == "auc")
    assert auc["value"] == model.evaluate(cv.simulate.egamma(300, seed=3, quiet=True))["auc"].value


def front_matter(card: Path) -> dict[str, object]:
    begin, head, text = card.read_text().split("---\n", 2)
    assert not begin
    assert text.strip().startswith("# ")
    loaded: dict[str, object] = yaml.safe_load(head)
    return loaded


def test_the_package_has_no_readme_of_its_models() -> None:
    assert not (pretrained_run("egamma") / "README.md").exists()
