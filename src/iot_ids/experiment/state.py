"""What the three verbs of `experiment` hand on: prepared rows, a fitted detector, a result."""

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


@dataclass(frozen=True)
class Prepared:
    """Train and validation rows ready for a model, what was fitted on the way, and the untrained model."""

    config: Config
    loaded: Loaded
    features: Fit
    train: Table
    validation: Table
    model: Classifier
    seconds: float

    @property
    def normal_column(self) -> int | None:
        """The normal class's column of the probabilities; None where no class of the detector means normal."""
        normal, known = self.config.normal, self.loaded.classes
        return known.index(normal) if normal in known else None


@dataclass(frozen=True)
class Fitted:
    """A detector, and how it came to be: one row of `history` per epoch, none for models without epochs.

    `operating_point` is None where no class of the detector means normal, or an adaptation has moved the scores.
    """

    prepared: Prepared
    detector: Detector
    history: pl.DataFrame
    validation_f1_macro: float
    operating_point: OperatingPoint | None
    seconds: float

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept: the first with the highest score on validation."""
        return int(self.history["epoch"][int(self.history["val/f1_macro"].arg_max() or 0)])


@dataclass(frozen=True)
class Result:
    """What the test rows say. `classes` are the model's, then those that only the test rows have.

    `fitted` is what was judged: as it was trained, or adapted to the tested network (`iot_ids.experiment.adaptation`).
    `matrix` is `(classes, classes)`, true rows, predicted columns; `reliability` the test rows by confidence, before
    calibration and after; `scores` how far each test row looks like an attack, None where no class means normal.
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


def encode_labels(flows: pl.DataFrame, classes: list[str]) -> NDArray[np.int64]:
    """Class codes `(rows,)`: positions in `classes`."""
    return flows[CLASS].cast(pl.Enum(classes)).to_physical().cast(pl.Int64).to_numpy(writable=True)


def refuse_nan(probabilities: NDArray[np.float32], config: Config) -> None:
    """Raise a UserError where a model answers with NaN: it must not be judged."""
    if not np.isfinite(probabilities).all():
        raise UserError(
            f"model={config.model['name']} answers with NaN: its training went wrong; see the learning curve"
        )
