"""Where a report goes: two comparisons that differ never share a folder by default."""

from pathlib import Path

import pytest

from comparison.made_up import CLASSES, answered, kept
from iot_ids.comparison.loading import Record, group
from iot_ids.comparison.render.page import folder
from iot_ids.comparison.spec import Compare


@pytest.mark.parametrize(
    ("parameters", "tags", "settings", "name"),
    [
        ({}, {}, {}, "mine-category-random"),
        ({"split.name": "official"}, {}, {}, "mine-category-official"),
        ({"dataset.duplicates": "keep"}, {}, {}, "mine-category-random-keep"),
        ({}, {"protocol": "paper_recipe"}, {}, "mine-category-random-paper_recipe"),
        ({}, {}, {"where": ["selector.k:8"], "data": "ab12"}, "mine-category-random-ab12-selector.k_8"),
        ({}, {}, {"report": "selection"}, "mine-category-random-selection"),
        ({"dataset.duplicates": "exact"}, {}, {"report": "shortcuts"}, "mine-category-random-shortcuts"),
        ({"test_dataset.name": "yours"}, {}, {}, "mine-to-yours-category-random"),
        ({"dataset.name": "../a b"}, {}, {}, ".._a_b-category-random"),
    ],
)
def test_the_folder_is_named_after_what_was_compared(
    parameters: dict[str, str], tags: dict[str, str], settings: dict[str, object], name: str
) -> None:
    matrix = answered(0.8, 0)
    gathered = group([Record(kept(matrix=matrix, parameters=parameters, tags=tags), matrix)], CLASSES, None)
    asked = Compare(**{"where": [], **settings})  # type: ignore[arg-type]
    assert folder(gathered.first, asked) == Path("comparison") / name
