"""The confusion matrix, and the F1 scores computed from it."""

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(y: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Count true classes against predicted ones.

    Args:
        y: true class codes, `(rows,)`, each in `0 .. classes - 1`.
        predicted: predicted class codes, `(rows,)`, likewise.
        classes: the number of classes, whether or not they occur in these rows.

    Returns:
        `(classes, classes)`: a row per true class, a column per predicted class; all zeros without rows.

    Raises:
        ValueError: the lengths differ, or a code is out of range.
    """
    if y.shape != predicted.shape or y.ndim != 1:
        raise ValueError(f"y and predicted must both be (rows,), got shapes {y.shape} and {predicted.shape}.")
    for name, codes in (("y", y), ("predicted", predicted)):
        if codes.size and not 0 <= codes.min() <= codes.max() < classes:
            raise ValueError(f"{name} holds codes {codes.min()} to {codes.max()}, outside 0 to {classes - 1}.")
    cells = y.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def f1_scores(matrix: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Compute F1 of every class, 2TP / (2TP + FP + FN), for one matrix or a stack of them.

    Args:
        matrix: `(..., classes, classes)`, true rows, predicted columns.

    Returns:
        `(..., classes)`. NaN for a class without rows that was never predicted; 0 for one without rows that was
        predicted: every such prediction is wrong.
    """
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    rows_and_predictions = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    present = rows_and_predictions > 0
    return np.where(present, 2 * hits / np.where(present, rows_and_predictions, 1), np.nan)


def f1_macro(matrix: NDArray[np.integer]) -> float:
    """Average F1 over the classes that occur among true or predicted labels, each with the same weight.

    This is scikit-learn's `f1_score(average="macro")`: a class that is only predicted counts as 0, one that occurs in
    neither is left out. NaN for a matrix without rows.
    """
    scores = f1_scores(matrix)
    present = ~np.isnan(scores)
    return float(scores[present].mean()) if present.any() else float("nan")
