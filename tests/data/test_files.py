"""From a path to files: folders, globs, lists, and the messages where nothing fits."""

import gzip
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID, Cleaned, clean
from iot_ids.data.files import files_not_read, first_rows, official_test_files, training_files
from iot_ids.data.load import load
from iot_ids.data.schema import Cache, Dataset, Duplicates, Format, Header
from iot_ids.data.splits import OfficialSplit, RandomSplit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("part_1.csv", "part_2.csv", "part_10.csv", "train.txt", "test.txt"):
        (tmp_path / name).write_text("x\n")
    return tmp_path


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def test_no_path_tells_where_to_get_the_data(small: Dataset) -> None:
    with pytest.raises(UserError, match=r"(?s)dataset=small needs a path.*https://example\.org"):
        training_files(small)


def test_a_file_is_itself(small: Dataset, folder: Path) -> None:
    assert names(training_files(replace(small, path=str(folder / "train.txt")))) == ["train.txt"]


def test_a_path_object_is_a_path(small: Dataset, folder: Path) -> None:
    assert names(training_files(replace(small, path=folder / "train.txt"))) == ["train.txt"]


def test_numbers_in_names_are_in_order(small: Dataset, folder: Path) -> None:
    assert names(training_files(replace(small, path=str(folder)))) == ["part_1.csv", "part_2.csv", "part_10.csv"]


def test_the_first_pattern_that_matches_wins(small: Dataset, folder: Path) -> None:
    form = Format(files=["*.parquet", "train*", "*.csv"])
    assert names(training_files(replace(small, path=str(folder), format=form))) == ["train.txt"]


def test_a_glob_is_what_it_matches(small: Dataset, folder: Path) -> None:
    assert names(training_files(replace(small, path=f"{folder}/part_?.csv"))) == ["part_1.csv", "part_2.csv"]


def test_a_glob_may_be_relative(small: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names(training_files(replace(small, path="part_1*.csv"))) == ["part_1.csv", "part_10.csv"]


def test_a_list_keeps_its_order(small: Dataset, folder: Path) -> None:
    path = [str(folder / "train.txt"), str(folder / "part_1.csv")]
    assert names(training_files(replace(small, path=path))) == ["train.txt", "part_1.csv"]


def test_a_file_named_twice_is_read_once(small: Dataset, folder: Path) -> None:
    path = [str(folder), str(folder / ".." / folder.name / "part_2.csv")]
    assert len(training_files(replace(small, path=path))) == 3


def test_a_file_whose_name_looks_like_a_glob_is_found(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "flows[1].csv").write_text("x\n")
    assert names(training_files(replace(small, path=str(tmp_path / "flows[1].csv")))) == ["flows[1].csv"]


def test_the_home_folder_is_understood(small: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HOME", str(folder))
    assert names(training_files(replace(small, path="~/train.txt"))) == ["train.txt"]


def test_nothing_there_names_the_path(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.csv matches no file"):
        training_files(replace(small, path=str(tmp_path / "nowhere.csv")))


def test_a_folder_without_such_files_tells_what_it_holds(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x\n")
    with pytest.raises(UserError, match=r"no file like \*\.csv.*it holds notes\.md"):
        training_files(replace(small, path=str(tmp_path)))


def test_a_number_is_no_path(small: Dataset) -> None:
    with pytest.raises(UserError, match=r"dataset\.path=5 is not a file"):
        training_files(replace(small, path=5))


def test_the_folder_gives_the_official_test_file(small: Dataset, folder: Path) -> None:
    form = Format(files=["train*"], test_files=["test*"])
    assert names(official_test_files(replace(small, path=str(folder), format=form))) == ["test.txt"]


def test_test_path_goes_before_the_folder(small: Dataset, folder: Path) -> None:
    form = Format(files=["train*"], test_files=["test*"])
    dataset = replace(small, path=str(folder), test_path=str(folder / "part_1.csv"), format=form)
    assert names(official_test_files(dataset)) == ["part_1.csv"]


def test_without_a_test_file_the_official_split_is_refused(small: Dataset, folder: Path) -> None:
    with pytest.raises(UserError, match=r"dataset\.test_path=FILE"):
        official_test_files(replace(small, path=str(folder)))


def test_a_training_file_is_no_test_file(small: Dataset, folder: Path) -> None:
    dataset = replace(small, path=str(folder), test_path=str(folder / "part_2.csv"))
    with pytest.raises(UserError, match=r"part_2\.csv is both training and test file"):
        official_test_files(dataset)


Csv = Callable[..., Path]
Shipped = Callable[..., Dataset]
NAMES = ["id", "proto", "sport", "pkts", "rate", "attack", "kind"]
HEADER = ",".join(NAMES)


def flow(number: int) -> str:
    """A flow that its `pkts` names; every third is a Scan."""
    return f"{number},tcp,80,{number},0.5,{number % 3 // 2},{'Scan' if number % 3 == 2 else 'Normal'}"


FLOWS = [flow(number) for number in range(1, 7)]


def cut(dataset: Dataset, wanted: dict[str, int], **form: Any) -> Dataset:
    return replace(dataset, format=Format(first_rows=wanted, **form))


def cleaned(files: list[Path], dataset: Dataset) -> Cleaned:
    return clean(files, dataset, Duplicates.keep)


def packets(result: Cleaned) -> list[float]:
    return result.flows["pkts"].to_list()


# --- which rows are read


def test_the_first_rows_are_those_below_the_header(small: Dataset, csv: Csv) -> None:
    assert packets(cleaned([csv(*FLOWS)], cut(small, {"flows.csv": 2}))) == [1, 2]


def test_without_a_header_the_first_line_is_the_first_row(small: Dataset, csv: Csv) -> None:
    dataset = cut(small, {"flows.*": 2}, column_names=NAMES, header=Header.absent)
    assert packets(cleaned([csv(*FLOWS[1:], header=FLOWS[0])], dataset)) == [1, 2]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("compressed", [False, True])
def test_how_a_text_is_written_makes_no_difference(
    small: Dataset, tmp_path: Path, end: str, separator: str, compressed: bool
) -> None:
    content = "".join(line.replace(",", separator) + end for line in ["\ufeff" + HEADER, *FLOWS]).encode()
    (tmp_path / "flows.csv").write_bytes(gzip.compress(content) if compressed else content)
    assert packets(cleaned([tmp_path / "flows.csv"], cut(small, {"*.csv": 4}))) == [1, 2, 3, 4]


def test_parquet_is_cut_alike(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    pl.read_csv(csv(*FLOWS)).write_parquet(tmp_path / "flows.parquet", row_group_size=2)
    assert packets(cleaned([tmp_path / "flows.parquet"], cut(small, {"*.parquet": 3}))) == [1, 2, 3]


def test_a_file_of_just_so_many_rows_is_read_whole(small: Dataset, csv: Csv) -> None:
    assert packets(cleaned([csv(*FLOWS)], cut(small, {"*": 6}))) == [1, 2, 3, 4, 5, 6]


def test_files_that_no_pattern_fits_are_read_whole(small: Dataset, csv: Csv) -> None:
    files = [csv(*FLOWS[:3], name="a.csv"), csv(*FLOWS[3:], name="b.csv"), csv(*FLOWS, name="c.csv")]
    result = cleaned(files, cut(small, {"a.*": 1, "c.*": 2}))
    assert packets(result) == [1, 4, 5, 6, 1, 2]
    assert result.flows[ROW_ID].to_list() == list(range(6))


def test_a_blank_line_is_a_row_that_is_dropped_and_counted(small: Dataset, csv: Csv) -> None:
    result = cleaned([csv(FLOWS[0], "", *FLOWS[1:])], cut(small, {"*": 3}))
    assert packets(result) == [1, 2]
    assert (result.report["rows_in"], result.report["dropped"]["blank line"]) == (3, 1)


def test_damage_below_the_rows_read_does_no_harm(small: Dataset, csv: Csv) -> None:
    file = csv(*FLOWS[:2], '"open,tcp,80,1,0.5,0,Normal', "1,2", "x,tcp,80,many,0.5,0,Worm")
    report = cleaned([file], cut(small, {"*": 2})).report
    assert (report["rows_in"], report["rows_out"], sum(report["dropped"].values())) == (2, 2, 0)


def test_damage_among_the_rows_read_is_shown_with_its_line(small: Dataset, csv: Csv) -> None:
    file = csv(FLOWS[0], "1,2", *FLOWS[1:])
    report = cleaned([file], replace(cut(small, {"*": 2}), unreadable_share=1.0)).report
    assert report["examples"] == [f"{file}:3: ragged: 2 cells, not 7"]


LINES = st.lists(
    st.sampled_from([*FLOWS, "", " ", "1,2", FLOWS[0] + ",9", "1,tcp,80,,0.5,0,Normal", '"1",tcp,80,5,0.5,0,Scan'])
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LINES, after=LINES, end=st.sampled_from(["\n", "\r\n"]), compressed=st.booleans())
def test_what_follows_might_as_well_not_be_there(
    small: Dataset, before: list[str], after: list[str], end: str, compressed: bool
) -> None:
    before = [FLOWS[0], *before, FLOWS[1]]  # something to use, and no blank line at the end
    dataset = replace(cut(small, {"cut.*": len(before)}), unreadable_share=1.0)
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for name, lines, chosen in (
            ("cut.csv", [*before, *after], dataset),
            ("whole.csv", before, replace(dataset, format=Format())),
        ):
            content = "".join(line + end for line in [HEADER, *lines]).encode()
            file = Path(folder) / name
            file.write_bytes(gzip.compress(content) if compressed else content)
            results.append(cleaned([file], chosen))
    got, expected = results
    assert got.flows.equals(expected.flows)
    assert all(got.report[key] == expected.report[key] for key in ("rows_in", "rows_out", "dropped", "classes"))


# --- what is said of it


def test_the_report_names_the_files_that_were_not_read_to_their_end(small: Dataset, csv: Csv) -> None:
    files = [csv(*FLOWS, name="a.csv"), csv(*FLOWS, name="b.csv")]
    report = cleaned(files, cut(small, {"a.*": 4})).report
    assert report["only_first_rows_read"] == {str(files[0]): 4}
    assert (report["rows_in"], report["rows_out"]) == (10, 10)


def test_the_report_names_none_where_all_is_read(small: Dataset, csv: Csv) -> None:
    assert cleaned([csv(*FLOWS)], small).report["only_first_rows_read"] == {}


# --- what is refused


def test_a_pattern_that_fits_no_file_is_refused(small: Dataset, csv: Csv) -> None:
    with pytest.raises(
        UserError,
        match=r"first 5 rows of a file like part_1\.\*, but was given flows\.csv.*dataset\.format\.first_rows",
    ):
        cleaned([csv(*FLOWS)], cut(small, {"part_1.*": 5}))


def test_a_file_that_two_patterns_fit_is_refused(small: Dataset, csv: Csv) -> None:
    with pytest.raises(UserError, match=r"flows\.csv matches \*\.csv and flows\.\*"):
        cleaned([csv(*FLOWS)], cut(small, {"*.csv": 5, "flows.*": 2}))


@pytest.mark.parametrize("count", [0, -3])
def test_less_than_one_row_is_refused(small: Dataset, csv: Csv, count: int) -> None:
    with pytest.raises(UserError, match=rf"format\.first_rows: \*: {count} must be at least 1"):
        cleaned([csv(*FLOWS)], cut(small, {"*": count}))


@pytest.mark.parametrize(("lines", "found"), [(FLOWS, 6), ([*FLOWS[:2], "", *FLOWS[2:]], 7), ([], 0)])
def test_a_file_with_fewer_rows_is_refused(small: Dataset, csv: Csv, lines: list[str], found: int) -> None:
    files = [csv(*FLOWS, name="a.csv"), csv(*lines, name="b.csv")]
    with pytest.raises(UserError, match=rf"b\.csv: has {found} rows, but .*first_rows asks for its first 8"):
        cleaned(files, cut(small, {"b.*": 8}))


def test_a_parquet_file_with_fewer_rows_is_refused(small: Dataset, csv: Csv, tmp_path: Path) -> None:
    pl.read_csv(csv(*FLOWS)).write_parquet(tmp_path / "flows.parquet")
    with pytest.raises(UserError, match=r"flows\.parquet: has 6 rows"):
        cleaned([tmp_path / "flows.parquet"], cut(small, {"*": 7}))


# --- from files to parts

RANDOM = RandomSplit("random", test=0.2, validation=0.2)
MANY = [flow(number) for number in range(1, 61)]


def rows_of(dataset: Dataset, cache: Cache) -> int:
    loaded = load(dataset, RANDOM, 0, cache)
    return loaded.train.height + loaded.validation.height + loaded.read_test().flows.height


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(path=str(tmp_path / "cache"))


def test_another_number_of_rows_is_not_served_from_the_cache(small: Dataset, csv: Csv, cache: Cache) -> None:
    dataset = replace(small, path=str(csv(*MANY)))
    counts = [
        rows_of(replace(dataset, format=Format(first_rows=wanted)), cache) for wanted in ({"*": 30}, {"*": 40}, {})
    ]
    assert counts == [30, 40, 60]


def test_files_that_change_names_change_which_is_cut(small: Dataset, csv: Csv, cache: Cache, tmp_path: Path) -> None:
    csv(*MANY[:20], name="x_1.csv")
    csv(*MANY[20:], name="x_2.csv")
    dataset = replace(cut(small, {"*_1.*": 10}, files=["x_*"]), path=str(tmp_path))
    assert rows_of(dataset, cache) == 10 + 40
    for old, new in (("x_1.csv", "x_0.csv"), ("x_2.csv", "x_1.csv")):  # same contents in the same order
        (tmp_path / old).rename(tmp_path / new)
    assert rows_of(dataset, cache) == 20 + 10


def test_the_cache_tells_the_names_of_today(small: Dataset, csv: Csv, cache: Cache) -> None:
    dataset = replace(cut(small, {"*.csv": 30}), path=str(csv(*MANY)))
    load(dataset, RANDOM, 0, cache)
    moved = Path(dataset.path).rename(Path(dataset.path).with_name("moved.csv"))
    again = load(replace(dataset, path=str(moved)), RANDOM, 0, cache)
    assert again.cleaning["only_first_rows_read"] == {str(moved): 30}


def test_the_official_test_file_is_read_whole(small: Dataset, csv: Csv) -> None:
    files = {"path": str(csv(*MANY)), "test_path": str(csv(*MANY[:20], name="test.csv"))}
    dataset = replace(cut(small, {"*.csv": 10}), **files)
    loaded = load(dataset, OfficialSplit("official", validation=0.2), 0, Cache(path=None))
    assert loaded.train.height + loaded.validation.height == 10
    test = loaded.read_test()
    assert (test.flows.height, test.cleaning and test.cleaning["only_first_rows_read"]) == (20, {})


# --- the dataset that is declared with it


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with files of the 5 % release's names."""
    for number in range(1, 5):
        (tmp_path / f"UNSW_2018_IoT_Botnet_Full5pc_{number}.csv").write_text("x\n")
    return tmp_path


def test_the_papers_rows_are_in_files_1_and_4(shipped: Shipped, release: Path) -> None:
    dataset = shipped("bot_iot_paper", f"dataset.path={release}")
    files = training_files(dataset)
    taken = {file.name[-5]: count for file, count in first_rows(files, dataset).items()}
    assert taken == {"1": 19_999, "4": 668_522}
    assert [file.name[-5] for file in files_not_read(dataset.path, files)] == ["2", "3"]


@pytest.mark.parametrize("number", [1, 4])
def test_the_papers_rows_need_both_files(shipped: Shipped, release: Path, number: int) -> None:
    (release / f"UNSW_2018_IoT_Botnet_Full5pc_{number}.csv").unlink()
    with pytest.raises(UserError, match=rf"dataset=bot_iot_paper reads the first .* of a file like \*5pc_{number}\.\*"):
        load(shipped("bot_iot_paper", f"dataset.path={release}"), RANDOM, 0, Cache(path=None))
