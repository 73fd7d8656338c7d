"""Adapt a trained detector to another network with that network's unlabelled flows, before it is tested on them.

Off by default. Such a run is transductive: the flows that test it have also shaped it. It is therefore tagged
`transductive`, and its scores are never compared with another protocol's. docs/transfer.md explains what this assumes
about the network, and when it fails.
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
"""Added to both sides of the odds, so that probabilities closer than this to 0 or 1 count as equally certain and do not
form a group of their own when Otsu's method cuts the scores."""
CERTAIN_SHIFT = 1e4
"""A shift of the log-odds larger than any probability reaches at any temperature."""


def adapt(fitted: Fitted, flows: pl.DataFrame) -> Fitted:
    """Apply the configuration's `adapt` to `fitted`, using the `flows` of the tested network; `none` changes nothing.

    If the threshold moves, the operating point is dropped: validation's threshold refers to the old scale.

    Raises:
        UserError: the training rows have only one class, so there are no scores to cut.
    """
    adaptation, detector = fitted.prepared.config.adapt, fitted.detector
    if not adaptation.on:
        return fitted
    unlabelled = flows.select(detector.inputs)
    if adaptation.scaler:
        detector = refit_scaler(detector, unlabelled)
    if not adaptation.threshold:
        return replace(fitted, detector=detector)
    normal = fitted.prepared.normal_column
    if normal is None or len(detector.classes) != 2:
        raise UserError(
            f"adapt.threshold=true: the training rows are all {', '.join(detector.classes)}; give rows of both classes"
        )
    return replace(fitted, detector=move_threshold(detector, unlabelled, normal))


def refit_scaler(detector: Detector, flows: pl.DataFrame) -> Detector:
    """Refit the detector's scaler on `flows`; its columns and categories stay as they are."""
    pipeline = detector.pipeline
    scaler = type(pipeline.scaler)()
    scaler.fit(pipeline.encode(flows))
    return replace(detector, pipeline=replace(pipeline, scaler=scaler))


def move_threshold(detector: Detector, flows: pl.DataFrame, normal: int) -> Detector:
    """Shift a binary detector so that its odds are even where Otsu's method cuts its scores on `flows` in two.

    The cut is found on the log-odds of the uncalibrated attack probability. Calibration keeps the order of scores, so
    the cut separates the same flows before and after it. If all scores are equal, every flow counts as normal.

    Args:
        detector: as trained, or with its scaler refitted.
        flows: with the detector's inputs and no missing numbers.
        normal: the code of the normal class.
    """
    log_odds = _softened_log_odds(expit(attack_scores(detector.uncalibrated(flows), normal)))
    if log_odds.min() == log_odds.max():
        return replace(detector, shift=-CERTAIN_SHIFT if normal == 0 else CERTAIN_SHIFT, point=None)
    odds = np.exp(operating_point.otsu_threshold(log_odds))
    attack = float(np.clip((odds * (1 + EDGE) - EDGE) / (1 + odds), 0, 1))
    at_cut = [1 - attack, attack] if normal == 0 else [attack, 1 - attack]
    return replace(detector, shift=shift_to_even(np.array(at_cut), detector.temperature), point=None)


def sentences(adaptation: Adaptation) -> list[str]:
    """Describe an adaptation for the audit; empty if there was none."""
    if not adaptation.on:
        return []
    ways = {
        "the scaler was refitted on them": adaptation.scaler,
        "the threshold was moved to Otsu's cut of their scores, so the one set on validation (operating/*) no longer "
        "applies": adaptation.threshold,
    }
    return [
        f"Unlabelled flows of the tested network shaped this run: {'; '.join(way for way, on in ways.items() if on)}. "
        "Its scores are not comparable with the clean protocol's."
    ]


def _softened_log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds, softened by EDGE towards 0 and 1."""
    return np.log((probabilities + EDGE) / (1 - probabilities + EDGE))
