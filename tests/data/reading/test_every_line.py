"""Lines of the file = header + rows read + rows reported, on every way, or a refusal that names the file.

Small made-up files of every shipped format are damaged at random. A line that was not touched has to come out whole,
under its own number, whatever was done to the lines around it.
"""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID, clean
from iot_ids.data.load import load
from iot_ids.data.reading import layout as read
from iot_ids.data.reading import reader as rows
from iot_ids.data.reading.cells import tables
from iot_ids.data.reading.lines import CELLS, LINE
from iot_ids.data.schema import Cache, Dataset, Duplicates
from iot_ids.data.splits import OfficialSplit

Shipped = Callable[..., Dataset]
ROWS = 12
Read = TypeVar("Read")
FORMATS = {  # the dataset, the separator, whether texts are quoted and whether the names stand in the first line
    "bot_iot": ("bot_iot", ",", False, True),
    "bot_iot, exported": ("bot_iot_raw", ";", True, True),
    "bot_iot_raw": ("bot_iot_raw", ",", False, False),
    "bot_iot_10_best": ("bot_iot_10_best", ",", False, True),
    "nf_bot_iot_v2": ("nf_bot_iot_v2", ",", False, True),
    "nf_ton_iot_v2": ("nf_ton_iot_v2", "\t", False, True),
    "nsl_kdd": ("nsl_kdd", ",", False, False),
    "ton_iot": ("ton_iot", ",", True, True),
}
PLACES = st.floats(0, 1, exclude_max=True)
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(
            ["insert", "quote", "cell", "cut", "no end", "drop", "double", "crlf", "blank", "nul", "bytes", "swap"]
        ),
        PLACES,
    ),
    max_size=4,
)
quietly = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table_of(dataset: Dataset, separator: str, quoted: bool, named: bool) -> bytes:
    """Flows with a number of their own in each numeric column."""
    columns, mark = dataset.columns, '"' if quoted else ""
    names = dataset.format.column_names if not named else [*read.declared(columns), "note"]
    kinds = list(dataset.labels[dataset.label].classes.values())
    lines = [separator.join(f"{mark}{name}{mark}" for name in names)] * named
    for row in range(ROWS):
        label = kinds[row % len(kinds)][0]
        cells = dict.fromkeys(names, f"{row + 100}") | dict.fromkeys(columns.categorical, f"{mark}a b{mark}")
        cells |= dict.fromkeys(dataset.labels[dataset.label].columns, f"{mark}{label}{mark}")
        cells |= {"note": f"{mark}/uri?{separator if quoted else ''}{row}{mark}"}
        lines.append(separator.join(cells[name] for name in names))
    return "".join(f"{line}\n" for line in lines).encode()


def damaged(text: bytes, separator: str, damage: list[tuple[str, float]]) -> bytes:
    for kind, place in damage:
        at, apart = int(place * len(text)), separator.encode()
        cell = text.find(apart, at) + 1
        match kind:
            case "insert":
                text = text[:at] + b'"' + text[at:]
            case "quote":
                text = text[:cell] + b'"' + text[cell:]
            case "cell":
                text = text[:cell] + b'"x\n' + apart + b'y"' + text[cell:]
            case "cut":
                text = text[:at]
            case "no end":
                text = text.removesuffix(b"\n")
            case "drop" if cell:
                text = text[: cell - 1] + text[cell:]
            case "double":
                text = text[:cell] + apart + text[cell:]
            case "crlf":
                text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            case "blank":
                end = text.find(b"\n", at) + 1
                text = text[:end] + b"\n" + text[end:]
            case "nul":
                text = text[:at] + b"\0" + text[at:]
            case "bytes":
                text = text[:at] + b"\xff\xfe" + text[at:]
            case "swap":
                text = text[:at] + b'"\n"' + text[at + 1 :]
    return text


def lines_of(text: bytes) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in text.removesuffix(b"\n").split(b"\n")]


def untouched_of(text: bytes, whole: bytes, named: bool) -> list[bytes]:
    """The rows of `whole`, which are known where they stand in `text` again; none where the names were damaged."""
    before = lines_of(whole)
    return before[named:] if not named or lines_of(text)[0] == before[0] else []


def or_refused(read: Callable[[], Read], file: Path) -> Read | None:
    """What was read; None where the file was refused by name."""
    try:
        return read()
    except UserError as refused:
        if str(file) not in str(refused):
            raise
        return None


def cleaned(file: Path, dataset: Dataset, straight: bool) -> tuple[dict[str, int], dict[int, float]]:
    """The report's counts, and by line the first number of each row that is left."""
    with pytest.MonkeyPatch.context() as patched:
        if not straight:
            patched.setattr(rows, "read_typed", lambda *_: None)
        found = clean([file], replace(dataset, unreadable_share=1.0), Duplicates.keep)
    header = read.layout(file, dataset).header_lines
    left = found.flows.select(pl.col(ROW_ID) + header + 1, dataset.columns.numeric[0]).iter_rows()
    return {"in": found.report["rows_in"], "out": found.report["rows_out"], **found.report["dropped"]}, dict(left)


@pytest.mark.parametrize("straight", [True, False])
@pytest.mark.parametrize("name", FORMATS)
@quietly
@given(damage=DAMAGE)
@example(damage=[])
@example(damage=[("no end", 0.0), ("insert", 0.3)])
@example(damage=[("insert", 0.3), ("insert", 0.6)])
@example(damage=[("cell", 0.4)])
def test_every_line_is_accounted_for(
    shipped: Shipped,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    straight: bool,
    damage: list[tuple[str, float]],
) -> None:
    dataset, (_, separator, quoted, named) = shipped(FORMATS[name][0]), FORMATS[name]
    whole = table_of(dataset, separator, quoted, named)
    text = damaged(whole, separator, damage)
    file = tmp_path_factory.mktemp("lines") / "flows.csv"
    file.write_bytes(text)
    found = or_refused(lambda: cleaned(file, dataset, straight), file)
    if found is None:
        assert damage
        return
    counts, left = found
    lines, untouched = lines_of(text), untouched_of(text, whole, named)
    assert counts["in"] == len(lines) - named
    assert counts.pop("in") == sum(counts.values())
    expected = {
        at: untouched.index(line) + 100.0 for at, line in enumerate(lines, 1) if line in untouched and at > named
    }
    assert expected.items() <= left.items()


@pytest.mark.parametrize("name", FORMATS)
@quietly
@given(damage=DAMAGE, size=st.sampled_from([1, 100, 10_000]), packed=st.booleans())
def test_every_line_is_a_row_of_the_blocks(
    shipped: Shipped,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    damage: list[tuple[str, float]],
    size: int,
    packed: bool,
) -> None:
    dataset, (_, separator, quoted, named) = shipped(FORMATS[name][0]), FORMATS[name]
    whole = table_of(dataset, separator, quoted, named)
    text = damaged(whole, separator, damage)
    file = tmp_path_factory.mktemp("lines") / "flows.csv"
    file.write_bytes(gzip.compress(text) if packed else text)
    number = dataset.columns.numeric[0]
    found = or_refused(lambda: pl.concat(tables(read.layout(file, dataset), [number], size=size)), file)
    if found is None:
        return
    lines, untouched = lines_of(text), untouched_of(text, whole, named)
    assert found[LINE].to_list() == list(range(named + 1, len(lines) + 1))
    for line, cells, cell in found.select(LINE, CELLS, number).iter_rows():
        if lines[line - 1] in untouched:
            assert (cells, cell) == (None, str(untouched.index(lines[line - 1]) + 100))


@quietly
@given(place=PLACES, bit=st.integers(0, 7))
def test_every_row_of_a_damaged_parquet_file_is_accounted_for(
    small: Dataset, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    file = tmp_path_factory.mktemp("lines") / "flows.parquet"
    names = ["id", "proto", "sport", "pkts", "rate", "attack", "kind"]
    pl.DataFrame([[row, "tcp", 80, row, 0.5, 0, "Normal"] for row in range(50)], names, orient="row").write_parquet(
        file
    )
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    file.write_bytes(content)
    report = or_refused(lambda: clean([file], replace(small, unreadable_share=1.0), Duplicates.keep).report, file)
    if report is None:
        return
    assert report["rows_in"] == report["rows_out"] + sum(report["dropped"].values())


def test_a_quotation_mark_in_an_unread_last_cell_takes_no_row_along(small: Dataset, csv: Callable[..., Path]) -> None:
    lines = [f"{row},tcp,80,{row},0.5,0,Normal,/a" for row in range(102)]
    lines[2] = lines[2].replace("/a", 'a"b')
    file = csv(*lines, header="id,proto,sport,pkts,rate,attack,kind,note")
    file.write_bytes(file.read_bytes().removesuffix(b"\n"))
    report = clean([file], small, Duplicates.keep).report
    assert (report["rows_in"], report["rows_out"]) == (102, 102)


def test_quotation_marks_in_two_lines_take_no_row_along(small: Dataset, csv: Callable[..., Path]) -> None:
    lines = [
        f'{row},t"cp,80,{row},0.5,0,Normal' if row in (3, 9) else f"{row},tcp,80,{row},0.5,0,Normal"
        for row in range(12)
    ]
    flows = clean([csv(*lines)], small, Duplicates.keep).flows
    assert flows["proto"].to_list() == ['t"cp' if row in (3, 9) else "tcp" for row in range(12)]


def test_the_official_test_file_is_read_line_by_line_too(small: Dataset, csv: Callable[..., Path]) -> None:
    lines = [f"{row},tcp,80,{row},0.5,{row % 2},{('Normal', 'Scan')[row % 2]}" for row in range(30)]
    header = "id,proto,sport,pkts,rate,attack,kind,note"
    train = csv(*[f"{line},/a" for line in lines], name="train.csv", header=header)
    test = csv(*[f"{line},/a" for line in lines[:-1]], f'{lines[-1]},2"1', name="test.csv", header=header)
    test.write_bytes(test.read_bytes().removesuffix(b"\n"))
    dataset = replace(small, path=str(train), test_path=str(test))
    found = load(dataset, OfficialSplit("official", validation=0.2), 0, Cache(None)).read_test()
    assert found.flows.height == 30


@pytest.mark.parametrize("rows", [1, 200])
def test_a_file_cut_after_an_opening_quotation_mark_is_told(
    small: Dataset, csv: Callable[..., Path], rows: int
) -> None:
    file = csv(*["1,tcp,80,5,0.5,0,Normal"] * rows)
    file.write_bytes(file.read_bytes() + b'"')
    with pytest.raises(UserError, match=rf"flows\.csv:{rows + 2}: a quotation mark is not closed"):
        clean([file], small, Duplicates.keep)
