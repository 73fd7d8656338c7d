"""Evaluate a detector on attacks that were left out of training."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.config import Config
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import CLASS, KIND
from iot_ids.data.load import Loaded
from iot_ids.metrics.operating_point import attack_scores, can_state, rows_needed
from iot_ids.metrics.unseen import count_predictions, summarise
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
