"""Flows from Parquet are the flows of the same table as CSV, whatever the types it is stored in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from iot_ids.common.errors import UserError
from iot_ids.data.checks import REST
from iot_ids.data.clean import clean
from iot_ids.data.schema import Dataset, Duplicates, Format

Shipped = Callable[..., Dataset]
NAMES = sorted(file.stem for file in (Path(__file__).parent.parents[2] / "conf" / "dataset").glob("*.yaml"))
START = datetime(2018, 2, 5, 8, 31, 40)
SMALL = {
    "id": [1, 2],
    "proto": ["tcp", "udp"],
    "sport": [80, 443],
    "pkts": [5, 7],
    "rate": [0.5, 0.25],
    "attack": [0, 1],
    "kind": ["Normal", "Scan"],
}


def flows_of(table: pl.DataFrame, dataset: Dataset, file: Path) -> pl.DataFrame:
    """`table`, written to `file` and cleaned."""
    table.write_parquet(file) if file.suffix == ".parquet" else table.write_csv(file)
    return clean([file], dataset, Duplicates.keep).flows


def made_up(dataset: Dataset) -> pl.DataFrame:
    """A few rows for the columns of a dataset, with every class of its label that has a name."""
    columns, chosen = dataset.columns, dataset.labels[dataset.label]
    named = [value for values in chosen.classes.values() for value in values if value != REST] * 2
    rows = range(len(named))
    labels: dict[str, Any] = {name: [str(row % 2) for row in rows] for name in columns.labels}
    labels |= dict(zip(chosen.columns, zip(*(value.split("/") for value in named), strict=True), strict=True))
    return pl.DataFrame(
        {name: [row + 0.5 for row in rows] for name in columns.numeric}
        | {name: [("tcp", None, "-", "udp")[row % 4] for row in rows] for name in columns.categorical}
        | {name: [f"10.0.0.{row}" for row in rows] for name in columns.identifiers}
        | {name: [1024 + row for row in rows] for name in (*columns.ports, *filter(None, [columns.time]))}
        | labels
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_dataset_may_be_parquet(name: str, shipped: Shipped, tmp_path: Path) -> None:
    dataset = shipped(name)
    table = made_up(dataset)
    form = Format(missing=dataset.format.missing)
    dataset = replace(dataset, format=form)
    assert_frame_equal(
        flows_of(table, dataset, tmp_path / "flows.parquet"),
        flows_of(table, dataset, tmp_path / "flows.csv"),
        categorical_as_str=True,
    )


def test_a_table_without_numeric_identifiers_is_read(small: Dataset, tmp_path: Path) -> None:
    dataset = replace(small, columns=replace(small.columns, identifiers=[], ports=[]))
    flows = flows_of(pl.DataFrame(SMALL), dataset, tmp_path / "flows.parquet")
    assert flows.select("pkts", "rate", "proto").rows() == [(5.0, 0.5, "tcp"), (7.0, 0.25, "udp")]


def test_a_file_may_lack_a_numeric_identifier_that_another_has(small: Dataset, tmp_path: Path) -> None:
    files = [tmp_path / "with.parquet", tmp_path / "without.parquet"]
    pl.DataFrame(SMALL).write_parquet(files[0])
    pl.DataFrame(SMALL).drop("id").write_parquet(files[1])
    assert clean(files, small, Duplicates.keep).flows["id"].to_list() == [1.0, 2.0, None, None]


def test_blanks_around_column_names_do_not_count(small: Dataset, tmp_path: Path) -> None:
    table = pl.DataFrame({f" {name} ": cells for name, cells in SMALL.items()})
    assert flows_of(table, small, tmp_path / "flows.parquet")["pkts"].to_list() == [5.0, 7.0]


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        ([START, START + timedelta(milliseconds=250)], [1517819500.0, 1517819500.25]),
        ([START.replace(tzinfo=UTC), None], [1517819500.0, None]),
        ([date(2018, 2, 5), date(1969, 12, 31)], [1517788800.0, -86_400.0]),
        ([timedelta(hours=1), timedelta(microseconds=1)], [3600.0, 1e-6]),
        ([time(8, 31, 40), time(0)], [30_700.0, 0.0]),
    ],
    ids=["datetime", "datetime with a zone", "date", "duration", "time of day"],
)
def test_times_of_any_type_are_seconds(
    cells: list[Any], seconds: list[float | None], small: Dataset, tmp_path: Path
) -> None:
    flows = flows_of(pl.DataFrame(SMALL | {"id": cells}), small, tmp_path / "flows.parquet")
    assert flows["id"].to_list() == seconds


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_seconds_do_not_depend_on_the_unit_that_is_stored(unit: Any, small: Dataset, tmp_path: Path) -> None:
    times = pl.Series([START, START]).cast(pl.Datetime(unit))
    flows = flows_of(pl.DataFrame(SMALL | {"id": times}), small, tmp_path / "flows.parquet")
    assert flows["id"].to_list() == [1517819500.0] * 2


def test_a_duration_may_be_a_feature(small: Dataset, tmp_path: Path) -> None:
    table = pl.DataFrame(SMALL | {"rate": [timedelta(seconds=2), timedelta(milliseconds=5)]})
    assert flows_of(table, small, tmp_path / "flows.parquet")["rate"].to_list() == pytest.approx([2.0, 0.005])


def test_a_format_told_for_text_does_no_harm_to_stored_times(small: Dataset, tmp_path: Path) -> None:
    dataset = replace(small, columns=replace(small.columns, time="id", time_format="%d/%m/%Y"))
    flows = flows_of(pl.DataFrame(SMALL | {"id": [START, START]}), dataset, tmp_path / "flows.parquet")
    assert flows["id"].to_list() == [1517819500.0] * 2


def test_a_row_of_nulls_is_a_blank_line_even_where_nothing_has_to_be_there(small: Dataset, tmp_path: Path) -> None:
    names = replace(small, columns=replace(small.columns, numeric=[]))
    pl.DataFrame({name: [*cells, None] for name, cells in SMALL.items()}).write_parquet(tmp_path / "flows.parquet")
    assert clean([tmp_path / "flows.parquet"], names, Duplicates.keep).report["dropped"]["blank line"] == 1


@pytest.mark.parametrize("cells", [[["tcp"], ["udp"]], [{"name": "tcp"}, {"name": "udp"}]], ids=["lists", "structures"])
def test_several_values_in_a_cell_are_refused_by_file_and_column(
    cells: list[Any], small: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"odd\.parquet: column proto holds (List|Struct)"):
        flows_of(pl.DataFrame(SMALL | {"proto": cells}), small, tmp_path / "odd.parquet")


def test_bytes_are_text_and_what_is_no_utf8_in_them_is_replaced_as_in_text_files(
    small: Dataset, tmp_path: Path
) -> None:
    table = pl.DataFrame(SMALL | {"proto": [b"tcp", b"\xff"]})
    assert flows_of(table, small, tmp_path / "bytes.parquet")["proto"].to_list() == ["tcp", "\ufffd"]
