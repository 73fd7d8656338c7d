"""From label columns to one class per flow."""

from dataclasses import replace

import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.checks import taxonomy
from iot_ids.data.label import CLASS, class_names, classified, contradicting, normal_code
from iot_ids.data.schema import Dataset, Taxonomy


def flows(*kinds: str) -> pl.DataFrame:
    return pl.DataFrame({"attack": ["0" if kind == "Normal" else "1" for kind in kinds], "kind": kinds})


def with_classes(dataset: Dataset, columns: list[str], classes: dict[str, list[str]]) -> Dataset:
    return replace(dataset, labels={"category": Taxonomy(columns=columns, classes=classes)})


def test_values_become_classes(small: Dataset) -> None:
    assert classified(flows("Scan", "Normal"), small)[CLASS].to_list() == ["Scan", "Normal"]


def test_case_does_not_matter(small: Dataset) -> None:
    assert classified(flows("SCAN", "normal"), small)[CLASS].to_list() == ["Scan", "Normal"]


def test_several_columns_are_joined(small: Dataset) -> None:
    dataset = with_classes(small, ["attack", "kind"], {"good": ["0/Normal"], "bad": ["1/Scan"]})
    assert classified(flows("Scan", "Normal"), dataset)[CLASS].to_list() == ["bad", "good"]


def test_the_star_takes_the_rest(small: Dataset) -> None:
    dataset = with_classes(small, ["kind"], {"normal": ["Normal"], "attack": ["*"]})
    assert classified(flows("Scan", "Normal", "new"), dataset)[CLASS].to_list() == ["attack", "normal", "attack"]


def test_an_unknown_value_is_named_and_counted(small: Dataset) -> None:
    with pytest.raises(UserError, match=r"no class for 'DDoS/DoS' \(2 rows\) of column kind.*flood, normal, scan"):
        classified(flows("Scan", "DDoS/DoS", "DDoS/DoS"), small)


def test_an_unknown_value_is_an_attack_all_the_same(small: Dataset) -> None:
    binary = replace(small, label="binary")
    assert classified(flows("DDoS/DoS", "Normal"), binary)[CLASS].to_list() == ["attack", "normal"]


def test_an_unknown_label_lists_the_known(small: Dataset) -> None:
    with pytest.raises(UserError, match=r"dataset\.label=family is unknown to dataset=small; it has category, binary"):
        taxonomy(replace(small, label="family"))


def test_flows_normal_by_one_label_and_an_attack_by_another_contradict(small: Dataset) -> None:
    table = pl.DataFrame({"attack": ["0", "1", "0", "1"], "kind": ["Normal", "Scan", "Scan", "normal"]})
    found, said = contradicting(table, small)
    assert found.rows() == [("0", "Scan"), ("1", "normal")]
    assert said == [
        "an attack by category (kind=Scan), normal by binary (attack=0)",
        "normal by category (kind=normal), an attack by binary (attack=1)",
    ]


def test_two_names_of_an_attack_do_not_contradict(small: Dataset) -> None:
    kinds = Taxonomy(columns=["attack"], normal="normal", classes={"normal": ["0"], "flood": ["1"], "scan": ["2"]})
    table = pl.DataFrame({"attack": ["1", "2", "0"], "kind": ["Scan", "Flood", "Normal"]})
    assert contradicting(table, replace(small, labels=small.labels | {"other": kinds}))[0].is_empty()


def test_a_value_without_a_class_contradicts_normal(small: Dataset) -> None:
    table = pl.DataFrame({"attack": ["0", "1", "7"], "kind": ["new", "newer", "Normal"]})
    found, said = contradicting(table, small)
    assert found.rows() == [("0", "new"), ("7", "Normal")]
    assert said[0] == "unknown to category (kind=new), normal by binary (attack=0)"


def test_a_blank_contradicts_where_it_stands_for_nothing_normal(small: Dataset) -> None:
    joined = Taxonomy(["family", "kind"], {"Normal": ["Normal/Normal"], "Flood": ["DoS/Flood"]}, "Normal")
    columns = replace(small.columns, labels=["attack", "family", "kind"])
    dataset = replace(small, columns=columns, labels={"binary": small.labels["binary"], "category": joined})
    table = pl.DataFrame({"attack": ["0"] * 3, "family": [None, "Normal", None], "kind": ["Flood", None, None]})
    assert contradicting(table, dataset)[0].rows() == [("0", None, "Flood")]


def test_a_blank_is_a_value_where_a_class_names_it(small: Dataset) -> None:
    dataset = with_classes(small, ["kind"], {"Normal": [""], "Scan": ["Scan"]})
    assert classified(pl.DataFrame({"kind": [None, "Scan"]}), dataset)[CLASS].to_list() == ["Normal", "Scan"]


def test_a_blank_that_no_class_names_has_no_class_and_is_not_among_the_rest(small: Dataset) -> None:
    dataset = with_classes(small, ["kind"], {"Normal": ["Normal"], "attack": ["*"]})
    assert classified(pl.DataFrame({"kind": [None, "new"]}), dataset)[CLASS].to_list() == [None, "attack"]


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"category": Taxonomy(["kind"], {"Normal": ["Normal"], "rest": ["*"]}, "Normal")},
        {
            "category": Taxonomy(["kind"], {"Normal": ["Normal"], "rest": ["*"]}, "Normal"),
            "no normal": Taxonomy(["attack"], {"0": ["1"], "1": ["0"]}),
            "normal is no class": Taxonomy(["attack"], {"a": ["0"], "b": ["1"]}, "c"),
            "another column": Taxonomy(["verdict"], {"good": ["0"], "bad": ["1"]}, "good"),
            "no column": Taxonomy([], {"good": ["0"], "bad": ["1"]}, "good"),
            "no values": Taxonomy(["attack"], {"good": [], "bad": []}, "good"),
        },
    ],
    ids=["none", "one", "no two to compare"],
)
def test_where_no_two_taxonomies_know_the_normal_class_nothing_contradicts(
    small: Dataset, labels: dict[str, Taxonomy]
) -> None:
    found, said = contradicting(flows("Scan", "Normal", "new"), replace(small, labels=labels))
    assert (found.height, said) == (0, [])


def test_the_star_contradicts_too(small: Dataset) -> None:
    rest = Taxonomy(columns=["kind"], normal="Normal", classes={"Normal": ["Normal"], "attack": ["*"]})
    table = pl.DataFrame({"attack": ["0", "0"], "kind": ["Normal", "new"]})
    assert contradicting(table, replace(small, labels=small.labels | {"category": rest}))[0].rows() == [("0", "new")]


def test_many_contradictions_are_counted_and_a_few_told(small: Dataset) -> None:
    found, said = contradicting(pl.DataFrame({"attack": ["0"] * 40, "kind": ["Scan"] * 40}), small)
    assert (found.height, len(said)) == (40, 5)


def test_classes_come_in_the_order_of_the_taxonomy(small: Dataset) -> None:
    assert class_names(classified(flows("Scan", "Normal"), small), small) == ["Normal", "Scan"]


def test_one_class_is_not_enough(small: Dataset) -> None:
    with pytest.raises(UserError, match="all 2 training rows are Scan; two classes are needed"):
        class_names(classified(flows("Scan", "Scan"), small), small)


@pytest.mark.parametrize("names", [["normal", "attack"], ["attack", "normal"]])
def test_the_normal_class_of_two_has_its_place_as_code(small: Dataset, names: list[str]) -> None:
    values = {"normal": ["0"], "attack": ["1"]}
    chosen = Taxonomy(columns=["attack"], normal="normal", classes={name: values[name] for name in names})
    dataset = replace(small, labels={"binary": chosen}, label="binary")
    order = class_names(classified(flows("Scan", "Normal"), dataset), dataset)
    assert normal_code(dataset) == order.index("normal")


def test_of_three_classes_none_is_normal_against_attack(small: Dataset) -> None:
    assert normal_code(small) is None


def test_of_two_classes_none_may_be_normal(small: Dataset) -> None:
    assert normal_code(with_classes(small, ["kind"], {"one": ["Normal"], "other": ["*"]})) is None
