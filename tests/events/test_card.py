from __future__ import annotations

from pathlib import Path

import yaml

from calovision.events.card import data_card
from calovision.events.events import Events
from calovision.events.store import save


def test_a_card_tells_columns_classes_and_origin(toy_jets: Events, tmp_path: Path) -> None:
    store = save(toy_jets, tmp_path / "mine", provenance={"made_by": "a test", "seed": 1})
    begin, head, text = data_card(store).split("---\n", 2)
    assert not begin
    about = yaml.safe_load(head)
    assert about["size_categories"] == ["n<1K"]
    assert list((tmp_path / "mine").glob(about["configs"][0]["data_files"]))
    assert "# mine" in text
    assert f"{len(toy_jets)} events" in text
    assert all(f"`{name}`" in text for name in toy_jets.columns)
    assert "0 gluon, 1 quark" in text
    made = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert made == {"made_by": "a test", "seed": 1}
