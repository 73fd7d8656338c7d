"""What a detector makes of attacks that it has never seen."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.metrics.intervals import wilson


def taken_for(
    kinds: pl.Series,
    probabilities: NDArray[np.floating],
    scores: NDArray[np.float64],
    threshold: float,
    classes: Sequence[str],
    normal: str,
) -> pl.DataFrame:
    """What unseen attacks were taken for: normal up to the threshold, above it the most probable attack.

    Args:
        kinds: which attack each row is, `(rows,)`.
        probabilities: of the detector's classes, `(rows, classes)`.
        scores: how far each row looks like an attack, `(rows,)`.
        threshold: from which score on, exclusive, a row is called an attack.
        classes: the detector's.
        normal: the one among them that is no attack.

    Returns:
        attack, taken_for, rows, share (of the attack's rows): the most frequent answer first within an attack.
    """
    attacks = [name for name in classes if name != normal]
    columns = [list(classes).index(name) for name in attacks]
    likeliest = np.array(attacks, dtype=object)[probabilities[:, columns].argmax(axis=1)]
    answers = np.where(scores > threshold, likeliest, normal)
    table = pl.DataFrame({"attack": kinds, "taken_for": pl.Series(answers, dtype=pl.String)})
    counted = table.group_by("attack", "taken_for").len("rows").with_columns(pl.col("rows").cast(pl.Int64))
    shares = counted.with_columns(share=pl.col("rows") / pl.col("rows").sum().over("attack"))
    return shares.sort("attack", "rows", "taken_for", descending=[False, True, False])


def summarise(table: pl.DataFrame, normal: str) -> dict[str, float]:
    """`unseen/detection_rate` with its 95 % Wilson interval, and `unseen/rows`.

    Args:
        table: what `taken_for` returns; several attacks count as one.
        normal: the class that is no attack.
    """
    rows = int(table["rows"].sum())
    missed = int(table.filter(pl.col("taken_for") == normal)["rows"].sum())
    low, high = wilson(rows - missed, rows)
    shares = {"detection_rate": (rows - missed) / rows, "detection_rate_low": low, "detection_rate_high": high}
    return {f"unseen/{name}": value for name, value in {**shares, "rows": rows}.items()}
