"""The whole detector as one ONNX model: raw columns in, probabilities, attack score and alarm out."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from iot_ids.common.onnx_graph import Graph, NotExportableError
from iot_ids.features import onnx_encode
from iot_ids.features.onnx_encode import NUMBERS, TEXTS
from iot_ids.metrics.calibration import FLOOR, LEAK, SMALLEST
from iot_ids.serving.detector import Detector

if TYPE_CHECKING:
    import onnx

PROBABILITIES, ANSWER, SCORE, ALARM = "probabilities", "answer", "attack_score", "alarm"
"""The outputs: float32 `(rows, classes)`, int64 `(rows,)`, float64 `(rows,)` and bool `(rows,)`; the last two only
where one class is normal, and where a threshold was set."""


def build(detector: Detector, metadata: Mapping[str, str]) -> "onnx.ModelProto":
    """Build the model, with `metadata` in its `metadata_props`; the same detector gives the same bytes.

    A row with a number that is missing or not finite gets NaN probabilities and score, no alarm, and an answer without
    meaning.

    Raises:
        NotExportableError: the model or the scaler cannot be represented; the message says why.
        UserError: the extra `export` is not installed.
    """
    encoder = detector.pipeline.encoder
    graph = Graph()
    encoded = onnx_encode.encode(graph, encoder, detector.columns.identifiers, detector.missing)
    scaled = _part(detector.pipeline.scaler, "scaler", graph, encoded)
    damage = _damage(graph, encoded, scaled)
    raw = _part(detector.model, "model", graph, scaled)
    logits = _logits(graph, raw, detector)
    probabilities = raw if logits is None else graph.cast(graph.node("Softmax", logits, axis=1), np.float32)
    best = logits if logits is not None and detector.shift else raw
    outputs: dict[str, tuple[str, Any, int | None]] = {
        PROBABILITIES: (
            graph.node("Add", probabilities, graph.cast(damage, np.float32)),
            np.float32,
            len(detector.classes),
        ),
        ANSWER: (graph.node("ArgMax", best, axis=1, keepdims=0), np.int64, None),
    }
    if detector.normal is not None:
        score = graph.node("Add", _attack_score(graph, probabilities, detector.normal, len(detector.classes)), damage)
        flat = graph.node("Squeeze", score, graph.constant([1], np.int64))
        outputs[SCORE] = flat, np.float64, None
        if detector.alarm_limit is not None:
            outputs[ALARM] = graph.node("Greater", flat, graph.number(detector.alarm_limit)), np.bool_, None
    inputs = {NUMBERS: (np.float64, len(encoder.numbers)), TEXTS: (np.str_, len(encoder.texts))}
    return graph.model({name: each for name, each in inputs.items() if each[1]}, outputs, metadata)


def _part(part: Any, group: str, graph: Graph, x: str) -> str:
    """Let the model or the scaler add itself to the graph."""
    if not hasattr(part, "to_onnx"):
        raise NotExportableError(
            f"the {group} is of class {type(part).__name__}, which has no method to_onnx; write one (docs/extending.md)"
        )
    return str(part.to_onnx(graph, x))


def _damage(graph: Graph, encoded: str, scaled: str) -> str:
    """Add what makes a whole row NaN if any of its values is not finite, and else adds nothing: float64 `(rows, 1)`."""
    zeros = [graph.node("Mul", each, graph.constant(0, np.float32)) for each in (encoded, scaled)]
    sums = graph.node("ReduceSum", graph.node("Add", *zeros), graph.constant([1], np.int64), keepdims=1)
    return graph.cast(sums, np.float64)


def _logits(graph: Graph, probabilities: str, detector: Detector) -> str | None:
    """Add `metrics.calibration.calibrate` up to its softmax; None if it changes nothing."""
    if detector.temperature == 1 and not detector.shift:
        return None
    exact = graph.cast(probabilities, np.float64)
    clipped = graph.node("Clip", exact, graph.number(SMALLEST), graph.number(FLOOR))
    below = graph.node("Mul", graph.node("Log", graph.node("Div", clipped, graph.number(FLOOR))), graph.number(LEAK))
    logits = graph.node("Add", graph.node("Log", graph.node("Add", exact, graph.number(FLOOR))), below)
    logits = graph.node("Div", logits, graph.number(detector.temperature))
    return graph.node("Add", logits, graph.number([0, detector.shift])) if detector.shift else logits


def _attack_score(graph: Graph, probabilities: str, normal: int, classes: int) -> str:
    """Add the log-odds of an attack, float64 `(rows, 1)`: `metrics.operating_point.attack_scores`."""
    exact = graph.cast(probabilities, np.float64)
    attacks = graph.columns(exact, [code for code in range(classes) if code != normal])
    both = graph.node("ReduceSum", attacks, graph.constant([1], np.int64), keepdims=1), graph.columns(exact, [normal])
    smallest = graph.number(SMALLEST)
    of_attack, of_normal = (graph.node("Log", graph.node("Max", each, smallest)) for each in both)
    return graph.node("Sub", of_attack, of_normal)


def described(values: Mapping[str, object]) -> dict[str, str]:
    """Write each value as JSON, as `metadata_props` holds text only."""
    return {name: json.dumps(value, sort_keys=True) for name, value in values.items()}
