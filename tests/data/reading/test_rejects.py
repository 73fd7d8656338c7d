"""Each row that cannot be used is counted under one reason, and the first are shown with file and line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.clean import clean
from iot_ids.data.schema import Columns, Dataset, Duplicates, Format

Csv = Callable[..., Path]
GOOD = "1,tcp,80,5,0.5,0,Normal"


def dropped(dataset: Dataset, *files: Path) -> dict[str, int]:
    """The reasons for which rows were dropped."""
    report = clean(files, replace(dataset, unreadable_share=1.0), Duplicates.keep).report
    return {reason: count for reason, count in report["dropped"].items() if count}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "blank line"),
        ("   ", "blank line"),
        (",,,,,,", "blank line"),
        ("1,tcp,80", "ragged"),
        ("1,tcp,80,5,0.5,0", "ragged"),
        ("1,tcp,80,5,0.5,0,Normal,9", "ragged"),
        ("1,tcp,80,5,0.5,0,Normal,,9", "ragged"),
        ("1,tcp,80,five,0.5,0,Normal", "text in a number column"),
        ("id,proto,sport,pkts,rate,attack,kind", "text in a number column"),
        ("1,tcp,80,\ufffd,0.5,0,Normal", "text in a number column"),
        ("1,tcp,80,5,inf,0,Normal", "not finite"),
        ("1,tcp,80,5,NaN,0,Normal", "not finite"),
        ("1,tcp,80,5,1e999,0,Normal", "not finite"),
        ("1,tcp,80,,0.5,0,Normal", "missing number"),
        ("1,tcp,80, ,0.5,0,Normal", "missing number"),
        ("1,,,,,,", "missing number"),
        ("1,tcp,80,5,0.5,0,", "missing label"),
    ],
)
def test_a_bad_row_has_one_reason(small: Dataset, csv: Csv, line: str, reason: str) -> None:
    assert dropped(small, csv(GOOD, line, GOOD)) == {reason: 1}


def test_a_quoted_blank_row_is_a_blank_line(small: Dataset, csv: Csv) -> None:
    assert dropped(small, csv(GOOD, '"","","","","","",""')) == {"blank line": 1}


def test_a_missing_name_is_kept(small: Dataset, csv: Csv) -> None:
    assert dropped(small, csv(GOOD, "1,,80,5,0.5,0,Normal")) == {}


def test_blank_cells_after_the_last_are_kept(small: Dataset, csv: Csv) -> None:
    assert dropped(small, csv(GOOD, GOOD + ",")) == {}


def test_a_first_row_that_is_too_long_is_counted(small: Dataset, csv: Csv) -> None:
    assert dropped(small, csv(GOOD + ",8,9,10", GOOD)) == {"ragged": 1}


def test_a_row_cut_in_its_last_name_is_ragged(small: Dataset, csv: Csv) -> None:
    header = "pkts,rate,attack,kind,id,sport,proto"
    assert dropped(small, csv("5,0.5,0,Normal,1,80,tcp", "5,0.5,0,Normal,1,80", header=header)) == {"ragged": 1}


def test_a_blank_last_name_is_missing_not_ragged(small: Dataset, csv: Csv) -> None:
    header = "pkts,rate,attack,kind,id,sport,proto"
    assert dropped(small, csv("5,0.5,0,Normal,1,80,tcp", "5,0.5,0,Normal,1,80,", header=header)) == {}


def test_bytes_that_are_no_text_cost_only_their_row(small: Dataset, csv: Csv) -> None:
    file = csv(GOOD, "1,tcp,80,@,0.5,0,Normal", "1,tcp")
    file.write_bytes(file.read_bytes().replace(b"@", b"\xff\xfe"))
    assert dropped(small, file) == {"text in a number column": 1, "ragged": 1}


def examples(dataset: Dataset, *files: Path) -> list[str]:
    found = clean(files, replace(dataset, unreadable_share=1.0), Duplicates.keep).report["examples"]
    assert isinstance(found, list)
    return found


def test_an_example_names_line_column_and_value(small: Dataset, csv: Csv) -> None:
    file = csv(GOOD, "", "1,tcp,80,five,inf,0,Normal")
    assert examples(small, file) == [f"{file}:4: text in a number column: pkts='five', rate='inf'"]


def test_an_example_of_a_ragged_row_counts_its_cells(small: Dataset, csv: Csv) -> None:
    file = csv(GOOD, "1,tcp")
    assert examples(small, file) == [f"{file}:3: ragged: 2 cells, not 7"]


def test_an_example_names_its_own_file(small: Dataset, csv: Csv) -> None:
    first, second = csv(GOOD, GOOD, name="a.csv"), csv("1,tcp,80,5,x,0,Normal", GOOD, name="b.csv")
    assert examples(small, first, second) == [f"{second}:2: text in a number column: rate='x'"]


def test_lines_of_examples_are_right_without_header(small: Dataset, csv: Csv) -> None:
    names = ["id", "proto", "sport", "pkts", "rate", "attack", "kind"]
    file = csv("1,tcp,80,5,x,0,Normal", header=GOOD)
    assert examples(replace(small, format=Format(column_names=names)), file)[0].startswith(f"{file}:2:")


def test_lines_of_examples_are_right_with_carriage_returns(small: Dataset, csv: Csv) -> None:
    file = csv(GOOD, "", GOOD, "1,tcp,80,5,x,0,Normal")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert examples(small, file)[0].startswith(f"{file}:5:")


def test_five_examples_are_enough(small: Dataset, csv: Csv) -> None:
    assert len(examples(small, csv(GOOD, *["1,tcp,80,5,x,0,Normal"] * 9))) == 5


def test_damage_up_to_the_limit_is_left_out(small: Dataset, csv: Csv) -> None:
    # 0.29 * 100 is a little less than 29 in binary numbers.
    file = csv(*[GOOD] * 71, *["1,tcp,80,5,x,0,Normal"] * 29)
    assert clean([file], replace(small, unreadable_share=0.29), Duplicates.keep).report["rows_out"] == 71


def test_damage_above_the_limit_is_refused(small: Dataset, csv: Csv) -> None:
    file = csv(*[GOOD] * 70, *["1,tcp,80,5,x,0,Normal"] * 30)
    with pytest.raises(UserError, match=r"(?s)30 of 100 rows cannot be read.*flows\.csv:72: .* rate='x'"):
        clean([file], replace(small, unreadable_share=0.29), Duplicates.keep)


def test_missing_values_are_no_damage(small: Dataset, csv: Csv) -> None:
    file = csv(GOOD, *["1,tcp,80,5,,0,Normal"] * 9)
    assert clean([file], replace(small, unreadable_share=0.0), Duplicates.keep).report["rows_out"] == 1


def test_names_alone_can_be_features(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, columns=Columns(categorical=["proto"], labels=["attack", "kind"]))
    assert dropped(dataset, csv(GOOD, ",,,,,,")) == {"blank line": 1}


def test_lines_of_comment_are_counted_wherever_they_stand(small: Dataset, csv: Csv) -> None:
    file = csv("#fields x", "id,proto,sport,pkts,rate,attack,kind", GOOD, '#close "', GOOD, "#end", header="#separator")
    dataset = replace(small, format=Format(comment="#"))
    report = clean([file], dataset, Duplicates.keep).report
    assert (report["rows_in"], report["rows_out"], report["dropped"]["comment"]) == (4, 2, 2)


def test_lines_of_examples_count_the_comment(small: Dataset, csv: Csv) -> None:
    file = csv("id,proto,sport,pkts,rate,attack,kind", GOOD, "#", "1,tcp,80,x,0.5,0,Normal", header="#fields")
    assert examples(replace(small, format=Format(comment="#")), file)[0].startswith(f"{file}:5:")


def test_without_a_mark_of_comment_such_a_line_is_a_row(small: Dataset, csv: Csv) -> None:
    assert dropped(small, csv(GOOD, "#close")) == {"ragged": 1}
