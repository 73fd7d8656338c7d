"""What is read straight is what is read carefully; which rows are wrong does not depend on the way."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from iot_ids.common.errors import UserError
from iot_ids.data.clean import clean
from iot_ids.data.reading import layout, reader
from iot_ids.data.reading.fast_path import read_typed, rechunked
from iot_ids.data.reading.reader import ROW_ID, Rows, rows_of
from iot_ids.data.schema import Dataset, Duplicates, Format

Csv = Callable[..., Path]
GOOD = "1,tcp,80,5,0.5,0,Normal"
HEADER = "id,proto,sport,pkts,rate,attack,kind"
CELLS = st.sampled_from(
    ["1", "2.0", " 3", "4 ", "+5", ".5", "5.", "1e39", "-1e300", "1e999", "inf", "NaN", "-0.0", "", " ", "x", "0x0303"]
)  # fmt: skip
QUOTED = st.sampled_from(
    ['"7"', '" 7"', '""', '"a""b"', '"a,b"', "a\tb", "é", "1_0", "16777217", "0.1", "7.00E-06", "-"]
)
same_dataset = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # no example changes it


def both(files: list[Path], dataset: Dataset) -> tuple[Rows, Rows] | None:
    """The rows as they are read, and as they would be if no file were read straight; None where both refuse them."""
    layouts = [layout.layout(file, dataset) for file in files]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reader, "read_typed", lambda *_: None)
        try:
            expected = rows_of(layouts, dataset)
        except (UserError, pl.exceptions.PolarsError):
            expected = None
    if expected is not None:
        return rows_of(layouts, dataset), expected
    with pytest.raises((UserError, pl.exceptions.PolarsError)):
        rows_of(layouts, dataset)
    return None


def assert_same(pair: tuple[Rows, Rows] | None) -> None:
    if pair is None:
        return
    found, expected = pair
    assert_frame_equal(found.usable, expected.usable, check_exact=True)
    assert_frame_equal(found.odd, expected.odd)
    assert found.heights == expected.heights


@same_dataset
@given(
    st.lists(st.lists(CELLS | QUOTED, min_size=6, max_size=8).map(",".join), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_two_ways_agree(
    small: Dataset, tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    file = tmp_path_factory.mktemp("rows") / "flows.csv"
    file.write_text(end.join([HEADER, *lines, GOOD, ""]), newline="")
    assert_same(both([file], small))


@same_dataset
@given(st.lists(st.tuples(CELLS | QUOTED, CELLS | QUOTED), min_size=1, max_size=5))
def test_the_two_ways_agree_on_identifiers(
    small: Dataset, tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    file = tmp_path_factory.mktemp("rows") / "flows.csv"
    file.write_text("\n".join([HEADER, *(f"{number},tcp,{port},5,0.5,0,Normal" for number, port in cells), ""]))
    assert_same(both([file], small))


@same_dataset
@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_the_two_ways_agree_on_every_number(
    small: Dataset, tmp_path_factory: pytest.TempPathFactory, one: float, other: float
) -> None:
    file = tmp_path_factory.mktemp("rows") / "flows.csv"
    file.write_text(f"{HEADER}\n{other!r},tcp,80,{one!r},{other!r},0,Normal\n{GOOD}\n")
    assert_same(both([file], small))


def test_a_whole_file_is_read_straight(small: Dataset, csv: Csv) -> None:
    assert read_typed([layout.layout(csv(GOOD, GOOD), small)], small, ["id"]) is not None


@pytest.mark.parametrize("line", [GOOD + ",9", "1,tcp,80,five,0.5,0,Normal", '1,"tc"p,80,5,0.5,0,Normal'])
def test_a_file_that_polars_would_guess_at_is_not_read_straight(small: Dataset, csv: Csv, line: str) -> None:
    assert read_typed([layout.layout(csv(GOOD, line), small)], small, ["id"]) is None


def test_a_number_that_means_none_is_none(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, format=Format(missing=["", "-1"]))
    found = rows_of([layout.layout(csv(GOOD, "2,tcp,80,-1,0.5,0,Normal"), dataset)], dataset)
    assert (found.usable.height, found.odd.height) == (1, 1)


def test_an_identifier_that_turns_into_text_is_text_everywhere(small: Dataset, csv: Csv) -> None:
    numbers = csv(*[GOOD] * 3, name="a.csv")
    texts = csv(*[GOOD] * 200, "7f,tcp,80,5,0.5,0,Normal", name="b.csv")
    found = rows_of([layout.layout(file, small) for file in (numbers, texts)], small).usable
    assert found["id"].cast(pl.String).unique().sort().to_list() == ["1", "7f"]


def test_an_identifier_without_a_value_later_stays_a_number(small: Dataset, csv: Csv) -> None:
    found = rows_of([layout.layout(csv(*[GOOD] * 200, ",tcp,80,5,0.5,0,Normal"), small)], small).usable
    assert found["id"].dtype == pl.Float64
    assert found["id"].null_count() == 1


def test_a_row_is_numbered_by_its_place_in_all_files(small: Dataset, csv: Csv) -> None:
    files = [csv(GOOD, "", GOOD, name="a.csv"), csv(GOOD, "2,tcp,80,1e40,0.5,0,Normal", name="b.csv")]
    found = rows_of([layout.layout(file, small) for file in files], small)
    assert found.usable.select(ROW_ID, layout.FILE).rows() == [(0, 0), (2, 0), (3, 1), (4, 1)]
    assert found.odd.select(ROW_ID, layout.FILE, "__line").rows() == [(1, 0, 3)]


def test_columns_of_several_files_are_in_one_piece(small: Dataset, csv: Csv) -> None:
    """Of a table in unequal pieces Polars makes a second one, unasked, whenever some of its columns are selected."""
    files = [csv(GOOD, name=name) for name in ("a.csv", "b.csv", "c.csv")]
    assert set(rows_of([layout.layout(file, small) for file in files], small).usable.n_chunks("all")) == {1}


def test_rechunked_has_one_piece_and_the_same_rows() -> None:
    table = pl.concat([pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})] * 3, rechunk=False)
    found = rechunked(table.clone())
    assert found.n_chunks("all") == [1, 1]
    assert_frame_equal(found, table)


def test_a_compressed_file_is_the_same(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    file = csv(GOOD, "3,udp,0x0303,7,7.00E-06,1,Scan")
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    plain, other = (rows_of([layout.layout(each, small)], small).usable for each in (file, packed))
    assert_frame_equal(plain, other)


@pytest.mark.parametrize("kind", [pl.Float64, pl.Float32, pl.Int64, pl.String])
def test_parquet_is_read_as_csv_is(small: Dataset, csv: Csv, tmp_path: Path, kind: type[pl.DataType]) -> None:
    file = csv(GOOD, "3,udp,81,7,2,1,Scan")
    cells = pl.read_csv(file).with_columns(pl.col("pkts", "id").cast(kind), pl.col("attack").cast(pl.Boolean))
    cells.write_parquet(tmp_path / "flows.parquet")
    plain, other = (rows_of([layout.layout(each, small)], small).usable for each in (file, tmp_path / "flows.parquet"))
    assert_frame_equal(plain, other)


def test_a_compressed_file_cut_short_is_told(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    packed = tmp_path / "packed.csv.gz"
    whole = gzip.compress(csv(*[f"{at},tcp,80,{at * 7919 % 1000},0.5,0,Normal" for at in range(500)]).read_bytes())
    packed.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(UserError, match=r"packed\.csv\.gz: cannot be read"):
        clean([packed], small, Duplicates.keep)
