from __future__ import annotations

import json

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.reports.sources import read_source, save_arrays, shown_names


def test_a_study_is_read_whole(make_study, tmp_path):
    source = read_source(make_study(tmp_path / "study"))
    assert (source.name, source.scale) == ("jet-vae", "quick")
    assert list(source.models) == ["ours", "baseline"]
    assert list(source.curves) == ["ours", "baseline"]
    assert list(source.examples) == ["original", "ours", "baseline"]
    assert len(source.examples["original"]) == 2
    assert source.floor == {"emd": 0.1}
    assert list(source.nested("distributions.npz")["sum_e_ecal"]) == [
        "original",
        "ours",
        "baseline",
    ]
    assert list(source.nested("responses.npz")["ecal"]) == ["ours", "baseline"]
    assert source.arrays("latent.npz")["coordinates"].shape == (64, 2)


def test_what_is_missing_is_empty(make_study, tmp_path):
    whole = make_study(tmp_path / "study")
    (tmp_path / "bare").mkdir()
    (whole / "comparison.json").rename(tmp_path / "bare" / "comparison.json")
    source = read_source(tmp_path / "bare")
    assert list(source.models) == ["ours", "baseline"]
    files = source.arrays("latent.npz"), source.nested("responses.npz"), source.content("x.json")
    assert not any((source.curves, source.examples, source.differences, *files))


def test_a_run_is_read_with_a_log_cut_short(tmp_path):
    content = {"task": "jet-vae", "model": "point", "metrics": {}}
    (tmp_path / "results.json").write_text(json.dumps(content))
    (tmp_path / "metrics.jsonl").write_text('{"wall_s": 1.0, "val_loss": 2.0}\n{"wall_s": 3')
    source = read_source(tmp_path)
    assert source.curves == {"point": [{"wall_s": 1.0, "val_loss": 2.0}]}


def test_only_a_single_challenger_is_called_ours():
    assert shown_names(["baseline", "point"]) == {"baseline": "baseline", "point": "ours"}
    assert shown_names(["baseline", "a", "b"])["a"] == "a"
    assert shown_names(["point"]) == {"point": "point"}
    assert shown_names(["a", "b", "baseline"], "b") == {
        "a": "a",
        "b": "ours",
        "baseline": "baseline",
    }


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("comparison.json", b"{", "cannot be read"),
        ("comparison.json", b"[]", "JSON object"),
        ("comparison.json", b"{}", "not a comparison"),
        ("comparison.json", b'{"models": []}', "no models"),
        ("curves.json", b"\xff\xfe", "cannot be read"),
        ("latent.npz", b"PK not really", "damaged"),
    ],
)
def test_broken_files_are_named(make_study, tmp_path, name, content, complaint):
    path = make_study(tmp_path / "study")
    (path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_source(path).arrays(name if name.endswith("npz") else "none.npz")


def test_records_are_checked_and_get_the_names_shown(make_study, tmp_path):
    source = read_source(make_study(tmp_path / "study"))
    write = (source.path / "rows.json").write_text
    write('{"rows": [{"model": "point", "x": 1}, {"model": "trees", "x": 2}], "other": 3}')
    found = source.content("rows.json", rows=("model", "x"), more=("y",))
    assert found["rows"] == [{"model": "ours", "x": 1}, {"model": "trees", "x": 2}]
    assert (found["other"], found["more"]) == (3, [])
    for broken in ('{"rows": [{"model": "point"}]}', '{"rows": [3]}', '{"rows": {}}'):
        write(broken)
        with pytest.raises(InputError, match=r"rows\.json has a record without model or x"):
            source.content("rows.json", rows=("model", "x"))


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="neither"):
        read_source(tmp_path)


def test_arrays_are_written_whole(tmp_path):
    path = save_arrays(tmp_path / "a.npz", {"x/y": np.arange(3)})
    with np.load(path) as file:
        np.testing.assert_array_equal(file["x/y"], [0, 1, 2])
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("name", ["../other", "/etc", "..", "a/b", "x" * 300])
def test_names_of_models_lead_nowhere(make_study, tmp_path, name):
    study = make_study(tmp_path / "study")
    file = study / "comparison.json"
    content = json.loads(file.read_text())
    content["models"][0]["model"] = name
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a comparison"):
        read_source(study)
