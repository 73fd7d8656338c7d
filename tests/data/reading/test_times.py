"""Times that are written as text: parse_times, guessed where that is sure, and otherwise asked for."""

import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.reading.times import explain, guessed, parse_times, seconds, time_format
from iot_ids.data.schema import Columns

MORNING = 1517819500.0  # 2018-02-05 08:31:40 UTC


@pytest.mark.parametrize(
    ("text", "form", "when"),
    [
        ("2018-02-05T08:31:40Z", "%Y-%m-%dT%H:%M:%S%z", MORNING),
        ("2018-02-05T10:31:40.5+02:00", "%Y-%m-%dT%H:%M:%S.%f%z", MORNING + 0.5),
        ("2018-02-05T08:31:40", "%Y-%m-%dT%H:%M:%S", MORNING),
        ("2018-02-05 08:31:40.250", "%Y-%m-%d %H:%M:%S.%f", MORNING + 0.25),
        ("2018/02/05 08:31", "%Y/%m/%d %H:%M", MORNING - 40),
        ("2018-02-05", "%Y-%m-%d", MORNING - MORNING % 86_400),
        ("28/02/2018 08:31:40", "%d/%m/%Y %H:%M:%S", MORNING + 23 * 86_400),
        ("02/28/2018 8:31:40 AM", "%m/%d/%Y %I:%M:%S %p", MORNING + 23 * 86_400),
    ],
)
def test_common_formats_are_guessed_and_read(text: str, form: str, when: float) -> None:
    texts = pl.Series("ts", [text, None])
    assert guessed(texts) == [form]
    assert seconds(texts, form).to_list() == [when, None]


def test_one_text_can_tell_the_day_from_the_month_for_all() -> None:
    assert guessed(pl.Series(["05/02/2018 08:31:40", "13/02/2018 08:31:40"])) == ["%d/%m/%Y %H:%M:%S"]


def test_day_and_month_that_no_text_tells_apart_are_asked_for() -> None:
    texts = pl.Series("ts", ["05/02/2018 08:31:40", "06/03/2018 08:31:40"])
    assert time_format(texts, Columns(time="ts")) is None
    assert "read as %d/%m/%Y %H:%M:%S or as %m/%d/%Y %H:%M:%S; say which in dataset.columns.time_format" in explain(
        texts
    )


def test_days_that_are_months_as_well_need_no_telling() -> None:
    assert guessed(pl.Series(["05/05/2018 08:31:40", "06/06/2018 08:31:40"])) == ["%d/%m/%Y %H:%M:%S"]


@pytest.mark.parametrize("text", ["yesterday", "05/02/18", "08:31:40", "12", ""])
def test_what_is_no_common_format_is_not_guessed(text: str) -> None:
    assert guessed(pl.Series([text])) == []


def test_a_text_of_another_format_than_the_one_told_is_counted_and_shown() -> None:
    texts = pl.Series("ts", ["05/02/2018", "2018-02-05", None])
    with pytest.raises(
        UserError, match=r"time_format='%d/%m/%Y' does not fit 1 of 2 values of ts, such as '2018-02-05'"
    ):
        parse_times(texts, "%d/%m/%Y")


def test_what_is_no_format_is_refused() -> None:
    with pytest.raises(UserError, match=r"dataset\.columns\.time_format='%H' is not a strptime format"):
        seconds(pl.Series(["05"]), "%H")
