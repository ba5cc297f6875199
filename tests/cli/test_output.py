from __future__ import annotations

import pytest

from calovision.cli.output import emit


def test_text_alone_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": 1}, "done", False)
    assert capsys.readouterr() == ("done\n", "")


def test_with_json_the_text_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": 1}, "done", True)
    assert capsys.readouterr() == ('{"a": 1}\n', "done\n")
