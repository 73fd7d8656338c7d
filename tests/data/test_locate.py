"""From a path to files: folders, globs, lists, and the messages where nothing fits."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from iot_ids.data.locate import official_test_files, training_files
from iot_ids.data.spec import Dataset, Format
from iot_ids.errors import UserError


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
    with pytest.raises(UserError, match=r"dataset\.path=5 is no file"):
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
