"""What is told from lines alone: which have not their cells, and which file is broken."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.reading.cells import tables
from iot_ids.data.reading.layout import Layout
from iot_ids.data.reading.lines import CELLS, LINE, Quotes, cells, count, first_line, quotes_of


def odd(folder: Path, content: bytes, separator: str = ",", name: str = "flows.csv") -> list[tuple[int, int]]:
    """The lines that have not three cells, and how many they have."""
    (folder / name).write_bytes(content)
    rows = pl.concat(tables(Layout(folder / name, ("a", "b", "c"), separator, 0), []))
    return rows.drop_nulls(CELLS).select(LINE, CELLS).rows()


def test_whole_lines_are_not_odd(tmp_path: Path) -> None:
    assert odd(tmp_path, b"a,b,c\n1,2,3\n,,\n") == []


def test_short_and_long_lines_are_odd(tmp_path: Path) -> None:
    assert odd(tmp_path, b"a,b,c\n1,2\n1,2,3\n1,2,3,4\n1,2,3,,5\n") == [(2, 2), (4, 4), (5, 5)]


def test_blank_cells_after_the_last_do_no_harm(tmp_path: Path) -> None:
    assert odd(tmp_path, b"a,b,c\n1,2,3,\n1,2,3, ,,\n1,2,,\n") == []


def test_a_blank_last_cell_is_a_cell(tmp_path: Path) -> None:
    assert odd(tmp_path, b"a,b,c\r\n1,2,\r\n") == []


def test_separators_in_quotes_are_text(tmp_path: Path) -> None:
    assert odd(tmp_path, b'a,b,c\n"1,5","","he said ""x, y"""\n"1,5",2\n') == [(3, 2)]


def test_blank_lines_have_one_cell(tmp_path: Path) -> None:
    assert odd(tmp_path, b"a,b,c\n\n1,2,3\n") == [(2, 1)]


def test_compressed_lines_are_lines(tmp_path: Path) -> None:
    assert odd(tmp_path, gzip.compress(b"a;b;c\r\n1;2\r\n"), ";") == [(2, 2)]


def test_bytes_that_are_no_text_do_not_hide_short_lines(tmp_path: Path) -> None:
    assert odd(tmp_path, b"a,b,c\n1,\xff\xfe,3\n\n1,\xff\n") == [(3, 1), (4, 2)]


def test_an_open_quotation_mark_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"flows\.csv:3: a quotation mark is not closed"):
        odd(tmp_path, b'a,b,c\n1,2,3\n1,"2,3\n1,2,3\n1,2",3\n')


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, cut: float) -> None:
    whole = gzip.compress(b"".join(b"%d,%d,%d\n" % (row, row * row, row % 7) for row in range(20_000)))
    with pytest.raises(UserError, match=r"flows\.csv: cannot be read"):
        odd(tmp_path, whole[: int(cut * len(whole))])


def test_garbage_after_the_compressed_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"flows\.csv: cannot be read"):
        odd(tmp_path, gzip.compress(b"1,2,3\n") + b"garbage")


def test_a_file_whose_name_looks_like_a_glob_is_read(tmp_path: Path) -> None:
    assert odd(tmp_path, b"1,2\n", name="flows[1]*?.csv") == [(1, 2)]


def test_the_first_line_is_without_mark_and_end(tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert first_line(tmp_path / "flows.csv") == ("a,b", 0)


def test_lines_of_comment_before_the_first_line_are_counted(tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_bytes(b"\xef\xbb\xbf#x\n#y\r\na,b\r\n#1,2\r\n")
    assert first_line(tmp_path / "flows.csv", "#") == ("a,b", 2)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1,,3,", ["1", "", "3", ""]),
        ('"1,5","","he said ""x, y"""', ["1,5", "", 'he said "x, y"']),
        ('a"b,c"d,"e', ['a"b', 'c"d', '"e']),
        ('"tc"p,"t,c"p,""x,"y" ', ['"tc"p', '"t,c"p', '""x', "y"]),
        ("", [""]),
    ],
)
def test_a_line_is_cut_into_its_cells(line: str, expected: list[str]) -> None:
    cut = pl.DataFrame({"line": [line]}).select(cells(pl.col("line"), ",")).item()
    assert cut.to_list() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n", Quotes.none),
        ('"a","",b\r\n"a""b","c,d"\r\n"e"', Quotes.plain),
        ('a"b,c\n', Quotes.odd),
        ('a"b,c"d\n', Quotes.odd),
        ('"a\nb",c\n', Quotes.odd),
        ('"a"b\n', Quotes.odd),
        ('"a"\rb\n', Quotes.odd),
        ('x,"', Quotes.odd),
    ],
)
def test_quotation_marks_around_whole_cells_are_plain(text: str, expected: Quotes) -> None:
    assert quotes_of(text.encode(), ",") is expected


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\nb", "a\n\n", "\n", "a\r\nb\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_lines_are_counted_as_python_counts_them(tmp_path: Path, text: str, packed: bool) -> None:
    file = tmp_path / "flows.csv"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert count(file) == len(text.splitlines())
