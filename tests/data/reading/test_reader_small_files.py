"""Many small files are read as one, and every row is where it would be if each were read alone."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from iot_ids.data.reading import layout, reader
from iot_ids.data.reading.reader import rows_of, together
from iot_ids.data.schema import Dataset

Csv = Callable[..., Path]
ODD = [
    [],
    [""],
    ["7f,tcp,80,5,0.5,0,Normal"],
    ["1,tcp,80,x,0.5,0,Normal", "1,tcp"],
    ['1,"t,cp",80,5,0.5,0,Normal'],
    ['1,t"cp,80,5,0.5,0,Normal'],
    [",udp,,5,0.5,1,Scan,,"],
]
"""Lines that one file in each group has, beside those of the others."""


def some_files(csv: Csv, *odd: str) -> list[Path]:
    good = ["1,tcp,80,5,0.5,0,Normal", "2,udp,81,6,0.25,1,Scan"]
    files = [csv(*good[: at % 3], *odd * (at == 4), *good, name=f"{at}.csv") for at in range(9)]
    files[2].write_bytes(files[2].read_bytes().removesuffix(b"\n"))
    files[6].write_bytes(gzip.compress(files[6].read_bytes().replace(b"\n", b"\r\n")))
    return [*files[:8], csv(name="none.csv"), files[8]]


@pytest.mark.parametrize("odd", ODD)
def test_rows_of_files_read_at_once_are_those_of_each(
    small: Dataset, csv: Csv, monkeypatch: pytest.MonkeyPatch, odd: list[str]
) -> None:
    layouts = [layout.layout(file, small) for file in some_files(csv, *odd)]
    found = rows_of(layouts, small)
    monkeypatch.setattr(reader, "together", lambda layouts: [[part] for part in layouts])
    expected = rows_of(layouts, small)
    assert found.heights == expected.heights
    assert_frame_equal(found.odd, expected.odd)
    assert_frame_equal(found.usable, expected.usable)


def test_small_files_are_read_once(small: Dataset, csv: Csv, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, straight = [], reader.read_typed

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return straight(*arguments)

    monkeypatch.setattr(reader, "read_typed", counted)
    rows_of([layout.layout(file, small) for file in some_files(csv)], small)
    assert len(calls) == 1


def test_files_of_other_layouts_large_ones_and_cut_ones_are_read_alone(
    small: Dataset, csv: Csv, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [csv("1,tcp,80,5,0.5,0,Normal", name=f"{at}.csv") for at in range(4)]
    other = csv("0,Normal,5,0.5,tcp", name="other.csv", header="attack,kind,pkts,rate,proto")
    layouts = [layout.layout(file, small) for file in (*files, other)]
    assert [len(group) for group in together(layouts)] == [4, 1]
    assert [len(group) for group in together([replace(part, rows=1) for part in layouts])] == [1] * 5


def test_no_more_is_read_at_once_than_fits(small: Dataset, csv: Csv, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts = [layout.layout(csv("1,tcp,80,5,0.5,0,Normal", name=f"{at}.csv"), small) for at in range(4)]
    monkeypatch.setattr(reader, "TOGETHER", 2 * layouts[0].file.stat().st_size)
    assert [len(group) for group in together(layouts)] == [2, 2]
    monkeypatch.setattr(reader, "SMALL", 1)
    assert [len(group) for group in together(layouts)] == [1] * 4
