"""Build an ONNX graph node by node: what models and scalers write themselves into (extra `export`).

Only onnx is imported, and only here: a class adds its nodes to the graph that it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iot_ids.common.errors import UserError

if TYPE_CHECKING:
    import onnx

OPSET, OPSET_ML, IR_VERSION = 21, 5, 10
"""Pinned, so that the same detector gives the same bytes; read by onnxruntime from 1.20 on."""


class NotExportableError(UserError):
    """A model or scaler that ONNX cannot represent faithfully; the message says why and what to use instead."""


def require_onnx() -> None:
    """Raise a UserError unless the extra `export` is installed."""
    if missing := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise UserError(f"export needs {' and '.join(missing)}: pip install -c constraints.txt -e '.[export]'")


@dataclass(frozen=True)
class Tree:
    """One decision tree in arrays `(nodes,)`: a row goes left at a node if `x[feature] <= threshold`.

    `left` and `right` are children, -1 at leaves; `value` counts at leaves only, and is added to output `output`.
    """

    feature: NDArray[np.integer]
    threshold: NDArray[np.float64]
    left: NDArray[np.integer]
    right: NDArray[np.integer]
    value: NDArray[np.float64]
    output: int = 0


class Graph:
    """Nodes and constants of a graph in the making. Names of tensors are handed out by `node` and `constant`."""

    def __init__(self) -> None:
        require_onnx()
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._arrays: dict[str, NDArray[Any]] = {}

    def constant(self, value: object, kind: object) -> str:
        """Return the name of a constant array of the NumPy type `kind`; equal ones are stored once."""
        array = np.asarray(value, dtype=kind)  # type: ignore[call-overload]
        key = (str(array.dtype), array.shape, array.tobytes())
        name = self._constants.setdefault(key, f"c{len(self._constants)}")
        self._arrays[name] = array
        return name

    def number(self, value: object) -> str:
        """Return the name of a float64 constant."""
        return self.constant(value, np.float64)

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        return self.nodes(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def nodes(self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with several outputs; return their names."""
        from onnx import helper

        names = [f"n{len(self._nodes)}_{at}" for at in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def cast(self, x: str, kind: type[np.generic]) -> str:
        """Cast to a NumPy type."""
        from onnx import helper

        return self.node("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def columns(self, x: str, places: Sequence[int]) -> str:
        """Return these columns of `(rows, columns)`."""
        return self.node("Gather", x, self.constant(places, np.int64), axis=1)

    def leaf_sums(self, x: str, trees: Sequence[Tree], outputs: int) -> str:
        """Sum the values of the leaves that each row of `x` reaches, float64 `(rows, features)`: `(rows, outputs)`.

        Everything is float64, as in scikit-learn: float32 thresholds or sums would move rows across ties.
        """
        parts = [_attributes(tree) for tree in trees]
        return self.node("TreeEnsemble", x, domain="ai.onnx.ml", n_targets=outputs, **_joined(parts))

    def leaves(self, x: str, trees: Sequence[Tree]) -> str:
        """Find the leaf of each tree that a row reaches: int64 `(rows, trees)`.

        Leaves are numbered from 0 through all trees, in the order of their nodes: a table of all leaves' values is
        `concatenate([values[tree.left < 0] for tree, values in ...])`.
        """
        before, numbered = 0, list[Tree]()
        for at, tree in enumerate(trees):
            leaf = tree.left < 0
            numbered.append(replace(tree, value=(before + np.cumsum(leaf) - 1).astype(np.float64), output=at))
            before += int(leaf.sum())
        return self.cast(self.leaf_sums(x, numbered, len(trees)), np.int64)

    def model(
        self,
        inputs: Mapping[str, tuple[type[np.generic], int]],
        outputs: Mapping[str, tuple[str, Any, int | None]],
        metadata: Mapping[str, str],
    ) -> "onnx.ModelProto":
        """Build and check the model.

        Args:
            inputs: name -> type and number of columns, for tensors `(rows, columns)`.
            outputs: name -> tensor, its type, its number of columns; None for `(rows,)`.
            metadata: for `metadata_props`.
        """
        import onnx
        from onnx import helper

        entries = [
            helper.make_tensor_value_info(name, _kind_of(of), ["rows", wide]) for name, (of, wide) in inputs.items()
        ]
        results = []
        for name, (tensor, of, count) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [tensor], [name]))
            shape: list[str | int | None] = ["rows"] if count is None else ["rows", count]
            results.append(helper.make_tensor_value_info(name, _kind_of(of), shape))
        constants = [onnx.numpy_helper.from_array(array, name) for name, array in self._arrays.items()]
        graph = helper.make_graph(self._nodes, "detector", entries, results, constants)
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
        made = helper.make_model(graph, opset_imports=sets, ir_version=IR_VERSION, producer_name="iot-ids")
        helper.set_model_props(made, dict(metadata))
        onnx.checker.check_model(made, full_check=True)
        return made


def _kind_of(kind: type[np.generic]) -> int:
    from onnx import TensorProto, helper

    text = issubclass(kind, np.str_)
    return int(TensorProto.STRING) if text else helper.np_dtype_to_tensor_dtype(np.dtype(kind))


def _tensor(array: NDArray[Any]) -> "onnx.TensorProto":
    from onnx import numpy_helper

    return numpy_helper.from_array(array)


def _joined(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
    """Concatenate the attributes of several trees, whose inner nodes and leaves are numbered apart."""
    nodes = leaves = 0
    shifted: list[dict[str, NDArray[Any]]] = []
    for part in parts:
        moved = {"tree_roots": part["tree_roots"] + nodes}
        for side in ("true", "false"):
            before = np.where(part[f"nodes_{side}leafs"], leaves, nodes)
            moved[f"nodes_{side}nodeids"] = part[f"nodes_{side}nodeids"] + before
        shifted.append({**part, **moved})
        nodes, leaves = nodes + len(part["nodes_featureids"]), leaves + len(part["leaf_weights"])
    joined = {name: np.concatenate([part[name] for part in shifted]) for name in parts[0]}
    return {name: each.tolist() if each.dtype == np.int64 else _tensor(each) for name, each in joined.items()}


def _attributes(tree: Tree) -> dict[str, NDArray[Any]]:
    """Return one tree as the operator's attributes; a tree of one leaf gets a node, since the operator wants one."""
    if len(tree.left) == 1:
        two, leaf = np.array([-1, -1]), np.repeat(tree.value, 2)
        tree = Tree(
            np.zeros(3, int), np.zeros(3), np.array([1, *two]), np.array([2, *two]), np.array([0.0, *leaf]), tree.output
        )
    inner = tree.left >= 0
    place = np.where(inner, np.cumsum(inner), np.cumsum(~inner)) - 1
    children = {"true": tree.left[inner], "false": tree.right[inner]}
    return {
        "nodes_featureids": tree.feature[inner].astype(np.int64),
        "nodes_splits": tree.threshold[inner].astype(np.float64),
        "nodes_modes": np.zeros(int(inner.sum()), dtype=np.uint8),  # x <= split
        **{f"nodes_{side}nodeids": place[child].astype(np.int64) for side, child in children.items()},
        **{f"nodes_{side}leafs": (~inner[child]).astype(np.int64) for side, child in children.items()},
        "leaf_targetids": np.full(int((~inner).sum()), tree.output, dtype=np.int64),
        "leaf_weights": tree.value[~inner].astype(np.float64),
        "tree_roots": np.zeros(1, dtype=np.int64),
    }
