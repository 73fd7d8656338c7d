"""The results of the three steps prepare, fit and evaluate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.config import Config
from iot_ids.data.label import CLASS
from iot_ids.data.load import Loaded
from iot_ids.experiment.unseen_attacks import Unseen
from iot_ids.features.pipeline import Fit
from iot_ids.metrics.calibration import Bins
from iot_ids.metrics.operating_point import OperatingPoint
from iot_ids.models.classifier import Classifier, Table
from iot_ids.serving.detector import Detector

EXAMPLES = 1_000
"""Validation rows kept with a detector, at most."""


@dataclass(frozen=True)
class Prepared:
    """Train and validation rows ready for the model, the fitted preprocessing, and the untrained model."""

    config: Config
    loaded: Loaded
    features: Fit
    train: Table
    validation: Table
    model: Classifier
    seconds: float

    @property
    def normal_column(self) -> int | None:
        """The column of the normal class in the probabilities; None if the detector has no normal class."""
        normal, known = self.config.normal, self.loaded.classes
        return known.index(normal) if normal in known else None


@dataclass(frozen=True)
class Fitted:
    """A trained detector and its training history: one row of `history` per epoch, none for models without epochs."""

    prepared: Prepared
    detector: Detector
    history: pl.DataFrame
    validation_f1_macro: float
    seconds: float

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The detector's threshold on the scores of attacks."""
        return self.detector.point

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept: the first with the highest validation score."""
        return int(self.history["epoch"][int(self.history["val/f1_macro"].arg_max() or 0)])


@dataclass(frozen=True)
class Result:
    """The evaluation on the test rows. `classes` are the model's, followed by those that only the test rows have.

    `fitted` is the evaluated detector: as trained, or adapted to the tested network (`iot_ids.experiment.adaptation`).
    `matrix` is `(classes, classes)`, with true classes as rows and predicted ones as columns. `reliability` bins the
    test rows by confidence, before and after calibration. `scores` are the attack scores of the test rows, None if the
    detector has no normal class.
    """

    fitted: Fitted
    classes: list[str]
    matrix: NDArray[np.int64]
    report: pl.DataFrame
    metrics: dict[str, float]
    audit: dict[str, Any]
    predictions: pl.DataFrame
    reliability: tuple[Bins, Bins]
    scores: NDArray[np.float64] | None
    unseen: Unseen | None


def examples(prepared: Prepared) -> pl.DataFrame | None:
    """Return validation rows to keep with the detector, each class's evenly spaced; None if it reads windows.

    They are what later comparisons of its copies are made on. Rows of windows would need their sources' addresses.
    """
    if prepared.config.window is not None:
        return None
    flows, classes = prepared.loaded.validation, prepared.loaded.classes
    most = max(1, EXAMPLES // len(classes))
    parts = [flows.filter(pl.col(CLASS) == name) for name in classes]
    return pl.concat([part.gather_every(-(-max(part.height, 1) // most)) for part in parts])


def encode_labels(flows: pl.DataFrame, classes: list[str]) -> NDArray[np.int64]:
    """Encode the labels as positions in `classes`, `(rows,)`."""
    return flows[CLASS].cast(pl.Enum(classes)).to_physical().cast(pl.Int64).to_numpy(writable=True)


def refuse_nan(probabilities: NDArray[np.float32], config: Config) -> None:
    """Raise a UserError if a model predicts NaN: such a model must not be evaluated."""
    if not np.isfinite(probabilities).all():
        raise UserError(f"model={config.model['name']} predicts NaN: its training has failed; see the learning curve")
