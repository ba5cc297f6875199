"""What a manifest claims is held against the files that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from calovision.errors import DamagedError
from calovision.events.manifest import check_sizes
from calovision.events.shards import shard_name


def test_events_are_counted_against_the_file_and_not_against_its_claimed_size(
    tmp_path: Path,
) -> None:
    (tmp_path / shard_name(0)).write_bytes(bytes(100))
    claim = {"index": 0, "events": 400, "bytes": 10**12}
    check_sizes(tmp_path, {"shards": [claim]})
    with pytest.raises(DamagedError, match="shard-00000"):
        check_sizes(tmp_path, {"shards": [claim | {"events": 401}]})
    check_sizes(tmp_path, {"shards": [{"index": 1, "events": 401, "bytes": 101}]})
