"""Check the trees of a saved model: scikit-learn follows their indices even outside its own memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree._tree import Tree

from iot_ids.common.typed_json import require

Nodes = NDArray[np.void]


def check_trees(estimator: Any) -> None:
    """Raise a ValueError if a tree in `estimator` refers to children or features that do not exist."""
    for tree, features in _trees(estimator, np.iinfo(np.int64).max):
        if isinstance(tree, Tree):
            nodes = tree.__getstate__()["nodes"]
            inner = nodes["left_child"] != -1
            _check(nodes, inner, "left_child", "right_child", "feature", min(features, tree.n_features))
        else:
            nodes = tree.nodes
            require(not nodes["is_categorical"].any(), "a tree splits on categories, but no column is categorical")
            _check(nodes, nodes["is_leaf"] == 0, "left", "right", "feature_idx", features)


def _check(nodes: Nodes, inner: NDArray[np.bool_], left: str, right: str, feature: str, features: int) -> None:
    """Check that children come after their parents, so that every path ends in a leaf."""
    require(len(nodes), "a tree is empty")
    at = np.flatnonzero(inner)
    for side in (left, right):
        child = nodes[side][at].astype(np.int64)
        require(((child > at) & (child < len(nodes))).all(), "a tree's node points outside the tree")
    asked = nodes[feature][at]
    require(((asked >= 0) & (asked < features)).all(), "a tree splits on a feature that does not exist")


def _trees(part: Any, features: int) -> Iterator[tuple[Any, int]]:
    """Yield each tree in `part`, with the number of features according to the objects that contain it."""
    if isinstance(part, Tree | TreePredictor):
        yield part, features
        return
    if isinstance(part, np.ndarray):
        inside = list(part.flat) if part.dtype == object else []
    elif isinstance(part, dict):
        inside = list(part.values())
    elif isinstance(part, list | tuple):
        inside = list(part)
    else:
        inside = list(getattr(part, "__dict__", {}).values())
        features = min(features, getattr(part, "n_features_in_", features))
    for each in inside:
        yield from _trees(each, features)
