"""What cleaning costs each class is counted, and said aloud where it is much."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.clean import clean, describe_losses
from iot_ids.data.load import load
from iot_ids.data.schema import Cache, Dataset, Duplicates, Format, MissingNumbers
from iot_ids.data.splits import RandomSplit

Csv = Callable[..., Path]
LINES = [
    *(f"{row},tcp,80,{row},0.5,0,Normal" for row in range(20)),
    *(f"{row},tcp,80,{row},-,1,Scan" for row in range(18)),
    *(f"{row},tcp,80,{row},0.5,1,Scan" for row in range(2)),
]


@pytest.fixture
def dataset(small: Dataset) -> Dataset:
    return replace(small, format=Format(missing=["-"]))


def test_a_loss_is_counted_by_class_and_reason(dataset: Dataset, csv: Csv) -> None:
    lines = [*LINES, "9,tcp,80,9,inf,0,Normal", "10,tcp,80,9,many,0,Normal", "11,tcp,80,9,-,0,unheard of"]
    report = clean([csv(*lines)], replace(dataset, unreadable_share=1), Duplicates.distinct).report
    assert report["lost_by_class"] == {
        "Scan": {"rows": 20, "lost": {"missing number": 18}},
        "Normal": {"rows": 22, "lost": {"text in a number column": 1, "not finite": 1}},
    }


def test_a_class_that_loses_more_than_a_tenth_has_a_sentence(dataset: Dataset, csv: Csv) -> None:
    (said,) = describe_losses(clean([csv(*LINES)], dataset, Duplicates.keep).report)
    assert said.startswith(
        "Cleaning left out 18 of 20 rows of Scan (90%: 18 missing number): results for Scan describe"
    )
    assert said.endswith("dataset.missing_numbers=indicate keeps rows without a number.")


def test_a_tenth_is_no_sentence(dataset: Dataset, csv: Csv) -> None:
    lines = [*LINES[:18], "1,tcp,80,1,-,0,Normal", "2,tcp,80,2,-,0,Normal", *LINES[-2:]]
    assert describe_losses(clean([csv(*lines)], dataset, Duplicates.keep).report) == []


def test_too_few_rows_are_told_with_what_cleaning_took(dataset: Dataset, csv: Csv) -> None:
    mine = replace(dataset, path=str(csv(*LINES)))
    with pytest.raises(UserError, match=r"(?s)'Scan' has 2 rows, too few .*Cleaning left out 18 of 20 rows of Scan"):
        load(mine, RandomSplit("random", 0.2, 0.2), 0, Cache(None))


def test_nothing_is_lost_where_missing_numbers_are_indicated(dataset: Dataset, csv: Csv) -> None:
    kept = replace(dataset, missing_numbers=MissingNumbers.indicate)
    cleaned = clean([csv(*LINES)], kept, Duplicates.distinct)
    assert (cleaned.flows.height, cleaned.flows["rate"].null_count(), cleaned.report["lost_by_class"]) == (40, 18, {})


def test_what_is_no_number_is_left_out_all_the_same(dataset: Dataset, csv: Csv) -> None:
    kept = replace(dataset, missing_numbers=MissingNumbers.indicate, unreadable_share=1)
    lines = [*LINES, "1,tcp,80,x,0.5,1,Scan", "1,tcp,80,1,inf,1,Scan", ",,,,,,"]
    dropped = clean([csv(*lines)], kept, Duplicates.keep).report["dropped"]
    assert {reason: count for reason, count in dropped.items() if count} == {
        "text in a number column": 1,
        "not finite": 1,
        "blank line": 1,
    }
