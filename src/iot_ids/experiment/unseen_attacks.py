"""Evaluate a detector on attacks that were left out of training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.config import Config
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import CLASS, KIND
from iot_ids.data.load import Loaded
from iot_ids.metrics.intervals import wilson
from iot_ids.metrics.operating_point import attack_scores, can_state, rows_needed
from iot_ids.serving.detector import Detector

RATE = "false_positive_rate"
REPEATED = ("threshold", "validation_normal_rows", RATE, f"{RATE}_low", f"{RATE}_high")
"""Metrics of the operating point that are repeated beside those of the left-out attacks."""


@dataclass(frozen=True)
class Unseen:
    """The evaluation of the left-out attacks: `predicted_as` is written to `unseen.csv`, `predictions` to Parquet."""

    metrics: dict[str, float]
    predicted_as: pl.DataFrame
    predictions: pl.DataFrame


def refuse_too_few_normal_rows(config: Config, loaded: Loaded) -> None:
    """Raise a UserError if validation has too few normal rows to set the threshold that the attacks are scored at."""
    if not config.left_out:
        return
    rows, rate = int((loaded.validation[CLASS] == config.normal).sum()), config.evaluate.false_positive_rate
    if not can_state(rate, rows):
        raise UserError(
            f"evaluate.false_positive_rate={rate}: a threshold for that rate needs {rows_needed(rate):,} normal "
            f"validation rows, there are {rows:,}; raise the rate or split.validation, or provide more normal flows"
        )


def split_off_unseen(flows: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Separate the test rows of the known classes from those of the left-out attacks; None if no attack is left out."""
    if not config.left_out:
        return flows, None
    unseen = pl.col(KIND).is_in(config.left_out)
    return flows.filter(~unseen), flows.filter(unseen)


def evaluate_unseen(
    detector: Detector, flows: pl.DataFrame, threshold: float, normal: str, metrics: Mapping[str, float]
) -> Unseen:
    """Score the left-out attacks at `threshold`.

    Args:
        detector: trained without these attacks.
        flows: the rows of these attacks, with KIND.
        threshold: set on validation's normal rows.
        normal: the name of the normal class.
        metrics: of the known classes' test rows; their realised false-positive rate is repeated in the result.
    """
    probabilities = detector.probabilities(flows)
    scores = attack_scores(probabilities, detector.classes.index(normal))
    table = count_predictions(flows[KIND], probabilities, scores, threshold, detector.classes, normal)
    copied = {f"unseen/{name}": metrics[f"operating/{name}"] for name in REPEATED if f"operating/{name}" in metrics}
    columns = {f"probability/{name}": probabilities[:, code] for code, name in enumerate(detector.classes)}
    predictions = pl.DataFrame({"row_id": flows[ROW_ID], "attack": flows[KIND], **columns})
    return Unseen(copied | summarise(table, normal), table, predictions)


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
