"""No cell that people open in a spreadsheet is a formula, and none is lost for it."""

import io

import polars as pl
import pytest

from iot_ids.common.text import escape_formulas, unescape_formulas

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "=", "--1", "-x"]
SOUND = ["DoS", "-1.5", "+2", "-", "1e-3", "-1.5e-3", "", "'", "'a", "a=b", "50 %", "été", None]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_compute_stands_behind_an_apostrophe(text: str) -> None:
    table = escape_formulas(pl.DataFrame({"class": [text], text: [1]}))
    assert table["class"].to_list() == [f"'{text}"]
    assert table.columns == ["class", f"'{text}"]


def test_numbers_dashes_and_other_names_stay_as_they_are() -> None:
    table = pl.DataFrame({"class": SOUND, "share": [-1.5] * len(SOUND), "-x": pl.Series(SOUND, dtype=pl.Categorical)})
    assert escape_formulas(table)["class"].to_list() == SOUND
    assert escape_formulas(table)["share"].dtype == pl.Float64
    assert escape_formulas(table)["'-x"].to_list() == SOUND


def test_a_table_is_the_same_again_when_it_is_read() -> None:
    names = [*FORMULAS, *(text for text in SOUND if text)]
    table = pl.DataFrame({"label": names, **{name: list(range(len(names))) for name in names}})
    kept = pl.read_csv(io.StringIO(escape_formulas(table).write_csv()), schema_overrides={"label": pl.String})
    assert unescape_formulas(kept).rows() == table.rows()
    assert unescape_formulas(kept).columns == table.columns
