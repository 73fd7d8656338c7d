"""From files to clean flows: nothing is lost uncounted, and what is kept is right."""

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID, clean, typed
from iot_ids.data.label import CLASS
from iot_ids.data.schema import Dataset, Duplicates, Taxonomy

Csv = Callable[..., Path]
KEEP = Duplicates.keep
NORMAL = "1,tcp,80,5,0.5,0,Normal"
SCAN = "2,udp,0x0303,7,7.00E-06,1,Scan"


def test_flows_are_typed(small: Dataset, csv: Csv) -> None:
    flows = clean([csv(NORMAL, SCAN)], small, Duplicates.keep).flows
    assert dict(flows.schema) == {
        ROW_ID: pl.UInt32,
        "__file": pl.Int32,
        "pkts": pl.Float32,
        "rate": pl.Float32,
        "proto": pl.Categorical,
        "id": pl.Float64,
        "sport": pl.Float64,
        CLASS: pl.String,
    }


def test_values_are_right(small: Dataset, csv: Csv) -> None:
    flows = clean([csv(NORMAL, SCAN)], small, Duplicates.keep).flows.select("pkts", "proto", "sport", CLASS)
    assert flows.rows() == [(5.0, "tcp", 80.0, "Normal"), (7.0, "udp", 771.0, "Scan")]


def test_spreadsheet_numbers_are_right(small: Dataset, csv: Csv) -> None:
    flows = clean([csv(NORMAL, SCAN)], small, Duplicates.keep).flows
    assert flows["rate"][1] == pytest.approx(7e-6, rel=1e-6)


def test_labels_do_not_come_along(small: Dataset, csv: Csv) -> None:
    assert not {"attack", "kind"} & set(clean([csv(NORMAL)], small, Duplicates.keep).flows.columns)


def test_an_identifier_that_is_no_number_stays_text(small: Dataset, csv: Csv) -> None:
    flows = clean([csv("10.0.0.1,tcp,80,5,0.5,0,Normal", NORMAL)], small, Duplicates.keep).flows
    assert flows["id"].to_list() == ["10.0.0.1", "1"]


def test_a_number_too_large_for_float32_is_kept(small: Dataset, csv: Csv) -> None:
    assert clean([csv("1,tcp,80,5,1.4e41,0,Normal")], small, Duplicates.keep).flows.height == 1


def test_row_ids_run_over_files_and_dropped_rows(small: Dataset, csv: Csv) -> None:
    files = [csv(NORMAL, "", SCAN, name="a.csv"), csv(SCAN, name="b.csv")]
    assert clean(files, small, Duplicates.keep).flows[ROW_ID].to_list() == [0, 2, 3]


def test_distinct_keeps_the_first_of_equal_features_and_labels(small: Dataset, csv: Csv) -> None:
    file = csv(NORMAL, "9,tcp,443,5,0.5,0,Normal", "1,tcp,80,5,0.5,1,Scan")
    assert clean([file], small, Duplicates.distinct).flows[ROW_ID].to_list() == [0, 2]


def test_exact_leaves_out_wholly_equal_rows_only(small: Dataset, csv: Csv) -> None:
    file = csv(NORMAL, NORMAL, "9,tcp,443,5,0.5,0,Normal")
    assert clean([file], small, Duplicates.exact).flows[ROW_ID].to_list() == [0, 2]


def test_keep_leaves_out_nothing(small: Dataset, csv: Csv) -> None:
    assert clean([csv(NORMAL, NORMAL)], small, Duplicates.keep).flows.height == 2


def test_two_spellings_of_one_number_are_duplicates(small: Dataset, csv: Csv) -> None:
    file = csv(NORMAL, "1,tcp,80.0,5.0,5e-1,0.0,Normal")
    assert clean([file], small, Duplicates.exact).report["dropped"]["duplicate"] == 1


def test_the_finest_label_makes_rows_distinct(small: Dataset, csv: Csv) -> None:
    file = csv("1,tcp,80,5,0.5,1,Scan", "1,tcp,80,5,0.5,1,Flood")
    assert clean([file], replace(small, label="binary"), Duplicates.distinct).flows.height == 2


def test_the_report_tells_what_became_of_the_rows(small: Dataset, csv: Csv) -> None:
    report = clean([csv(NORMAL, NORMAL, SCAN, "", "3,tcp,80,,0.5,0,Normal")], small, Duplicates.distinct).report
    counts = {reason: count for reason, count in report["dropped"].items() if count}
    assert (report["rows_in"], counts, report["rows_out"]) == (
        5,
        {"blank line": 1, "missing number": 1, "duplicate": 1},
        2,
    )


def test_labels_that_contradict_each_other_are_told_with_file_and_line(small: Dataset, csv: Csv) -> None:
    scan, normal = "3,udp,53,9,0.5,0,Scan", "4,udp,53,11,0.5,1,Normal"
    files = [csv(NORMAL, "", SCAN, scan, scan, name="a.csv"), csv(SCAN, normal, "5,tcp,80,,0.5,0,Scan", name="b.csv")]
    told = clean(files, small, Duplicates.distinct).report["contradicting_labels"]
    assert told == {
        "rows": 2,
        "examples": [
            f"{files[0]}:5: an attack by category (kind=Scan), normal by binary (attack=0)",
            f"{files[1]}:3: normal by category (kind=Normal), an attack by binary (attack=1)",
        ],
    }
    assert clean(files, small, Duplicates.keep).report["contradicting_labels"]["rows"] == 3


def test_labels_that_agree_are_not_told(small: Dataset, csv: Csv) -> None:
    report = clean([csv(NORMAL, SCAN)], small, Duplicates.keep).report
    assert report["contradicting_labels"] == {"rows": 0, "examples": []}


def test_the_report_names_columns_that_were_not_used(small: Dataset, csv: Csv) -> None:
    file = csv(NORMAL + ",x", header="id,proto,sport,pkts,rate,attack,kind,note")
    assert clean([file], small, Duplicates.keep).report["columns_not_used"] == ["note"]


def test_the_report_counts_classes(small: Dataset, csv: Csv) -> None:
    report = clean([csv(NORMAL, NORMAL, SCAN)], small, Duplicates.keep).report
    assert report["classes"] == {"Normal": 2, "Scan": 1}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_make_no_difference(small: Dataset, csv: Csv, separator: str) -> None:
    lines = [line.replace(",", separator) for line in (NORMAL, SCAN)]
    other = csv(*lines, name="b.csv", header="id,proto,sport,pkts,rate,attack,kind".replace(",", separator))
    expected = clean([csv(NORMAL, SCAN)], small, Duplicates.keep).flows
    assert clean([other], small, Duplicates.keep).flows.equals(expected)


def test_quotes_marks_and_compression_make_no_difference(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    plain = csv(NORMAL, SCAN)
    quoted = "\r\n".join('"' + line.replace(",", '","') + '"' for line in plain.read_text().splitlines())
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + quoted.encode()))
    expected = clean([plain], small, Duplicates.keep).flows
    assert clean([tmp_path / "b.csv.gz"], small, Duplicates.keep).flows.equals(expected)


def test_parquet_makes_no_difference(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    plain = csv(NORMAL, "2,udp,443,7,7.00E-06,1,Scan")
    pl.read_csv(plain).with_columns(pl.col("attack") == 1).write_parquet(tmp_path / "b.parquet")
    expected = clean([plain], small, Duplicates.keep).flows
    assert clean([tmp_path / "b.parquet"], small, Duplicates.keep).flows.equals(expected)


def test_parquet_and_text_are_read_together(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    plain = csv(NORMAL, "2,udp,443,7,7.00E-06,1,Scan")
    pl.read_csv(plain).write_parquet(tmp_path / "b.parquet")
    flows = clean([plain, tmp_path / "b.parquet"], small, Duplicates.keep).flows
    assert flows["pkts"].to_list() == [5.0, 7.0, 5.0, 7.0]


def test_an_index_column_and_a_blank_one_are_let_be(small: Dataset, csv: Csv) -> None:
    file = csv("0," + NORMAL + ",", "1," + SCAN + ",", header=",id,proto,sport,pkts,rate,attack,kind,")
    assert clean([file], small, Duplicates.keep).report["rows_out"] == 2


@pytest.mark.parametrize("lines", [[], ["", ""], ["1,tcp,80,,0.5,0,Normal"]])
def test_a_file_without_a_usable_row_is_refused(small: Dataset, csv: Csv, lines: list[str]) -> None:
    with pytest.raises(UserError, match=r"flows\.csv: (no rows below the header|none of \d rows can be used)"):
        clean([csv(*lines)], small, Duplicates.keep)


def test_an_unknown_label_names_the_file(small: Dataset, csv: Csv) -> None:
    with pytest.raises(UserError, match=r"flows\.csv: .*no class for 'Worm' \(1 rows\)"):
        clean([csv(NORMAL, "1,tcp,80,5,0.5,1,Worm")], small, Duplicates.keep)


def test_a_quotation_mark_in_the_midst_is_text(small: Dataset, csv: Csv) -> None:
    file = csv(NORMAL, '1,"tc"p,80,5,0.5,0,Normal', '1,t"cp,80,5,0.5,0,Normal')
    assert clean([file], small, Duplicates.keep).flows["proto"].to_list()[1:] == ['"tc"p', 't"cp']


def test_a_quotation_mark_that_is_not_closed_is_told_with_its_line(small: Dataset, csv: Csv) -> None:
    files = [csv(NORMAL, name="a.csv"), csv(*[NORMAL] * 30, '1,"tcp,80,5,0.5,0,Normal', *[NORMAL] * 30, name="b.csv")]
    with pytest.raises(UserError, match=r"b\.csv:32: a quotation mark is not closed"):
        clean(files, small, Duplicates.keep)


def test_a_contradiction_is_told_before_a_file_is_opened(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="time: stime"):
        clean([tmp_path / "absent.csv"], replace(small, columns=replace(small.columns, time="stime")), Duplicates.keep)


def test_typed_gives_the_same_numbers_and_names(small: Dataset, csv: Csv) -> None:
    file = csv(NORMAL, "2,,0x0303,7,7.00E-06,1,Scan")
    names = ["pkts", "rate", "proto"]
    raw = pl.read_csv(file, infer_schema=False).lazy().select(names)
    expected = clean([file], small, Duplicates.keep).flows.select(names)
    assert typed(raw, small.columns, [""]).collect().equals(expected)


CELL = st.sampled_from(["", " ", "-", "0", "1", "5.5", "7.00E-06", "inf", "nan", "1e999", "x", "tcp", "Normal", "Scan"])
LINE = st.one_of(
    st.sampled_from([NORMAL, SCAN, SCAN, ""]),
    st.lists(CELL, max_size=9).map(",".join),
    st.tuples(st.sampled_from([NORMAL, SCAN]), st.integers(0, 30)).map(lambda cut: cut[0][: cut[1]]),
    st.tuples(
        CELL, CELL, CELL, CELL, CELL, st.sampled_from(["0", "1", ""]), st.sampled_from(["Normal", "Scan", ""])
    ).map(",".join),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE, max_size=12), end=st.sampled_from(["\n", "\r\n"]), duplicates=st.sampled_from(Duplicates))
def test_no_row_is_lost_uncounted(small: Dataset, lines: list[str], end: str, duplicates: Duplicates) -> None:
    lenient = replace(small, unreadable_share=1.0, label="binary")
    lenient.labels["binary"].classes["attack"] = ["*"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flows.csv"
        file.write_bytes(
            "".join(f"{line}{end}" for line in ["id,proto,sport,pkts,rate,attack,kind", NORMAL, *lines]).encode()
        )
        report = clean([file], lenient, duplicates).report
    assert report["rows_in"] == len(lines) + 1
    assert report["rows_in"] == report["rows_out"] + sum(report["dropped"].values())


def test_a_time_that_is_text_becomes_seconds_and_the_guess_is_reported(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, columns=replace(small.columns, time="id"))
    lines = [f"2018-02-05T08:31:4{second}Z{NORMAL[1:]}" for second in (0, 1)]
    cleaned = clean([csv(*lines)], dataset, Duplicates.keep)
    assert cleaned.flows["id"].to_list() == [1517819500.0, 1517819501.0]
    assert cleaned.report["times"] == {"column": "id", "format": "%Y-%m-%dT%H:%M:%S%z", "guessed": True}


def test_a_format_that_is_told_reads_even_digits(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, columns=replace(small.columns, time="id", time_format="%Y%m%d"))
    cleaned = clean([csv(f"20180205{NORMAL[1:]}")], dataset, Duplicates.keep)
    assert cleaned.flows["id"].to_list() == [1517788800.0]
    assert cleaned.report["times"]["guessed"] is False


def test_a_time_that_two_formats_fit_stays_text(small: Dataset, csv: Csv) -> None:
    dataset = replace(small, columns=replace(small.columns, time="id"))
    cleaned = clean([csv(f"05/02/2018{NORMAL[1:]}")], dataset, Duplicates.keep)
    assert (cleaned.flows["id"].to_list(), cleaned.report["times"]) == (["05/02/2018"], None)


def test_a_blank_is_normal_where_the_taxonomy_says_so(small: Dataset, csv: Csv) -> None:
    blank = Taxonomy(["kind"], {"Normal": [""], "Scan": ["Scan"]}, "Normal")
    cleaned = clean([csv(NORMAL.removesuffix("Normal"), SCAN)], replace(small, labels={"category": blank}), KEEP)
    assert cleaned.flows[CLASS].to_list() == ["Normal", "Scan"]
    assert cleaned.report["dropped"]["missing label"] == 0


def test_only_the_learned_label_drops_rows_where_it_is_blank(small: Dataset, csv: Csv) -> None:
    file = csv("1,tcp,80,5,0.5,,Normal", "2,tcp,80,6,0.5,1,", SCAN)
    classes = {label: clean([file], replace(small, label=label), KEEP).flows[CLASS].to_list() for label in small.labels}
    assert classes == {"category": ["Normal", "Scan"], "binary": ["attack", "attack"]}


def test_rows_without_a_kind_are_left_out_where_kinds_were_asked_for(small: Dataset, csv: Csv) -> None:
    file = csv("1,tcp,80,5,0.5,1,", SCAN, NORMAL)
    cleaned = clean([file], replace(small, label="binary"), KEEP, kinds="category")
    assert cleaned.flows["__kind"].to_list() == ["Scan", "Normal"]
    assert cleaned.report["dropped"]["missing label"] == 1


def test_labels_that_are_all_blank_are_refused(small: Dataset, csv: Csv) -> None:
    with pytest.raises(UserError, match=r"flows\.csv: none of 1 rows has a label"):
        clean([csv("1,tcp,80,5,0.5,1,")], small, KEEP)
