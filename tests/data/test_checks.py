"""Contradictions in a dataset's YAML are told before any file is opened."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.checks import check
from iot_ids.data.schema import Columns, Dataset, Format, Taxonomy

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
        (labels(columns=[]), "labels.category.columns is empty"),
        (lambda dataset: replace(dataset, format=Format(separator="tab")), "must be auto or one ASCII character"),
        (lambda dataset: replace(dataset, format=Format(separator="")), "must be auto or one ASCII character"),
        (lambda dataset: replace(dataset, format=Format(separator="ß")), "one ASCII character"),
        (lambda dataset: replace(dataset, format=Format(separator='"')), "not a quotation mark"),
        (
            lambda dataset: replace(dataset, format=Format(column_names=["a", "b", "a"])),
            "names: a is listed twice",
        ),
        (lambda dataset: replace(dataset, name=" "), "name is blank"),
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


NAMES = {
    "a//b": "reads as a path",
    "/a": "reads as a path",
    "a/": "reads as a path",
    "..": "reads as a path",
    "a/../b": "reads as a path",
    ".": "reads as a path",
    "": "is blank",
    " ": "is blank",
    " a": "begins or ends with a blank",
    "a\n": "line break",
    "a\nb": "line break",
    "a\x1b[31mb": "cannot be printed",
    "a\u2028b": "line break",
    "a\u202eb": "cannot be printed",
    "a\udc80": "cannot be printed",
    'a"b': "quotation mark",
    "a'b": "quotation mark",
    "label": "another column",
    "origin": "another column",
    "a" * 101: "101 characters; at most 100 are allowed",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_mlflow_or_a_table_cannot_bear_is_named_with_its_key(small: Dataset, name: str) -> None:
    classes = {"Normal": ["Normal"], name: ["*"]}
    with pytest.raises(UserError) as told:
        check(labels(classes=classes)(small))
    assert f"labels.category.classes: the class {name!r} " in str(told.value)
    assert NAMES[name] in str(told.value)


def test_the_names_of_a_taxonomy_that_is_not_chosen_are_looked_at(small: Dataset) -> None:
    small.labels["unused"] = Taxonomy(columns=["kind"], classes={"a//b": ["a"]})
    with pytest.raises(UserError, match=r"labels\.unused\.classes: the class 'a//b'"):
        check(small)


@pytest.mark.parametrize(
    "name", ["DDoS/TCP", "DoS (UDP)", "C&C", "-x", "=1+1", "a.b", "été", "攻撃", "50 %", "a" * 100]
)
def test_a_name_that_mlflow_can_bear_passes(small: Dataset, name: str) -> None:
    check(labels(classes={"Normal": ["Normal"], name: ["*"]})(small))


def test_a_value_that_is_no_text_is_named(small: Dataset) -> None:
    with pytest.raises(UserError, match=r"labels\.category\.classes\.Normal: \[1\] is not text"):
        check(labels(classes={"Normal": [[1]], "Attack": ["*"]})(small))
