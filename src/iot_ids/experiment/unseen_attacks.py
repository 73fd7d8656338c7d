"""Attacks that training has not seen: refused before the work where no threshold could be set, judged after it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.config import Config
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import CLASS, KIND
from iot_ids.data.load import Loaded
from iot_ids.metrics.operating_point import attack_scores, can_state, rows_needed
from iot_ids.metrics.unseen import summarise, taken_for
from iot_ids.serving.detector import Detector

RATE = "false_positive_rate"
THE_SAME = ("threshold", "validation_normal_rows", RATE, f"{RATE}_low", f"{RATE}_high")
"""What the left-out attacks share with the operating point of the known classes."""


@dataclass(frozen=True)
class Unseen:
    """What a detector makes of the attacks that were left out.

    `taken_for` is what `unseen.csv` holds, `predictions` what `unseen_predictions.parquet` does.
    """

    metrics: dict[str, float]
    taken_for: pl.DataFrame
    predictions: pl.DataFrame


def refuse_rate(config: Config, loaded: Loaded) -> None:
    """Raise a UserError where validation has too few normal rows to set the threshold that the attack is judged at."""
    if not config.left_out:
        return
    rows, rate = int((loaded.validation[CLASS] == config.normal).sum()), config.evaluate.false_positive_rate
    if not can_state(rate, rows):
        raise UserError(
            f"evaluate.false_positive_rate={rate}: validation has {rows:,} normal rows, and {rows_needed(rate):,} are "
            "needed to set a threshold for that rate; raise it, raise split.validation, or give more normal flows"
        )


def parted(flows: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Test rows of the known classes, and those of the attacks that were left out; None where none were."""
    if not config.left_out:
        return flows, None
    unseen = pl.col(KIND).is_in(config.left_out)
    return flows.filter(~unseen), flows.filter(unseen)


def evaluate_unseen(
    detector: Detector, flows: pl.DataFrame, threshold: float, normal: str, metrics: Mapping[str, float]
) -> Unseen:
    """Score the left-out attacks at `threshold`.

    Args:
        detector: it has never seen them.
        flows: theirs, with KIND.
        threshold: set on validation's normal rows.
        normal: the class that is no attack.
        metrics: those of the known classes' test rows, whose realised false-positive rate belongs to the result.
    """
    probabilities = detector.probabilities(flows)
    scores = attack_scores(probabilities, detector.classes.index(normal))
    table = taken_for(flows[KIND], probabilities, scores, threshold, detector.classes, normal)
    copied = {f"unseen/{name}": metrics[f"operating/{name}"] for name in THE_SAME if f"operating/{name}" in metrics}
    columns = {f"probability/{name}": probabilities[:, code] for code, name in enumerate(detector.classes)}
    predictions = pl.DataFrame({"row_id": flows[ROW_ID], "attack": flows[KIND], **columns})
    return Unseen(copied | summarise(table, normal), table, predictions)
