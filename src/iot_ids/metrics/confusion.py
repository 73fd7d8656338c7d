"""The confusion matrix and the F1 scores that are read straight from it."""

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(y: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Count true classes against predicted ones.

    Args:
        y: true class codes, `(rows,)`, each in `0 .. classes - 1`.
        predicted: predicted class codes, `(rows,)`, likewise.
        classes: how many classes there are, whether these rows hold them or not.

    Returns:
        `(classes, classes)`: a row per true class, a column per predicted class. No rows give all zeros.

    Raises:
        ValueError: where the lengths differ or a code is out of range.
    """
    if y.shape != predicted.shape or y.ndim != 1:
        raise ValueError(f"y and predicted must both be (rows,), got shapes {y.shape} and {predicted.shape}.")
    for name, codes in (("y", y), ("predicted", predicted)):
        if codes.size and not 0 <= codes.min() <= codes.max() < classes:
            raise ValueError(f"{name} holds codes {codes.min()} to {codes.max()}, outside 0 to {classes - 1}.")
    cells = y.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def f1_scores(matrix: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.float64]:
    """F1 of every class, 2TP / (2TP + FP + FN), for one matrix or a stack of them.

    Args:
        matrix: `(..., classes, classes)`, true rows, predicted columns.

    Returns:
        `(..., classes)`. NaN for a class that has no rows and was never predicted; 0 for one that has no rows but was
        predicted: every one of those answers was wrong.
    """
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    rows_and_answers = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    present = rows_and_answers > 0
    return np.where(present, 2 * hits / np.where(present, rows_and_answers, 1), np.nan)


def f1_macro(matrix: NDArray[np.integer]) -> float:
    """Mean F1 over the classes that occur, in the truth or in the answers; each class weighs the same.

    This is scikit-learn's `f1_score(average="macro")`, whose classes are the union of both: a class that stands only
    in the answers counts with 0, a class that stands in neither is left out. NaN for a matrix without rows.
    """
    scores = f1_scores(matrix)
    present = ~np.isnan(scores)
    return float(scores[present].mean()) if present.any() else float("nan")
