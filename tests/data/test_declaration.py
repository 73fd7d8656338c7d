"""Contradictions in a dataset's YAML are told before any file is opened."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from iot_ids.data.declaration import check
from iot_ids.data.spec import Columns, Dataset, Format, Taxonomy
from iot_ids.errors import UserError

Change = Callable[[Dataset], Dataset]


def columns(**changes: Any) -> Change:
    return lambda dataset: replace(dataset, columns=replace(dataset.columns, **changes))


def labels(**changes: Any) -> Change:
    return lambda dataset: replace(dataset, labels={"category": replace(dataset.labels["category"], **changes)})


def test_a_sound_declaration_passes(small: Dataset) -> None:
    check(small)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (columns(numeric=["pkts", "attack"]), "attack is named 2 times"),
        (columns(identifiers=["id", "sport", "proto"]), "proto is named 2 times"),
        (columns(numeric=["pkts", "pkts"]), "pkts is named 2 times"),
        (columns(ports=["dport"]), "ports: dport is not among the identifiers"),
        (columns(time="stime"), "time: stime is not among the identifiers"),
        (columns(source="saddr"), "source: saddr is not among the identifiers"),
        (lambda dataset: replace(dataset, columns=Columns(labels=["kind"])), "nothing to learn from"),
        (columns(labels=[]), "columns.labels is empty"),
        (labels(columns=["type"]), "labels.category.columns: type is not among columns.labels"),
        (labels(normal="normal"), "normal: normal is not among the classes Normal, Flood, Scan"),
        (labels(normal="A", classes={"A": ["x"], "B": ["X"]}), "the value 'x' is named 2 times"),
        (labels(normal="A", classes={"A": ["x"], "B": []}), "classes.B has no values"),
        (lambda dataset: replace(dataset, format=Format(separator="tab")), "neither auto nor one character"),
        (lambda dataset: replace(dataset, unreadable_share=5), "not between 0 and 1"),
    ],
)
def test_a_contradiction_is_named(small: Dataset, change: Change, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(change(small))


def test_all_contradictions_are_told_at_once(small: Dataset) -> None:
    with pytest.raises(UserError, match=r"(?s)time: stime.*source: saddr"):
        check(columns(time="stime", source="saddr")(small))


def test_a_taxonomy_that_is_not_chosen_is_let_be(small: Dataset) -> None:
    small.labels["unused"] = Taxonomy(columns=["elsewhere"], classes={"A": ["a"]})
    check(small)


def test_a_value_that_reads_as_blank_has_to_be_named_as_one(small: Dataset) -> None:
    blank = replace(small.labels["category"], classes={"Normal": ["-"], "Scan": ["Scan"]})
    dataset = replace(small, format=Format(missing=["-"]), labels={"category": blank})
    with pytest.raises(UserError, match=r"the value '-' is among format\.missing, so that it reads as blank; name it"):
        check(dataset)
