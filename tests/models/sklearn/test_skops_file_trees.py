"""Trees that were changed on purpose: refused before scikit-learn follows them."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from iot_ids.models.sklearn.skops_file import check_trees

random = np.random.default_rng(0)
X = random.normal(size=(200, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
TREES = [
    DecisionTreeClassifier(random_state=0),
    RandomForestClassifier(3, random_state=0),
    IsolationForest(n_estimators=3, max_features=0.5, random_state=0),
]


@pytest.fixture
def boosting() -> HistGradientBoostingClassifier:
    with threadpool_limits(1):
        return HistGradientBoostingClassifier(max_iter=3).fit(X, Y)


def tree_of(estimator: Any) -> Any:
    return (estimator.estimators_[-1] if hasattr(estimator, "estimators_") else estimator).tree_


@pytest.mark.parametrize("estimator", TREES, ids=lambda each: type(each).__name__)
def test_a_tree_as_it_was_fitted_is_whole(estimator: Any) -> None:
    check_trees(estimator.fit(X, Y))


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**9), ("right_child", -5), ("left_child", 0), ("feature", 4), ("feature", -3)],
)
@pytest.mark.parametrize("estimator", TREES, ids=lambda each: type(each).__name__)
def test_a_tree_that_points_where_nothing_is_is_refused(estimator: Any, field: str, value: int) -> None:
    tree = tree_of(estimator.fit(X, Y))
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    nodes[field][0] = value
    tree.__setstate__(state | {"nodes": nodes})
    with pytest.raises(ValueError, match=r"outside the tree|a feature that does not exist"):
        check_trees(estimator)


def test_boosted_trees_as_they_were_fitted_are_whole(boosting: HistGradientBoostingClassifier) -> None:
    check_trees(boosting)


@pytest.mark.parametrize(
    ("field", "value"), [("left", 10**9), ("right", 0), ("feature_idx", 4), ("feature_idx", -1), ("is_categorical", 1)]
)
def test_a_boosted_tree_that_points_where_nothing_is_is_refused(
    boosting: HistGradientBoostingClassifier, field: str, value: int
) -> None:
    boosting._predictors[1][0].nodes[field][0] = value
    with pytest.raises(ValueError, match=r"outside the tree|does not exist|no column is categorical"):
        check_trees(boosting)
