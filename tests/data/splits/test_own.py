"""A user's own split: docs/extending.md shows one, which runs as it stands there."""

import re
import sys
from pathlib import Path

import polars as pl
import pytest

import train
from conftest import Workplace, typed

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"
CODE = re.search(r"```python\n(from dataclasses.*?)```", PAGE.read_text(), re.DOTALL)
YAML = re.search(r"```yaml\n# my_conf/split/every_nth.yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def place(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A workplace with the page's split, in a module that no other test has imported."""
    assert CODE
    assert YAML
    folder = workplace.folder / "my_conf" / "split"
    folder.mkdir()
    module = f"splits_of_{workplace.folder.parent.name}"
    (folder / "every_nth.yaml").write_text(YAML[1].replace("my_splits", module))
    (workplace.folder / f"{module}.py").write_text(CODE[1])
    monkeypatch.syspath_prepend(str(workplace.folder))
    return workplace


def run(place: Workplace, patch: pytest.MonkeyPatch, *words: str) -> int:
    return typed(patch, train, *place.words("split=every_nth", "model=majority", "dataset.duplicates=keep", *words))


def test_the_split_of_the_page_runs(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(place, monkeypatch, "split.n=4") == 0
    (kept,) = place.runs()
    assert kept.data.params["split.n"] == "4"
    assert kept.data.params["split._target_"].endswith(".EveryNth")
    rows = pl.read_parquet(place.artifacts(kept) / "predictions.parquet")["row_id"]
    assert sorted(rows) == list(range(0, 240, 4))


def test_its_changed_code_is_not_served_from_the_cache(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    from iot_ids import prepare

    words = place.words("split=every_nth", "model=majority", "dataset.duplicates=keep")[2:]

    def tested() -> list[int]:
        return sorted(prepare(words, place.folder / "my_conf").loaded.read_test().flows["__row_id"])

    before, entries = tested(), len(list((place.folder / "cache").iterdir()))
    (module,) = place.folder.glob("splits_of_*.py")
    module.write_text(module.read_text().replace("place == 0", "place == 4").replace("place > 1", "place % 4 > 1"))
    monkeypatch.delitem(sys.modules, module.stem)
    assert before == list(range(0, 240, 5))
    assert tested() == list(range(4, 240, 5))
    assert len(list((place.folder / "cache").iterdir())) > entries


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("split.n=many", "Value 'many' of type 'str' could not be converted to Integer"),
        ("+split.m=3", "Key 'm' not in 'EveryNth'"),
        ("split.n=1", "split=every_nth leaves train empty"),
        ("split._target_=my_splits_that_are_nowhere.Mine", "split: _target_=my_splits_that_are_nowhere.Mine cannot be"),
        ("split._target_=pathlib.Path", "pathlib.Path is not a dataclass derived from Split"),
    ],
)
def test_what_is_wrong_is_refused_in_a_message(
    word: str, message: str, place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, monkeypatch, word) == 1
    assert message in capsys.readouterr().err
    assert not place.runs()


def test_a_row_in_two_parts_is_refused(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (module,) = place.folder.glob("splits_of_*.py")
    module.write_text(module.read_text().replace("place > 1", "place > 0"))
    assert run(place, monkeypatch) == 1
    assert "split=every_nth takes 48 of 240 rows more than once" in capsys.readouterr().err
