"""Evaluate a detector on attacks that it has never seen."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.metrics.intervals import wilson


def count_predictions(
    kinds: pl.Series,
    probabilities: NDArray[np.floating],
    scores: NDArray[np.float64],
    threshold: float,
    classes: Sequence[str],
    normal: str,
) -> pl.DataFrame:
    """Count what unseen attacks were predicted as: normal up to the threshold, above it the most probable attack.

    Args:
        kinds: the attack that each row is, `(rows,)`.
        probabilities: of the detector's classes, `(rows, classes)`.
        scores: the attack score of each row, `(rows,)`.
        threshold: rows that score strictly above it are called attacks.
        classes: the detector's.
        normal: the normal class among them.

    Returns:
        attack, taken_for, rows, share (of the attack's rows): the most frequent prediction of each attack first.
    """
    attacks = [name for name in classes if name != normal]
    columns = [list(classes).index(name) for name in attacks]
    likeliest = np.array(attacks, dtype=object)[probabilities[:, columns].argmax(axis=1)]
    predictions = np.where(scores > threshold, likeliest, normal)
    table = pl.DataFrame({"attack": kinds, "taken_for": pl.Series(predictions, dtype=pl.String)})
    counted = table.group_by("attack", "taken_for").len("rows").with_columns(pl.col("rows").cast(pl.Int64))
    shares = counted.with_columns(share=pl.col("rows") / pl.col("rows").sum().over("attack"))
    return shares.sort("attack", "rows", "taken_for", descending=[False, True, False])


def summarise(table: pl.DataFrame, normal: str) -> dict[str, float]:
    """Compute `unseen/detection_rate` with its 95 % Wilson interval, and `unseen/rows`.

    Args:
        table: from `count_predictions`; several attacks count as one.
        normal: the normal class.
    """
    rows = int(table["rows"].sum())
    missed = int(table.filter(pl.col("taken_for") == normal)["rows"].sum())
    low, high = wilson(rows - missed, rows)
    shares = {"detection_rate": (rows - missed) / rows, "detection_rate_low": low, "detection_rate_high": high}
    return {f"unseen/{name}": value for name, value in {**shares, "rows": rows}.items()}
