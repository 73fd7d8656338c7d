"""scikit-learn's estimators as nodes of an ONNX graph, computed in float64 as scikit-learn does."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from iot_ids.common.onnx_graph import Graph, NotExportableError, Tree

MOST_LEAVES = 1_000_000
"""Of all trees of a forest together: some 100 MB of file, and a hundred times a gateway's memory for a GRU."""


def probabilities(graph: Graph, x: str, estimator: Any) -> str:
    """Add an estimator's `predict_proba`: float32 `(rows, features)` to float32 `(rows, classes)`.

    Raises:
        NotExportableError: there is no converter for its class, or it is too large.
    """
    for kind, convert in CONVERTERS.items():
        if isinstance(estimator, kind):
            return graph.cast(convert(graph, graph.cast(x, np.float64), estimator), np.float32)
    raise _no_converter(estimator)


def _no_converter(estimator: Any) -> NotExportableError:
    return NotExportableError(
        f"{type(estimator).__name__} has no ONNX converter; a class of your own can bring one (to_onnx in "
        "docs/extending.md)"
    )


def linear(graph: Graph, x: str, estimator: LinearSVC) -> str:
    """Add decision values of a linear model: float64 `(rows, classes)`, for two classes 0 and the second's value."""
    if not isinstance(estimator, LinearSVC):
        raise _no_converter(estimator)
    weights, bias = estimator.coef_.T, estimator.intercept_
    if len(bias) == 1:
        weights, bias = np.column_stack([np.zeros_like(weights), weights]), np.append(0, bias)
    product = graph.node("MatMul", x, graph.number(weights))
    return graph.node("Add", product, graph.number(bias))


def vote(graph: Graph, x: str, rows: NDArray[np.float32], y: NDArray[np.int64], k: int) -> str:
    """Add the class shares of the `k` nearest of `rows`, float32 `(flows, classes)`."""
    exact, x = rows.astype(np.float64), graph.cast(x, np.float64)
    squares = graph.node("ReduceSum", graph.node("Mul", x, x), graph.constant([1], np.int64), keepdims=1)
    product = graph.node("MatMul", x, graph.number(-2 * exact.T))
    lengths = graph.number((exact**2).sum(axis=1))
    distances = graph.node("Add", graph.node("Add", product, squares), lengths)
    _, nearest = graph.nodes("TopK", distances, graph.constant([k], np.int64), axis=1, largest=0, outputs=2)
    votes = graph.node("Gather", graph.constant(np.eye(int(y.max()) + 1)[y], np.float32), nearest)
    return graph.node("ReduceMean", votes, graph.constant([1], np.int64), keepdims=0)


def isolation_scores(graph: Graph, x: str, forest: IsolationForest) -> str:
    """Add the anomaly score of Liu et al. 2008, float64 `(rows, 1)`: 1 is the most anomalous."""
    trees = []
    for tree, path, average in zip(
        forest.estimators_, forest._decision_path_lengths, forest._average_path_length_per_tree, strict=True
    ):
        trees.append(_tree(tree.tree_, path + average - 1.0))
    depths = graph.leaf_sums(graph.cast(x, np.float64), trees, 1)
    most = len(trees) * _average_path_length(forest._max_samples)
    if not most:
        return graph.node("Add", graph.node("Mul", depths, graph.number(0)), graph.number(0.5))
    return graph.node("Pow", graph.number(2), graph.node("Div", depths, graph.number(-most)))


def _forest(graph: Graph, x: str, forest: RandomForestClassifier) -> str:
    return _mean_of_leaves(graph, x, [each.tree_ for each in forest.estimators_])


def _decision_tree(graph: Graph, x: str, tree: DecisionTreeClassifier) -> str:
    return _mean_of_leaves(graph, x, [tree.tree_])


def _mean_of_leaves(graph: Graph, x: str, trees: list[Any]) -> str:
    """Add the mean over trees of their leaves' class shares."""
    if (leaves := sum(int(tree.n_leaves) for tree in trees)) > MOST_LEAVES:
        raise NotExportableError(
            f"the trees have {leaves:,} leaves, and more than {MOST_LEAVES:,} make a file of 100 MB that needs a "
            "gigabyte of memory; train with model.max_depth, model.min_samples_leaf, or fewer model.n_estimators"
        )
    shares = np.concatenate([_shares(tree)[tree.children_left < 0] for tree in trees])
    places = graph.leaves(x, [_tree(tree, np.zeros(tree.node_count)) for tree in trees])
    found = graph.node("Gather", graph.number(shares), places)  # rows, trees, classes
    return graph.node("ReduceMean", found, graph.constant([1], np.int64), keepdims=0)


def _shares(tree: Any) -> NDArray[np.float64]:
    values = tree.value[:, 0]
    shares: NDArray[np.float64] = values / values.sum(axis=1, keepdims=True)
    return shares


def _tree(tree: Any, value: NDArray[np.float64]) -> Tree:
    return Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, value)


def _boosting(graph: Graph, x: str, boosting: HistGradientBoostingClassifier) -> str:
    """Add gradient boosting's sums and their logistic function, or softmax for more than two classes."""
    rounds = boosting._predictors
    trees = [_histogram_tree(each.nodes, output) for trees in rounds for output, each in enumerate(trees)]
    base = np.ravel(boosting._baseline_prediction)
    sums = (
        graph.leaf_sums(x, trees, len(base))
        if trees
        else graph.node("MatMul", x, graph.number(np.zeros((boosting.n_features_in_, len(base)))))
    )
    raw = graph.node("Add", sums, graph.number(base))
    if len(base) > 1:
        return graph.node("Softmax", raw, axis=1)
    return second_of_two(graph, graph.node("Sigmoid", raw))


def second_of_two(graph: Graph, share: str) -> str:
    """Add the first of two classes' probability to that of the second, float64 `(rows, 1)`: `(rows, 2)`."""
    return graph.node("Concat", graph.node("Sub", graph.number(1), share), share, axis=1)


def _histogram_tree(nodes: Any, output: int) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    return Tree(nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"], output)


def _naive_bayes(graph: Graph, x: str, bayes: GaussianNB) -> str:
    """Add the logarithms of each class's prior and normal densities, in scikit-learn's own precision, and a softmax.

    The softmax is written out: of a row whose every density is 0, as squares of huge numbers overflow, it is NaN here
    as in scikit-learn.
    """
    kind = bayes.theta_.dtype.type
    row = graph.node("Unsqueeze", graph.cast(x, kind), graph.constant([1], np.int64))  # rows, 1, features
    apart = graph.node("Sub", row, graph.constant(bayes.theta_[None], kind))
    squares = graph.node("Div", graph.node("Mul", apart, apart), graph.constant(bayes.var_[None], kind))
    sums = graph.node("ReduceSum", squares, graph.constant([2], np.int64), keepdims=0)
    constant = np.log(bayes.class_prior_) - 0.5 * np.log(2 * np.pi * bayes.var_).sum(axis=1)
    joint = graph.node("Sub", graph.constant(constant, kind), graph.node("Mul", sums, graph.constant(0.5, kind)))
    most = graph.node("ReduceMax", joint, graph.constant([1], np.int64), keepdims=1)
    shares = graph.node("Exp", graph.node("Sub", joint, most))
    return graph.node("Div", shares, graph.node("ReduceSum", shares, graph.constant([1], np.int64), keepdims=1))


def _majority(graph: Graph, x: str, dummy: DummyClassifier) -> str:
    """Add the classes' shares, the same for every row."""
    if dummy.strategy != "prior":
        raise NotExportableError(f"model.strategy={dummy.strategy} draws its answers; prior is exported")
    zeros = graph.node("MatMul", x, graph.number(np.zeros((dummy.n_features_in_, len(dummy.class_prior_)))))
    return graph.node("Add", zeros, graph.number(dummy.class_prior_))


def _average_path_length(rows: int) -> float:
    """Return the mean depth of an unsuccessful search in a tree of so many rows (Liu et al. 2008, equation 1)."""
    if rows < 3:
        return float(rows == 2)
    return float(2 * (np.log(rows - 1) + np.euler_gamma) - 2 * (rows - 1) / rows)


CONVERTERS: dict[type, Callable[[Graph, str, Any], str]] = {
    DecisionTreeClassifier: _decision_tree,
    DummyClassifier: _majority,
    GaussianNB: _naive_bayes,
    HistGradientBoostingClassifier: _boosting,
    RandomForestClassifier: _forest,
}
