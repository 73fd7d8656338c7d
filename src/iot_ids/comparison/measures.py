"""The measures of the table, read from whole stacks of confusion matrices at once: what a bootstrap needs.

For a single matrix they equal `evaluate.metrics.summarise`, which the runs have kept.
"""

import numpy as np
from numpy.typing import NDArray

from iot_ids.evaluate.confusion import f1_scores
from iot_ids.evaluate.metrics import COMMON_ROWS

OVERALL = ("accuracy", "balanced_accuracy", "f1_macro", "f1_macro_common", "mcc")
RATES = ("detection_rate", "false_positive_rate")
TITLES = {
    "f1_macro": "macro-F1",
    "f1_macro_common": f"macro-F1, classes with at least {COMMON_ROWS} test rows",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
    "detection_rate": "detection rate",
    "false_positive_rate": "false-positive rate",
}


def recall(name: str) -> str:
    """The name of a class's recall among the measures."""
    return f"recall/{name}"


def measures(
    matrices: NDArray[np.float64] | NDArray[np.int64], classes: list[str], normal: str | None
) -> dict[str, NDArray[np.float64]]:
    """Every measure of every matrix; NaN where it does not exist.

    Args:
        matrices: `(..., classes, classes)`, true rows, predicted columns.
        classes: their names.
        normal: the class that is no attack; None leaves the two rates out.

    Returns:
        Arrays `(...)`: the names of `OVERALL`, of `RATES`, and `recall/<class>`.
    """
    counts = np.asarray(matrices, dtype=np.float64)
    rows, answers, total = counts.sum(axis=-1), counts.sum(axis=-2), counts.sum(axis=(-1, -2))
    hits, f1 = np.diagonal(counts, axis1=-2, axis2=-1), f1_scores(counts)
    found = _ratio(hits, rows)
    spread = (total**2 - (rows**2).sum(axis=-1)) * (total**2 - (answers**2).sum(axis=-1))
    shared = hits.sum(axis=-1) * total - (rows * answers).sum(axis=-1)
    result = {
        "accuracy": _ratio(hits.sum(axis=-1), total),
        "balanced_accuracy": _mean(found, rows > 0),
        "f1_macro": _mean(f1, ~np.isnan(f1)),
        "f1_macro_common": _mean(f1, rows >= COMMON_ROWS),
        "mcc": np.where(spread > 0, shared / np.sqrt(np.where(spread > 0, spread, 1)), 0.0),
    }
    if normal is not None:
        result |= _rates(counts, classes.index(normal))
    return result | {recall(name): found[..., code] for code, name in enumerate(classes)}


def _rates(counts: NDArray[np.float64], normal: int) -> dict[str, NDArray[np.float64]]:
    """Attacks called any attack, and normal flows called any attack."""
    normal_rows, right = counts[..., normal, :].sum(axis=-1), counts[..., normal, normal]
    attacks = counts.sum(axis=(-1, -2)) - normal_rows
    missed = counts[..., :, normal].sum(axis=-1) - right
    return {
        "detection_rate": _ratio(attacks - missed, attacks),
        "false_positive_rate": _ratio(normal_rows - right, normal_rows),
    }


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def _mean(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the last axis of the marked values; NaN where none is."""
    count = where.sum(axis=-1)
    return np.where(count > 0, np.where(where, values, 0).sum(axis=-1) / np.maximum(count, 1), np.nan)
