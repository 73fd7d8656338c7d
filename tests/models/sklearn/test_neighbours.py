"""K nearest neighbours: scikit-learn's answers, with the extra and without."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import sklearn.neighbors

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn import neighbours
from iot_ids.models.sklearn.neighbours import NeighboursClassifier


def clouds(rows: int, seed: int) -> Table:
    """Three overlapping classes of continuous numbers, so that no two rows are equally far from a third."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return Table((np.eye(3)[y] + random.normal(0, 0.7, (rows, 3))).astype(np.float32), y)


def fitted(weights: str = "uniform", n_neighbors: int = 5) -> NeighboursClassifier:
    model = NeighboursClassifier(n_neighbors, weights, n_jobs=1)
    model.fit(clouds(2000, 0), clouds(10, 1), 3, 0, lambda *_: None)
    return model


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_the_answers_are_scikit_learns(weights: str) -> None:
    train, test = clouds(2000, 0), clouds(1000, 2)
    reference = sklearn.neighbors.KNeighborsClassifier(5, weights=weights).fit(train.x, train.y)
    np.testing.assert_allclose(fitted(weights).probabilities(test.x), reference.predict_proba(test.x), atol=1e-5)


@pytest.mark.skipif(find_spec("sklearnex") is None, reason="the extra `fast` is not installed")
def test_with_the_extra_the_fast_class_answers() -> None:
    assert type(fitted().estimator).__module__.startswith("sklearnex.")


@pytest.mark.skipif(find_spec("sklearnex") is None, reason="the extra `fast` is not installed")
def test_with_the_extra_scikit_learns_own_class_stays_what_it_was() -> None:
    fitted()
    assert sklearn.neighbors.KNeighborsClassifier.__module__.startswith("sklearn.")


def test_without_the_extra_scikit_learns_class_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "find_spec", lambda _: None)
    assert type(fitted().estimator) is sklearn.neighbors.KNeighborsClassifier


def test_what_was_kept_with_the_extra_is_read_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = fitted("distance"), clouds(500, 2).x
    model.save(tmp_path)
    monkeypatch.setattr(neighbours, "find_spec", lambda _: None)
    np.testing.assert_allclose(NeighboursClassifier.load(tmp_path).probabilities(x), model.probabilities(x), atol=1e-5)


def test_more_neighbours_than_rows_are_refused() -> None:
    with pytest.raises(UserError, match=r"model\.n_neighbors=2001 is more than the 2,000 training rows"):
        fitted(n_neighbors=2001)


@pytest.mark.parametrize(("weights", "n_neighbors"), [("half", 5), ("uniform", 0)])
def test_a_setting_that_is_refused_is_told(weights: str, n_neighbors: int) -> None:
    with pytest.raises(UserError, match="parameter of KNeighborsClassifier must be"):
        fitted(weights, n_neighbors)
