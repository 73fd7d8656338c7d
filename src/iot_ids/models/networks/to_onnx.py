"""The networks' layers as nodes of an ONNX graph. PyTorch's own exporter would want onnxscript and its tracing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from iot_ids.common.onnx_graph import Graph, NotExportableError
from iot_ids.models.spec import Cell, Sequence

KINDS = {Cell.gru: "GRU", Cell.lstm: "LSTM", Cell.rnn: "RNN"}
WINDOWS = (
    "model.sequence=window reads each flow after its source's last ones, and an exported file sees single flows; "
    "export a run with model.sequence=flow or features"
)
GATES = {Cell.gru: (1, 0, 2), Cell.lstm: (0, 3, 1, 2), Cell.rnn: (0,)}
"""ONNX's order of gates in PyTorch's: update, reset, new; input, output, forget, cell."""


def feed_forward(graph: Graph, x: str, hidden: Any, output: Any) -> str:
    """Add ReLU layers, the output layer and a softmax: float32 `(rows, features)` to `(rows, classes)`."""
    for block in hidden:
        x = graph.node("Relu", _linear(graph, x, block[0]))
    return graph.node("Softmax", _linear(graph, x, output), axis=1)


def recurrent(graph: Graph, x: str, layers: Any, output: Any, cell: Cell, sequence: Sequence) -> str:
    """Add recurrent layers, the output layer and a softmax: float32 `(rows, features)` to `(rows, classes)`.

    Raises:
        NotExportableError: it reads windows, whose flows do not come in one row.
    """
    one_step = cell is Cell.gru and sequence is Sequence.flow and layers.num_layers == 1 and not layers.bidirectional
    x = _one_step(graph, x, layers) if one_step else _recurrent(graph, x, layers, cell, sequence)
    return graph.node("Softmax", _linear(graph, x, output), axis=1)


def _linear(graph: Graph, x: str, layer: Any) -> str:
    weights = graph.constant(_array(layer.weight), np.float32), graph.constant(_array(layer.bias), np.float32)
    return graph.node("Gemm", x, *weights, transB=1)


def _one_step(graph: Graph, x: str, layer: nn.RNNBase) -> str:
    """Add a GRU's first step from a state of zeros, where the recurrent weights do not matter: only their biases do."""
    wide = layer.hidden_size
    weights, bias, recurrent_bias = (
        _array(getattr(layer, f"{name}_l0")) for name in ("weight_ih", "bias_ih", "bias_hh")
    )
    both = bias + np.concatenate([recurrent_bias[: 2 * wide], np.zeros(wide, dtype=np.float32)])
    gates = graph.node("Gemm", x, graph.constant(weights, np.float32), graph.constant(both, np.float32), transB=1)
    reset, update, new = graph.nodes("Split", gates, axis=1, num_outputs=3, outputs=3)
    pulled = graph.node("Mul", graph.node("Sigmoid", reset), graph.constant(recurrent_bias[2 * wide :], np.float32))
    state = graph.node("Tanh", graph.node("Add", new, pulled))
    return graph.node("Mul", graph.node("Sigmoid", graph.node("Neg", update)), state)


def _recurrent(graph: Graph, x: str, layer: nn.RNNBase, cell: Cell, sequence: Sequence) -> str:
    """Add the recurrent layers; return the last one's final state `(rows, hidden)`, twice as wide if bidirectional."""
    steps = _steps(graph, x, sequence)
    directions = 2 if layer.bidirectional else 1
    for at in range(layer.num_layers):
        weights = [graph.constant(each, np.float32) for each in _weights(layer, cell, at, directions)]
        settings: dict[str, Any] = {"linear_before_reset": 1} if cell is Cell.gru else {}  # as PyTorch computes it
        way = "bidirectional" if directions == 2 else "forward"
        outputs = 3 if cell is Cell.lstm else 2
        every, last, *_ = graph.nodes(
            KINDS[cell], steps, *weights, hidden_size=layer.hidden_size, direction=way, outputs=outputs, **settings
        )
        ordered = graph.node("Transpose", every, perm=[0, 2, 1, 3])  # steps, rows, directions, hidden
        shape = graph.constant([0, 0, directions * layer.hidden_size], np.int64)
        steps = graph.node("Reshape", ordered, shape)
    wide = graph.constant([-1, directions * layer.hidden_size], np.int64)
    return graph.node("Reshape", graph.node("Transpose", last, perm=[1, 0, 2]), wide)


def _steps(graph: Graph, x: str, sequence: Sequence) -> str:
    """Turn `(rows, features)` into `(steps, rows, numbers per step)`."""
    if sequence is Sequence.flow:
        return graph.node("Unsqueeze", x, graph.constant([0], np.int64))
    if sequence is Sequence.features:
        return graph.node("Unsqueeze", graph.node("Transpose", x), graph.constant([2], np.int64))
    raise NotExportableError(WINDOWS)


def _weights(layer: nn.RNNBase, cell: Cell, at: int, directions: int) -> list[NDArray[np.float32]]:
    """Return the input weights, recurrent weights and biases of a layer, gates in ONNX's order."""
    found: dict[str, list[NDArray[np.float32]]] = {"weight_ih": [], "weight_hh": [], "bias": []}
    for suffix in ("", "_reverse")[:directions]:
        parts = {
            name: _gates(_array(getattr(layer, f"{name}_l{at}{suffix}")), cell)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        found["weight_ih"].append(parts["weight_ih"])
        found["weight_hh"].append(parts["weight_hh"])
        found["bias"].append(np.concatenate([parts["bias_ih"], parts["bias_hh"]]))
    return [np.stack(each) for each in found.values()]


def _gates(array: NDArray[np.float32], cell: Cell) -> NDArray[np.float32]:
    parts = np.split(array, len(GATES[cell]))
    return np.concatenate([parts[gate] for gate in GATES[cell]])


def _array(weights: Tensor) -> NDArray[np.float32]:
    return weights.detach().cpu().numpy()
