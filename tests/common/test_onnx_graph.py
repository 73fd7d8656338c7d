"""Graphs that are written node by node, and what onnxruntime computes with them."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from iot_ids.common import onnx_graph
from iot_ids.common.errors import UserError
from iot_ids.common.onnx_graph import Graph, Tree

STUMP = Tree(
    np.array([1, 0, 0]), np.array([0.5, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]), np.array([0, 3.0, 7])
)
LEAF = Tree(np.array([0]), np.array([0.0]), np.array([-1]), np.array([-1]), np.array([4.0]))


def computed(graph: Graph, result: str, x: NDArray[np.float64], kind: type, columns: int) -> NDArray[np.float64]:
    model = graph.model({"x": (np.float64, x.shape[1])}, {"y": (result, kind, columns)}, {})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found: NDArray[np.float64] = session.run(None, {"x": x})[0]
    return found


def test_a_row_goes_left_up_to_the_threshold_and_trees_add_up() -> None:
    graph = Graph()
    sums = graph.leaf_sums("x", [STUMP, LEAF, STUMP], 1)
    x = np.array([[9.0, 0.5], [9.0, np.nextafter(0.5, 1)]])
    assert computed(graph, sums, x, np.float64, 1).tolist() == [[10.0], [18.0]]


def test_each_tree_adds_to_its_own_output() -> None:
    graph = Graph()
    second = Tree(STUMP.feature, STUMP.threshold, STUMP.left, STUMP.right, STUMP.value, output=1)
    sums = graph.leaf_sums("x", [STUMP, second, LEAF], 2)
    assert computed(graph, sums, np.array([[0.0, 0.0]]), np.float64, 2).tolist() == [[7.0, 3.0]]


def test_leaves_are_numbered_in_the_order_of_their_nodes() -> None:
    graph = Graph()
    found = computed(graph, graph.leaves("x", [STUMP, LEAF, STUMP]), np.array([[0.0, 0.0], [0.0, 1.0]]), np.int64, 3)
    assert found[:, [0, 2]].tolist() == [[0, 3], [1, 4]] or found[:, [0, 2]].tolist() == [[0, 4], [1, 5]]


def random_tree(draw: np.random.Generator, features: int, depth: int) -> Tree:
    """Grow a full binary tree with random thresholds; nodes in depth-first order."""
    nodes: list[list[float]] = []

    def grow(left: int) -> int:
        at = len(nodes)
        nodes.append([draw.integers(features), draw.normal(), -1, -1, draw.normal()])
        if left and draw.random() < 0.8:
            nodes[at][2] = grow(left - 1)
            nodes[at][3] = grow(left - 1)
        return at

    grow(depth)
    feature, threshold, low, high, value = np.array(nodes).T
    return Tree(feature.astype(np.int64), threshold, low.astype(np.int64), high.astype(np.int64), value)


def walked(tree: Tree, row: NDArray[np.float64]) -> float:
    at = 0
    while tree.left[at] >= 0:
        at = tree.left[at] if row[tree.feature[at]] <= tree.threshold[at] else tree.right[at]
    return float(tree.value[at])


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_random_forests_give_what_walking_down_them_gives(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    trees = [random_tree(draw, 3, 4) for _ in range(count)]
    x, graph = draw.normal(size=(5, 3)), Graph()
    found = computed(graph, graph.leaf_sums("x", trees, 1), x, np.float64, 1)[:, 0]
    np.testing.assert_allclose(found, [sum(walked(tree, row) for tree in trees) for row in x], rtol=1e-12, atol=1e-12)


def test_equal_constants_are_stored_once_and_the_bytes_are_the_same() -> None:
    def build() -> bytes:
        graph = Graph()
        assert graph.number([1, 2]) == graph.number([1.0, 2.0]) != graph.constant([1, 2], np.int64)
        return bytes(
            graph.model(
                {"x": (np.float64, 2)}, {"y": (graph.node("Add", "x", graph.number([1, 2])), np.float64, 2)}, {"a": "b"}
            ).SerializeToString()
        )

    assert build() == build()


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"export needs onnx and onnxruntime: pip install .*\[export\]"):
        Graph()
