"""The unseen-attack split: the attack is nowhere but in test, and the other classes are drawn as ever."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.label import KIND
from iot_ids.data.schema import Columns, Dataset, Taxonomy
from iot_ids.data.splits import UnseenAttackSplit
from iot_ids.data.splits.random import random_split

KINDS = ["Normal", "DoS", "DDoS", "Theft"]
DATASET = Dataset(
    "small",
    "Small",
    columns=Columns(["pkts"], labels=["kind"]),
    labels={
        "category": Taxonomy(["kind"], {name: [name] for name in KINDS}, "Normal"),
        "flat": Taxonomy(["kind"], {name: [name] for name in KINDS}),
    },
)
FLOWS = pl.DataFrame({KIND: np.random.default_rng(0).permutation(np.repeat(KINDS, [100, 50, 40, 10]))})


def split(attack: Any, label: str = "category") -> UnseenAttackSplit:
    return UnseenAttackSplit("unseen_attack", attack, label, test=0.2, validation=0.25)


@pytest.mark.parametrize(("attack", "rows"), [("DoS", {"DoS": 50}), (["DoS", "DDoS"], {"DoS": 50, "DDoS": 40})])
def test_all_rows_of_the_attack_are_test_rows(attack: Any, rows: dict[str, int]) -> None:
    parts = split(attack).split(FLOWS, DATASET, seed=1)
    learned = FLOWS[np.concatenate([parts.train, parts.validation])][KIND]
    assert not set(rows) & set(learned)
    tested = dict(FLOWS[parts.test][KIND].value_counts().iter_rows())
    assert tested == {"Normal": 20, "DoS": 10, "DDoS": 8, "Theft": 2} | rows
    assert len(parts.train) + len(parts.validation) + len(parts.test) == FLOWS.height


def test_the_other_classes_are_drawn_as_without_the_attack() -> None:
    known = np.flatnonzero(FLOWS[KIND] != "Theft")
    alone = random_split(FLOWS[KIND].to_numpy()[known], 0.2, 0.25, seed=4)
    parts = split("Theft").split(FLOWS, DATASET, seed=4)
    assert np.array_equal(parts.train, known[alone.train])
    assert np.array_equal(parts.validation, known[alone.validation])


@pytest.mark.parametrize("attack", [None, [], "Normal", "Worm", ["DoS", "DoS"], ["DoS", "Normal"]])
def test_what_is_no_attack_is_refused_with_those_there_are(attack: Any) -> None:
    with pytest.raises(UserError, match=r"split.attack=.*small.*DoS, DDoS, Theft"):
        split(attack).left_out(DATASET)


def test_a_label_without_a_normal_class_is_refused() -> None:
    with pytest.raises(UserError, match="label flat of dataset=small has no normal class"):
        split("DoS", "flat").left_out(DATASET)


def test_an_unknown_label_is_refused_by_its_key() -> None:
    with pytest.raises(UserError, match="label=kinds is unknown to dataset=small"):
        split("DoS", "kinds").left_out(DATASET)


def test_an_attack_without_rows_is_refused_with_the_counts() -> None:
    with pytest.raises(UserError, match="has no rows of Theft; it has Normal: 100"):
        split("Theft").split(FLOWS.filter(pl.col(KIND) != "Theft"), DATASET, seed=0)
