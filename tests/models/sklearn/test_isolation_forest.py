"""The isolation forest: learns normal flows alone, keeps to the false-positive rate, finds what it never saw."""

import numpy as np
import pytest

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.isolation_forest import IsolationClassifier


def flows(rows: int, seed: int, normal: int = 0, attack_at: float = 6.0, decimals: int = 9) -> Table:
    """Normal flows around the origin; every tenth flow is an attack, `attack_at` away from it."""
    random = np.random.default_rng(seed)
    attack = np.arange(rows) % 10 == 9
    x = random.normal(0, 1, (rows, 2)).round(decimals) + attack_at * attack[:, None]
    return Table(x.astype(np.float32), np.where(attack, 1 - normal, normal))


def fitted(
    train: Table, validation: Table, normal: int = 0, rate: float = 0.01, trees: int = 40
) -> IsolationClassifier:
    model = IsolationClassifier(n_estimators=trees, max_samples=256, false_positive_rate=rate, normal=normal)
    model.fit(train, validation, 2, 0, lambda *_: None)
    return model


def called_attack(model: IsolationClassifier, table: Table, of: int, normal: int = 0) -> float:
    """The share of the rows of class `of` that the model calls an attack."""
    answers = model.probabilities(table.x).argmax(axis=1)
    return float((answers[table.y == of] != normal).mean())


@pytest.mark.parametrize("normal", [0, 1])
def test_attacks_never_seen_are_found(normal: int) -> None:
    alone = flows(1000, 0, normal)
    normal_rows = Table(alone.x[alone.y == normal], alone.y[alone.y == normal])
    model = fitted(normal_rows, normal_rows, normal)
    assert called_attack(model, flows(1000, 1, normal), 1 - normal, normal) > 0.95


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_normal_flows_are_called_attacks_at_the_stated_rate(rate: float) -> None:
    model = fitted(flows(3000, 0), flows(5000, 1), rate=rate)
    assert called_attack(model, flows(5000, 2), 0) == pytest.approx(rate, rel=0.3)


@pytest.mark.parametrize("normal", [0, 1])
def test_equal_flows_at_the_threshold_stay_normal(normal: int) -> None:
    few = flows(2000, 0, normal, decimals=0)  # a few dozen different rows: the threshold is the score of many
    model = fitted(few, few, normal)
    assert called_attack(model, few, normal, normal) <= 0.01


def test_the_attacks_of_training_and_validation_are_not_looked_at() -> None:
    models = [fitted(flows(1000, 0, attack_at=far), flows(1000, 1, attack_at=far)) for far in (6.0, 0.0)]
    one, other = (model.probabilities(flows(500, 2).x) for model in models)
    assert np.array_equal(one, other)


def test_the_columns_follow_the_codes() -> None:
    one = fitted(flows(1000, 0), flows(1000, 1)).probabilities(flows(200, 2).x)
    mirrored = fitted(flows(1000, 0, 1), flows(1000, 1, 1), 1).probabilities(flows(200, 2).x)
    assert np.array_equal(one, mirrored[:, ::-1])


def test_fewer_normal_rows_than_a_tree_takes_are_enough() -> None:
    assert fitted(flows(100, 0), flows(100, 1)).estimator.max_samples == 90


def test_a_label_without_a_normal_class_is_refused() -> None:
    with pytest.raises(UserError, match=r"needs a label with these two classes: dataset\.label=binary"):
        IsolationClassifier(n_estimators=10, max_samples=256, false_positive_rate=0.01, normal=None)


@pytest.mark.parametrize("rate", [0.0, 1.0, float("nan")])
def test_a_rate_out_of_range_is_named(rate: float) -> None:
    with pytest.raises(UserError, match=f"model.false_positive_rate={rate}"):
        IsolationClassifier(n_estimators=10, max_samples=256, false_positive_rate=rate, normal=0)


def test_no_normal_rows_are_refused() -> None:
    attacks = Table(flows(50, 0).x, np.ones(50, dtype=np.int64))
    with pytest.raises(UserError, match="there are 90 of them to train on and 0 to set the threshold on"):
        fitted(flows(100, 0), attacks)
