"""What another network's flows, without their labels, change in a detector before it is judged on that network.

Off by default. Such a run is transductive: the flows it is tested on have shaped it, so it is tagged by that, and its
scores stand beside no other protocol's. docs/transfer.md says what this assumes of the network, and when it fails.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from iot_ids.common.errors import UserError
from iot_ids.experiment.state import Fitted
from iot_ids.features.spec import Adaptation
from iot_ids.metrics import operating_point
from iot_ids.metrics.calibration import shift_to_even
from iot_ids.metrics.operating_point import attack_scores
from iot_ids.serving.detector import Detector

EDGE = 1e-3
"""Added to both sides of the odds: probabilities nearer to 0 or 1 than this are all as good as certain, and no group of
their own for Otsu's cut."""
SURELY = 1e4
"""A shift of the log-odds beyond what any probability reaches at any temperature."""


def adapted(fitted: Fitted, flows: pl.DataFrame) -> Fitted:
    """`fitted` as the configuration's `adapt` changes it for the network of `flows`; itself where that is `none`.

    Where the threshold moves, there is no operating point: validation's is on the scale from before.

    Raises:
        UserError: the training rows have one class only, so that there are no scores to cut.
    """
    adaptation, detector = fitted.prepared.config.adapt, fitted.detector
    if not adaptation.on:
        return fitted
    unlabelled = flows.select(detector.inputs)
    if adaptation.scaler:
        detector = rescaled(detector, unlabelled)
    if not adaptation.threshold:
        return replace(fitted, detector=detector)
    normal = fitted.prepared.normal_column
    if normal is None or len(detector.classes) != 2:
        raise UserError(
            f"adapt.threshold=true: the training rows are all {', '.join(detector.classes)}; give rows of both classes"
        )
    return replace(fitted, detector=recut(detector, unlabelled, normal), operating_point=None)


def rescaled(detector: Detector, flows: pl.DataFrame) -> Detector:
    """`detector` with a scaler of the same kind that was fitted on `flows`; columns and categories stay."""
    pipeline = detector.pipeline
    scaler = type(pipeline.scaler)()
    scaler.fit(pipeline.encode(flows))
    return replace(detector, pipeline=replace(pipeline, scaler=scaler))


def recut(detector: Detector, flows: pl.DataFrame, normal: int) -> Detector:
    """`detector`, of two classes, with even odds where Otsu cuts its scores of `flows` in two.

    The cut is made on the log-odds of the uncalibrated probability of an attack. Calibration keeps the order of scores,
    so it is the same cut before and after. Scores that are all alike cannot be cut: then every flow is normal.

    Args:
        detector: as it was trained, or `rescaled`.
        flows: with the detector's inputs, none of them missing a number.
        normal: the code of the class that is no attack.
    """
    log_odds = _edged(expit(attack_scores(detector.uncalibrated(flows), normal)))
    if log_odds.min() == log_odds.max():
        return replace(detector, shift=-SURELY if normal == 0 else SURELY)
    odds = np.exp(operating_point.cut(log_odds))
    attack = float(np.clip((odds * (1 + EDGE) - EDGE) / (1 + odds), 0, 1))
    at_cut = [1 - attack, attack] if normal == 0 else [attack, 1 - attack]
    return replace(detector, shift=shift_to_even(np.array(at_cut), detector.temperature))


def sentences(adaptation: Adaptation) -> list[str]:
    """What the audit says of an adaptation; nothing where there is none."""
    if not adaptation.on:
        return []
    ways = {
        "the scaler was refitted on them": adaptation.scaler,
        "a flow counts as an attack above Otsu's cut of their scores, which leaves validation's threshold "
        "(operating/*) without meaning": adaptation.threshold,
    }
    return [
        f"Unlabelled flows of the tested network shaped this run: {'; '.join(way for way, on in ways.items() if on)}. "
        "Its scores are not comparable with the clean protocol's."
    ]


def _edged(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-odds of probabilities, none of which is nearer to 0 or 1 than EDGE."""
    return np.log((probabilities + EDGE) / (1 - probabilities + EDGE))
