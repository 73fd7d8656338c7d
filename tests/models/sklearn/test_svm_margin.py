"""Margins become probabilities that keep the order and are as bold as validation says."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from iot_ids.experiment import instantiate
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.svm import Margin
from iot_ids.models.spec import Trainer

TRAINER = Trainer(name="cpu", accelerator="cpu", max_epochs=1, batch_size=64, patience=1, gradient_clip=1.0)


def logistic(rows: int, seed: int, slope: float = 3.0) -> Table:
    """Two classes whose probabilities are known: the second one's is the logistic of `slope` times the number."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (rows, 1))
    return Table(x.astype(np.float32), (random.uniform(size=rows) < expit(slope * x[:, 0])).astype(np.int64))


def fitted(train: Table, validation: Table, C: float = 1.0) -> Margin:  # noqa: N803
    model = Margin(LinearSVC(C=C, dual=False))
    model.fit(train, validation, 2, 0, lambda *_: None)
    return model


@pytest.mark.parametrize("C", [1e-4, 1.0])
def test_probabilities_come_near_the_planted_ones(C: float) -> None:  # noqa: N803
    model, test = fitted(logistic(4000, 0), logistic(4000, 1), C), logistic(500, 2)
    np.testing.assert_allclose(model.probabilities(test.x)[:, 1], expit(3 * test.x[:, 0]), atol=0.07)


def test_the_sharpness_is_the_best_on_validation() -> None:
    validation = logistic(1000, 1)
    model = fitted(logistic(1000, 0), validation)
    best = log_loss(validation.y, model.probabilities(validation.x))
    for factor in (0.8, 1.25):
        other = fitted(logistic(1000, 0), validation)
        other.sharpness = model.sharpness * factor
        assert log_loss(validation.y, other.probabilities(validation.x)) > best


def test_margins_that_say_nothing_on_validation_become_even_odds() -> None:
    random = np.random.default_rng(1)
    noise = Table(logistic(2000, 1).x, random.integers(0, 2, 2000))
    assert np.abs(fitted(logistic(1000, 0), noise).probabilities(noise.x) - 0.5).max() < 0.1


def test_validation_changes_no_answer() -> None:
    noise = Table(logistic(500, 1).x, np.random.default_rng(1).integers(0, 2, 500))
    models = [fitted(logistic(1000, 0), validation) for validation in (logistic(500, 1), noise)]
    one, other = (model.probabilities(logistic(500, 2).x).argmax(axis=1) for model in models)
    assert np.array_equal(one, other)


def test_classes_that_never_meet_give_numbers() -> None:
    table = Table(np.array([[-1.0], [1.0]] * 20, dtype=np.float32), np.array([0, 1] * 20))
    np.testing.assert_allclose(fitted(table, table).probabilities(table.x)[:2], [[1, 0], [0, 1]], atol=1e-6)


def test_an_estimator_of_the_users_with_margins_alone_is_given_probabilities() -> None:
    model = instantiate.model({"_target_": "sklearn.linear_model.SGDClassifier"}, TRAINER, normal=None)
    assert isinstance(model, Margin)
    assert isinstance(model.estimator, SGDClassifier)


def test_the_sharpness_is_kept(tmp_path: Path) -> None:
    model = fitted(logistic(500, 0), logistic(500, 1), C=1e-4)
    model.save(tmp_path)
    assert Margin.load(tmp_path).sharpness == model.sharpness != 1.0
