"""The forest plot appears whole, for two methods and for many."""

from pathlib import Path

import pytest

from comparison.made_up import on_random_splits
from comparison.render.test_table import FOURTEEN
from iot_ids.comparison.render.plots import forest
from iot_ids.comparison.reports.table import rows


@pytest.mark.parametrize("count", [1, 14])
def test_it_is_drawn(count: int, tmp_path: Path) -> None:
    gathered = on_random_splits(dict(list(FOURTEEN.items())[:count]), range(2), tags={"data.origin": "generated"})
    forest(gathered, rows(gathered, 10, 0), tmp_path / "new" / "forest.png")
    assert (tmp_path / "new" / "forest.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["forest.png"]
