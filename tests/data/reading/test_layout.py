"""How files are laid out and what a cell means."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.reading import layout as read
from iot_ids.data.reading.cells import tables
from iot_ids.data.reading.lines import LINE
from iot_ids.data.schema import Columns, Dataset, Format, Header

Csv = Callable[..., Path]
NAMES = ("id", "proto", "sport", "pkts", "rate", "attack", "kind")


def every(*files: Path, dataset: Dataset) -> pl.DataFrame:
    """Every row of the files, as text."""
    found = [table for file in files for table in tables(read.layout(file, dataset), read.declared(dataset.columns))]
    return pl.concat(found, how="diagonal")


def cells(expression: Callable[[pl.Expr], pl.Expr], *texts: str | None) -> list[object]:
    """What an expression of `read` makes of text cells, after `read.text`."""
    frame = pl.DataFrame({"x": texts}, schema={"x": pl.String})
    return frame.select(expression(read.text("x", ["", "-"]))).to_series().to_list()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(small: Dataset, csv: Csv, separator: str) -> None:
    file = csv(header=separator.join(NAMES))
    assert read.layout(file, small).separator == separator


def test_quoted_names_are_names(small: Dataset, csv: Csv) -> None:
    file = csv(header=";".join(f'"{name}"' for name in NAMES))
    assert read.layout(file, small).names == NAMES


def test_blanks_around_names_do_not_count(small: Dataset, csv: Csv) -> None:
    file = csv(header="id,proto,sport, pkts,rate,attack,kind ")
    assert read.layout(file, small).names == NAMES


def test_a_byte_order_mark_is_no_part_of_a_name(small: Dataset, csv: Csv) -> None:
    assert read.layout(csv(header="\ufeff" + ",".join(NAMES)), small).names == NAMES


def test_unnamed_columns_get_names_of_their_own(small: Dataset, csv: Csv) -> None:
    file = csv(header=",id,proto,sport,pkts,rate,,attack,kind")
    assert read.layout(file, small).names[0] != read.layout(file, small).names[6]


def test_a_repeated_name_means_its_first_column(small: Dataset, csv: Csv) -> None:
    file = csv("1,tcp,80,5,0.5,0,Normal,99", header=",".join((*NAMES, "pkts")))
    assert every(file, dataset=small)["pkts"].to_list() == ["5"]


def test_a_missing_column_is_named(small: Dataset, csv: Csv) -> None:
    with pytest.raises(UserError, match=r"flows\.csv: lacks rate of dataset=small; found 6 columns"):
        read.layout(csv(header="id,proto,sport,pkts,attack,kind"), small)


def test_an_identifier_may_be_absent(small: Dataset, csv: Csv) -> None:
    assert "id" not in read.layout(csv(header="proto,sport,pkts,rate,attack,kind"), small).names


def test_the_wrong_separator_is_told(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, format=Format(separator=";"))
    with pytest.raises(UserError, match="found 1 columns with separator ';'"):
        read.layout(csv(), dataset)


def test_a_file_without_header_takes_the_declared_names(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, format=Format(column_names=list(NAMES)))
    layout = read.layout(csv(header="1,tcp,80,5,0.5,0,Normal"), dataset)
    assert (layout.names, layout.header_lines) == (NAMES, 0)


def test_a_header_goes_before_declared_names(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, format=Format(column_names=[*NAMES, "extra"]))
    assert read.layout(csv(), dataset).header_lines == 1


def test_header_absent_is_obeyed(small: Dataset, csv: Csv) -> None:
    form = Format(column_names=list(NAMES), header=Header.absent)
    assert read.layout(csv(), replace(small, format=form)).header_lines == 0


def test_too_few_cells_for_the_declared_names_are_told(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, format=Format(column_names=list(NAMES)))
    with pytest.raises(UserError, match=r"flows\.csv:1: has 2 cells .* 7 cells are expected"):
        read.layout(csv(header="1,tcp"), dataset)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n1,2\n", ":1: is a blank line"),
        (b"a,\xff\xfe\n", "is not UTF-8 text"),
        (b"\x1f\x8b\x08\x00garbage", "cannot be read"),
        (b"a,b\rc,d\r", "is not a line of CSV"),
    ],
)
def test_a_file_that_is_no_table_is_named(small: Dataset, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "odd.csv").write_bytes(content)
    with pytest.raises(UserError, match=rf"odd\.csv.*{message}|odd\.csv{message}"):
        read.layout(tmp_path / "odd.csv", small)


def test_damaged_compression_of_the_first_line_is_named(small: Dataset, tmp_path: Path) -> None:
    whole = gzip.compress(b"id,proto\n" * 1000)
    (tmp_path / "odd.csv.gz").write_bytes(whole[:12] + b"\xff" * 40)
    with pytest.raises(UserError, match=r"odd\.csv\.gz: cannot be read"):
        read.layout(tmp_path / "odd.csv.gz", small)


def test_a_broken_parquet_file_is_named(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "odd.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(UserError, match=r"odd\.parquet: is not a readable Parquet file"):
        read.layout(tmp_path / "odd.parquet", small)


def test_files_with_other_orders_line_up_by_name(small: Dataset, csv: Csv) -> None:
    first = csv("1,tcp,80,5,0.5,0,Normal", name="a.csv")
    second = csv("Scan;1;0.25;7;udp", name="b.csv", header="kind;attack;rate;pkts;proto")
    rows = every(first, second, dataset=small)
    assert rows.select("pkts", "kind", "id").rows() == [("5", "Normal", "1"), ("7", "Scan", None)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("compressed", [False, True])
def test_lines_are_counted_as_an_editor_counts(small: Dataset, tmp_path: Path, end: str, compressed: bool) -> None:
    content = end.join([",".join(NAMES), "1,tcp,80,5,0.5,0,Normal", "", "2,tcp,80,5,0.5,0,Normal"]).encode()
    (tmp_path / "flows.csv").write_bytes(gzip.compress(content) if compressed else content)
    rows = every(tmp_path / "flows.csv", dataset=small)
    assert rows.filter(pl.col("id") == "2")[LINE].to_list() == [4]


def test_lines_without_header_count_from_one(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, format=Format(column_names=list(NAMES)))
    file = csv("2,tcp,80,5,0.5,0,Normal", header="1,tcp,80,5,0.5,0,Normal")
    rows = every(file, dataset=dataset)
    assert rows.select("id", LINE).rows() == [("1", 1), ("2", 2)]


def test_declared_names_come_once() -> None:
    assert read.declared(Columns(numeric=["a"], categorical=["b"], identifiers=["c"], labels=["d"])) == list("abcd")


@given(st.floats(allow_nan=False))
def test_numbers_are_what_python_reads(value: float) -> None:
    assert cells(read.number, repr(value)) == [value]


@pytest.mark.parametrize("text", ["7.00E-06", "7.000000000000001e-06", "1e5", ".5", "5.", "+3", "-0", "1e400", "-inf"])
def test_numbers_of_many_spellings_are_what_python_reads(text: str) -> None:
    assert cells(read.number, text) == [float(text)]


def test_blanks_around_a_number_do_not_count() -> None:
    assert cells(read.number, " 80.5\t") == [80.5]


@pytest.mark.parametrize("text", ["", "-", "  ", None, "tcp", "1,5", "0x10"])
def test_what_is_no_number_is_null(text: str | None) -> None:
    assert cells(read.number, text) == [None]


def test_a_number_beyond_float32_counts_as_its_largest() -> None:
    values = pl.DataFrame({"x": [1.4e41, -1e300, 1.5]}).select(read.float32(pl.col("x"))).to_series()
    assert values.to_list() == [read.LARGEST, -read.LARGEST, 1.5]


def test_infinity_stays_infinite_in_float32() -> None:
    assert pl.DataFrame({"x": [float("inf")]}).select(read.float32(pl.col("x"))).item() == float("inf")


def test_text_that_means_missing_is_null() -> None:
    assert cells(lambda cell: cell, "-", "", "tcp") == [None, None, "tcp"]


def test_hexadecimal_ports_are_numbers() -> None:
    assert cells(read.port, "0x0303", "0X50", "0xzz") == [771.0, 80.0, None]


def test_decimal_ports_are_the_same_port() -> None:
    assert cells(read.port, "80.0", "80") == [80.0, 80.0]


def test_a_port_that_is_none_is_null() -> None:
    assert cells(read.port, "-1", "", "-") == [None, None, None]


def test_codes_that_became_floats_are_codes() -> None:
    assert cells(read.category, "2.0", "2", "-3.00", "1.50", "1.0.0") == ["2", "2", "-3", "1.50", "1.0.0"]


def test_a_missing_name_is_a_name() -> None:
    assert cells(read.category, "-") == [read.MISSING_NAME]


def test_a_missing_label_is_null() -> None:
    assert cells(read.label, "") == [None]
