"""The metrics of runs and comparisons, computed from confusion matrices.

Empty classes are handled the same way everywhere: a class with neither test rows nor predictions is left out of every
average, and its own metrics are omitted. A class without test rows that was predicted counts as F1 = 0 in the macro
average and has a precision of 0, but no recall. A class with test rows that was never predicted has a precision of 0.
This is what scikit-learn does over the union of true and predicted labels.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.metrics.confusion import f1_macro, f1_scores
from iot_ids.metrics.intervals import bootstrap_f1_macro, wilson

COMMON_ROWS = 30
"""Classes with at least this many test rows count as common: with fewer, one row moves recall by more than 3 points."""
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


def per_class(matrix: NDArray[np.int64], classes: Sequence[str]) -> pl.DataFrame:
    """Compute precision, recall with its 95 % Wilson interval, and F1 of every class.

    Args:
        matrix: `(classes, classes)`, true rows, predicted columns.
        classes: their names, in the matrix's order.

    Returns:
        One row per class: class, rows, predicted_rows, precision, recall, recall_low, recall_high, f1. Undefined
        values are null: recall and its interval without test rows, precision and F1 without rows and predictions.

    Raises:
        ValueError: the numbers of classes and names differ.
    """
    _check_shape(matrix, classes)
    hits, rows, predicted = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    ends = [wilson(int(hit), int(total)) for hit, total in zip(hits, rows, strict=True)]
    # With rows but no predictions, precision is 0/0: counted as 0 by the convention above.
    table = pl.DataFrame(
        {
            "class": pl.Series(list(classes), dtype=pl.String),
            "rows": rows,
            "predicted_rows": predicted,
            "precision": _ratio(hits, np.where(rows > 0, np.maximum(predicted, 1), predicted)),
            "recall": _ratio(hits, rows),
            "recall_low": np.array([low for low, _ in ends]),
            "recall_high": np.array([high for _, high in ends]),
            "f1": f1_scores(matrix),
        }
    )
    return table.fill_nan(None)


def summarise(
    matrix: NDArray[np.int64], classes: Sequence[str], normal: str | None, seed: int, replicates: int = 2000
) -> dict[str, float]:
    """Compute the test metrics of a run under their public names (`test/accuracy`, `test/f1_macro`, ...).

    `test/detection_rate` is the share of attacks called any attack, `test/false_positive_rate` the share of normal
    flows called any attack. `test/majority_accuracy` is the accuracy of the best constant answer on these test rows,
    the share of their largest class. It is a stricter baseline than the largest class of the train rows, since it knows
    the test labels. A model that does not beat it has learned nothing.

    Undefined metrics (see above on empty classes; `test/f1_macro_common` if no class has 30 rows; the two rates without
    attacks or normal rows) are left out, never NaN or a made-up zero.

    Args:
        matrix: `(classes, classes)`, true rows, predicted columns.
        classes: their names, in the matrix's order; `metric_names` makes them valid for MLflow.
        normal: the normal class; None leaves the two rates out.
        seed: of the bootstrap behind `test/f1_macro_low` and `test/f1_macro_high`.
        replicates: of that bootstrap.

    Raises:
        ValueError: there are no rows, the names do not fit the matrix, or `normal` is not one of them.
    """
    _check_shape(matrix, classes)
    if not matrix.any():
        raise ValueError("There are no test rows to summarise.")
    if normal is not None and normal not in classes:
        raise ValueError(f"The normal class {normal!r} is none of the classes {list(classes)}.")
    found = _overall(matrix, seed, replicates) | _by_class(matrix, classes)
    if normal is not None:
        rates = _rates(matrix.astype(np.float64), list(classes).index(normal))
        found |= {name: float(rate) for name, rate in rates.items()}
    return {f"test/{name}": value for name, value in found.items() if not np.isnan(value)}


def measures(
    matrices: NDArray[np.float64] | NDArray[np.int64], classes: list[str], normal: str | None
) -> dict[str, NDArray[np.float64]]:
    """Compute every measure of every matrix; NaN where undefined.

    Args:
        matrices: `(..., classes, classes)`, true rows, predicted columns.
        classes: their names.
        normal: the normal class; None leaves the two rates out.

    Returns:
        Arrays `(...)` under the names of `OVERALL`, of `RATES`, and `recall/<class>`.
    """
    counts = np.asarray(matrices, dtype=np.float64)
    rows, hits, f1 = counts.sum(axis=-1), np.diagonal(counts, axis1=-2, axis2=-1), f1_scores(counts)
    found = _ratio(hits, rows)
    result = {
        "accuracy": _ratio(hits.sum(axis=-1), rows.sum(axis=-1)),
        "balanced_accuracy": _mean(found, rows > 0),
        "f1_macro": _mean(f1, ~np.isnan(f1)),
        "f1_macro_common": _mean(f1, rows >= COMMON_ROWS),
        "mcc": _matthews(counts),
    }
    if normal is not None:
        result |= _rates(counts, classes.index(normal))
    return result | {recall(name): found[..., code] for code, name in enumerate(classes)}


def recall(name: str) -> str:
    """Return the name of a class's recall among the measures."""
    return f"recall/{name}"


def metric_names(classes: Sequence[str]) -> list[str]:
    """Make class names valid in MLflow metric names, keeping them distinct.

    Letters, digits, underscores, dashes, periods and spaces are kept; anything else becomes an underscore, also the
    slash, which MLflow allows but shows as a level of its own. Names that collide get more underscores.
    """
    names: list[str] = []
    for name in classes:
        safe = re.sub(r"[^\w.\- ]", "_", name)
        if not safe.strip("."):  # "", "." and ".." are steps of a path, not names
            safe = f"_{safe}"
        while safe in names:
            safe += "_"
        names.append(safe)
    return names


def _overall(matrix: NDArray[np.int64], seed: int, replicates: int) -> dict[str, float]:
    rows, total = matrix.sum(axis=1), matrix.sum()
    recall, f1 = _ratio(np.diagonal(matrix), rows), f1_scores(matrix)
    low, high = bootstrap_f1_macro(matrix, seed, replicates)
    present, common = rows > 0, rows >= COMMON_ROWS
    return {
        "accuracy": float(np.trace(matrix) / total),
        "balanced_accuracy": float(recall[present].mean()),
        "f1_macro": f1_macro(matrix),
        "f1_macro_low": low,
        "f1_macro_high": high,
        "f1_macro_common": float(f1[common].mean()) if common.any() else float("nan"),
        "f1_weighted": float(f1[present] @ rows[present] / total),
        "mcc": float(_matthews(matrix.astype(np.float64))),
        "majority_accuracy": float(rows.max() / total),
    }


def _by_class(matrix: NDArray[np.int64], classes: Sequence[str]) -> dict[str, float]:
    table = per_class(matrix, classes).fill_null(float("nan"))
    return {
        f"{measure}/{name}": value
        for measure in ("precision", "recall", "f1")
        for name, value in zip(metric_names(classes), table[measure], strict=True)
    }


def _matthews(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matthews' correlation for many classes (Gorodkin 2004); 0 if only one class is true, or only one predicted."""
    rows, predicted, total = counts.sum(axis=-1), counts.sum(axis=-2), counts.sum(axis=(-1, -2))
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    spread = (total**2 - (rows**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    shared = hits.sum(axis=-1) * total - (rows * predicted).sum(axis=-1)
    return np.where(spread > 0, shared / np.sqrt(np.where(spread > 0, spread, 1)), 0.0)


def _rates(counts: NDArray[np.float64], normal: int) -> dict[str, NDArray[np.float64]]:
    """Share of attacks called any attack, and of normal flows called any attack; NaN without such rows."""
    normal_rows, right = counts[..., normal, :].sum(axis=-1), counts[..., normal, normal]
    attacks = counts.sum(axis=(-1, -2)) - normal_rows
    missed = counts[..., :, normal].sum(axis=-1) - right
    return {
        "detection_rate": _ratio(attacks - missed, attacks),
        "false_positive_rate": _ratio(normal_rows - right, normal_rows),
    }


def _mean(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean of the marked values over the last axis; NaN if none are marked."""
    count = where.sum(axis=-1)
    return np.where(count > 0, np.where(where, values, 0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Divide; NaN where the whole is 0."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def _check_shape(matrix: NDArray[np.int64], classes: Sequence[str]) -> None:
    if matrix.shape != (len(classes), len(classes)):
        raise ValueError(f"A matrix of shape {matrix.shape} does not fit {len(classes)} classes: {list(classes)}.")
