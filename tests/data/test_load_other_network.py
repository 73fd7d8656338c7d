"""Another network's flows as test rows: what has to match, what is read, what is counted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from iot_ids.common.errors import UserError
from iot_ids.data.checks import shared_classes
from iot_ids.data.label import CLASS
from iot_ids.data.load import load
from iot_ids.data.schema import Cache, Dataset, Duplicates, MissingNumbers, Taxonomy
from iot_ids.data.splits import RandomSplit

Csv = Callable[..., Path]
RANDOM = RandomSplit("random", test=0.2, validation=0.2)
OFF = Cache(path=None)
LINES = [f"{at},tcp,80,{at},0.5,{at % 2},{'Flood' if at % 2 else 'Normal'}" for at in range(40)]
OTHER = [
    "1,udp,1,1,1,0,Normal",
    "2,udp,1,1,1,0,Normal",
    "3,udp,1,2,1,1,Flood",
    "4,udp,1,3,1,1,Worm",
    "5,udp,1,4,1,1,Worm",
]


@pytest.fixture
def pair(small: Dataset, csv: Csv) -> tuple[Dataset, Dataset]:
    """A network of floods, and another with a worm of its own and a repeated normal flow."""
    theirs = Taxonomy(["kind"], {"Normal": ["Normal"], "Flood": ["Flood"], "Worm": ["Worm"]}, "Normal")
    other = replace(small, name="other", labels=small.labels | {"category": theirs}, label="binary")
    home = replace(small, path=str(csv(*LINES)), label="category")
    return home, replace(other, path=str(csv(*OTHER, name="other.csv")))


def test_test_rows_are_the_other_networks_and_the_rest_is_as_at_home(pair: tuple[Dataset, Dataset]) -> None:
    home, other = pair
    alone, away = load(home, RANDOM, 0, OFF), load(home, RANDOM, 0, OFF, other)
    assert_frame_equal(alone.train, away.train)
    assert_frame_equal(alone.validation, away.validation)
    assert away.cleaning["dropped"] == alone.cleaning["dropped"] | {"test row of the training network": 8}
    assert away.cleaning["rows_out"] == away.train.height + away.validation.height == 32
    test = away.read_test()
    assert test.flows["pkts"].to_list() == [1.0, 2.0]
    assert test.flows[CLASS].to_list() == ["Normal", "Flood"]
    assert test.sha256 == away.test_sha256() != alone.test_sha256()
    assert test.cleaning is not None
    assert test.cleaning["dropped"]["duplicate"] == 1
    assert test.cleaning["dropped"]["class that the training network lacks"] == 2
    assert test.cleaning["rows_in"] == test.cleaning["rows_out"] + sum(test.cleaning["dropped"].values())
    assert test.cleaning["classes"] == {"Normal": 1, "Flood": 1}
    assert sum(away.cleaning["classes"].values()) == away.cleaning["rows_out"]


def test_binary_takes_every_attack_and_the_other_networks_duplicates_count(pair: tuple[Dataset, Dataset]) -> None:
    home, other = pair
    away = load(replace(home, label="binary"), RANDOM, 0, OFF, replace(other, duplicates=Duplicates.keep))
    assert away.read_test().flows[CLASS].to_list() == ["normal", "normal", "attack", "attack", "attack"]


def test_a_lacking_column_is_named_before_any_file_is_read(pair: tuple[Dataset, Dataset]) -> None:
    home, other = pair
    odd = replace(other, path="/nowhere", columns=replace(other.columns, numeric=["pkts"], categorical=["rate"]))
    with pytest.raises(UserError, match=r"lacks 2 feature columns of dataset=small: rate \(numeric\), proto"):
        load(home, RANDOM, 0, OFF, odd)


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (
            Taxonomy(["kind"], {"Benign": ["Normal"], "Flood": ["Flood"]}, "Benign"),
            "call normal flows Normal and Benign",
        ),
        (Taxonomy(["kind"], {"Normal": ["Normal"], "Worm": ["Worm"]}, "Normal"), "share only Normal"),
    ],
)
def test_classes_that_do_not_match_are_named(small: Dataset, theirs: Taxonomy, message: str) -> None:
    with pytest.raises(UserError, match=message):
        shared_classes(small, replace(small, name="other", labels={"category": theirs}))


def test_a_label_that_the_other_network_lacks_is_named(small: Dataset) -> None:
    with pytest.raises(UserError, match="category is unknown to dataset=other"):
        shared_classes(small, replace(small, name="other", labels={"binary": small.labels["binary"]}))


def test_no_row_of_a_shared_class_is_refused(pair: tuple[Dataset, Dataset], csv: Csv) -> None:
    home, other = pair
    file = csv("4,udp,1,3,1,1,Worm", name="worms.csv")
    with pytest.raises(UserError, match="no row is Normal or Flood"):
        load(home, RANDOM, 0, OFF, replace(other, path=str(file))).read_test()


def test_the_other_network_is_not_read_before_it_is_asked_for(pair: tuple[Dataset, Dataset], csv: Csv) -> None:
    home, other = pair
    loaded = load(home, RANDOM, 0, OFF, replace(other, path=str(csv("no,flow", name="garbage.csv"))))
    assert isinstance(loaded.train, pl.DataFrame)
    with pytest.raises(UserError, match=r"garbage.csv: 1 of 1 rows cannot be read"):
        loaded.read_test()


def test_a_file_that_is_trained_on_is_not_tested_on(pair: tuple[Dataset, Dataset], csv: Csv) -> None:
    home, other = pair
    copy = csv(*LINES, name="copy.csv")
    with pytest.raises(UserError, match=r"copy.csv is trained on as well"):
        load(replace(home, label="binary"), RANDOM, 0, OFF, replace(other, path=[str(other.path), str(copy)]))


def test_another_network_that_contradicts_itself_is_refused_before_any_file_is_read(small: Dataset) -> None:
    other = replace(small, name="other", columns=replace(small.columns, time="pkts"))
    with pytest.raises(UserError, match="dataset=other is inconsistent"):
        shared_classes(small, other)


@pytest.mark.parametrize("theirs", MissingNumbers)
@pytest.mark.parametrize(("ours", "rows"), [(MissingNumbers.drop, 2), (MissingNumbers.indicate, 3)])
def test_rows_without_a_number_are_treated_as_in_training(
    ours: MissingNumbers, rows: int, theirs: MissingNumbers, pair: tuple[Dataset, Dataset], csv: Csv
) -> None:
    """The detector answers such rows where it was trained with some, whatever the other network's file says."""
    home, other = pair
    lines = csv(*OTHER, "6,udp,1,,1,1,Flood", name="lacking.csv")
    away = replace(other, path=str(lines), missing_numbers=theirs)
    test = load(replace(home, missing_numbers=ours), RANDOM, 0, OFF, away).read_test()
    assert test.cleaning is not None
    assert (test.flows.height, test.flows["pkts"].null_count()) == (rows, rows - 2)
    assert test.cleaning["dropped"]["missing number"] == 3 - rows
