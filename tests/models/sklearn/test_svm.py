"""The RBF machines: what only a kernel can do, how near the approximation comes, and the limit of the exact one."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.svm import ExactSvm, Margin, NystroemSvm


def squares(rows: int, seed: int) -> Table:
    """Two classes on opposite corners of a square: no straight line parts them."""
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, 2)).astype(np.float32)
    return Table(x, (x[:, 0] * x[:, 1] > 0).astype(np.int64))


def clouds(rows: int, seed: int, classes: int = 6) -> Table:
    """Overlapping classes around a circle."""
    random = np.random.default_rng(seed)
    y = random.integers(0, classes, rows)
    angle = 2 * np.pi * y / classes
    centre = np.column_stack([np.cos(angle), np.sin(angle)])
    return Table((centre + random.normal(0, 0.7, (rows, 2))).astype(np.float32), y)


def approximate(**changes: Any) -> NystroemSvm:
    return NystroemSvm(**{"C": 1.0, "gamma": "scale", "components": 100, "epochs": 100, "class_weight": None} | changes)


def exact(**changes: Any) -> ExactSvm:
    return ExactSvm(**{"C": 1.0, "gamma": "scale", "max_rows": 1000, "class_weight": None} | changes)


def fitted(model: Margin, train: Table) -> Margin:
    model.fit(train, train, len(np.unique(train.y)), 0, lambda *_: None)
    return model


def accuracy(model: Margin, table: Table) -> float:
    return float((model.probabilities(table.x).argmax(axis=1) == table.y).mean())


@pytest.mark.parametrize("model", [approximate(), exact()])
def test_what_no_line_can_part_is_learned(model: Margin) -> None:
    assert accuracy(fitted(model, squares(800, 0)), squares(500, 1)) > 0.93


def test_the_approximation_comes_near_the_exact_machine() -> None:
    train, test = clouds(800, 0), clouds(1000, 1)
    one, other = (fitted(model, train).probabilities(test.x).argmax(axis=1) for model in (approximate(), exact()))
    assert (one == other).mean() > 0.9


def test_gamma_scale_is_scikit_learns() -> None:
    table = squares(200, 0)
    ours = fitted(approximate(), table).estimator["nystroem"].gamma
    assert ours == pytest.approx(SVC(gamma="scale").fit(table.x, table.y)._gamma)


def test_the_penalty_is_that_of_the_exact_machine() -> None:
    assert fitted(approximate(C=4.0), squares(200, 0)).estimator["sgdclassifier"].alpha == 1 / (4.0 * 200)


def test_fewer_rows_than_components_are_enough() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(approximate(components=500), squares(60, 0))
    assert model.estimator["nystroem"].n_components == 60


@pytest.mark.parametrize(("key", "value"), [("C", 0.0), ("C", float("nan")), ("gamma", "auto"), ("gamma", -1.0)])
def test_a_setting_out_of_range_is_named(key: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{key}={value}"):
        fitted(approximate(**{key: value}), squares(60, 0))


def test_with_votes_that_tie_the_exact_machine_answers_by_its_margins() -> None:
    train, x = clouds(300, 0), clouds(2000, 1).x
    model = fitted(exact(), train)
    answers = model.estimator.predict(x)
    assert (SVC().fit(train.x, train.y).predict(x) != answers).any()  # else this proves nothing
    assert np.array_equal(model.probabilities(x).argmax(axis=1), answers)


def test_as_many_rows_as_the_limit_are_taken() -> None:
    fitted(exact(max_rows=200), squares(200, 0))


def test_more_rows_than_the_limit_are_refused_with_the_way_out() -> None:
    with pytest.raises(UserError, match=r"201 training rows are more than model\.max_rows=200: use model=svm_rbf"):
        fitted(exact(max_rows=200), squares(201, 0))


@pytest.mark.parametrize("name", ["support_vectors_", "support_", "_n_support", "_dual_coef_", "_intercept_"])
def test_a_kept_exact_machine_with_an_array_cut_short_is_refused(name: str, tmp_path: Path) -> None:
    model = fitted(exact(), clouds(60, 0, 3))
    setattr(model.estimator, name, getattr(model.estimator, name)[:-1])
    model.save(tmp_path)
    with pytest.raises(ValueError, match=r"does not have the shape|does not add up"):
        ExactSvm.load(tmp_path)
