"""The whole pipeline on one page: prepare, fit, evaluate. A run calls all three, a sweep only the first two.

Everything is fitted on the training rows, choices are made on validation, and the test rows are read once, for
`evaluate`. Only a run with one of the paper's shortcuts reads them earlier, and is tagged (`iot_ids.experiment.leaks`).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.config import Config
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import normal_code
from iot_ids.data.load import Loaded, load
from iot_ids.data.schema import Columns, MissingNumbers
from iot_ids.data.windows import windows_of
from iot_ids.experiment import instantiate, leaks
from iot_ids.experiment.evaluate import evaluate
from iot_ids.experiment.state import Fitted, Prepared, encode_labels, refuse_nan
from iot_ids.experiment.unseen_attacks import refuse_too_few_normal_rows
from iot_ids.features import pipeline
from iot_ids.features.pipeline import Pipeline
from iot_ids.metrics import calibration, operating_point
from iot_ids.metrics.calibration import calibrate
from iot_ids.metrics.confusion import confusion_matrix, f1_macro
from iot_ids.metrics.operating_point import OperatingPoint, attack_scores
from iot_ids.models.classifier import Report, Table, predict_probabilities, with_padding_row
from iot_ids.serving.detector import Detector

__all__ = ["evaluate", "fit", "prepare", "rows"]
SHAPE_ROWS = ("dataset", "split", "drawn_by", "test_dataset", "windowed")
SHAPE_FEATURES = (*SHAPE_ROWS, "window", "outliers", "selector", "scaler")
"""The settings that decide which rows there are, and those that decide how the rows reach the model."""


def rows(config: Config) -> Loaded:
    """Read, clean and split the flows, or load them from the cache. The test rows stay unread.

    Raises:
        UserError: something about the data that the user can fix.
    """
    return load(config.dataset, config.split, config.drawn_by, config.cache, config.test_dataset, config.windowed)


def prepare(config: Config, before: Prepared | None = None) -> Prepared:
    """Load the `rows`, fit the preprocessing on the training rows and create the model.

    The test rows stay unread, except under the two `before_split` shortcuts.

    Args:
        config: of the run.
        before: an earlier preparation whose rows and features are reused if their settings are the same; a sweep thus
            reads the flows only once.

    Raises:
        UserError: something about the data or the configuration that the user can fix.
    """
    model = instantiate.model(config.model, config.trainer, normal_code(config.dataset))
    start = time.perf_counter()  # not before: creating the model imports its library, a cost paid once per process
    if before is not None and _same(before.config, config, SHAPE_FEATURES):
        return replace(before, config=config, model=model, seconds=time.perf_counter() - start)
    rule = instantiate.rule(config.outliers)
    loaded = before.loaded if before is not None and _same(before.config, config, SHAPE_ROWS) else rows(config)
    refuse_too_few_normal_rows(config, loaded)
    config, loaded = leaks.with_identifiers(config, loaded)
    columns = config.dataset.columns
    if rule is not None and config.outliers.get("before_split"):
        loaded, rule = leaks.without_outliers(loaded, rule, columns.numeric), None
    features = pipeline.fit(
        loaded.train,
        encode_labels(loaded.train, loaded.classes),
        columns.numeric,
        columns.categorical,
        outliers=rule,
        scores=instantiate.scores(config.selector),
        k=config.selector.get("k"),
        scaler=instantiate.scaler(config.scaler),
        scaling_rows=leaks.every_row(loaded) if config.scaler.get("before_split") else None,
        indicate=config.dataset.missing_numbers is MissingNumbers.indicate,
    )
    train = _table(config, features.pipeline, loaded.classes, features.train, loaded.train, loaded.train_history)
    validation = _table(config, features.pipeline, loaded.classes, loaded.validation, loaded.validation_history)
    return Prepared(config, loaded, features, train, validation, model, time.perf_counter() - start)


def _same(one: Config, other: Config, names: Sequence[str]) -> bool:
    """Whether two configurations have equal attributes of these names.

    If identifiers are features, `prepare` has changed the earlier configuration, so nothing is reused.
    """
    return all(getattr(one, name) == getattr(other, name) for name in names)


def fit(prepared: Prepared, report: Report) -> Fitted:
    """Train the model, then calibrate it and set its threshold on validation.

    `report` is called after every epoch; it may raise to stop the training.

    Raises:
        UserError: the model cannot be trained with these settings.
    """
    start = time.perf_counter()
    epochs: list[dict[str, float]] = []

    def keep(epoch: int, metrics: Mapping[str, float]) -> None:
        epochs.append({"epoch": epoch, **metrics})
        report(epoch, metrics)

    classes, config = prepared.loaded.classes, prepared.config
    prepared.model.fit(prepared.train, prepared.validation, len(classes), config.seed, keep)
    seconds = time.perf_counter() - start
    columns, form = _columns_read(prepared), config.dataset.format
    validation = prepared.validation
    y, uncalibrated = validation.y, predict_probabilities(prepared.model, validation.x, validation.steps)
    refuse_nan(uncalibrated, config)
    temperature = calibration.fit_temperature(uncalibrated, y)
    fitted = prepared.features.pipeline
    probabilities = calibrate(uncalibrated, temperature)
    point, normal = _operating_point(prepared, probabilities), prepared.normal_column
    detector = Detector(
        columns, form.missing, classes, fitted, prepared.model, temperature, config.window, 0.0, form, normal, point
    )
    score = f1_macro(confusion_matrix(y, probabilities.argmax(axis=1), len(classes)))
    return Fitted(prepared, detector, pl.DataFrame(epochs), score, seconds)


def _columns_read(prepared: Prepared) -> Columns:
    """Return the dataset's columns with the time format that was detected, so that a saved detector uses the same."""
    columns, times = prepared.config.dataset.columns, prepared.loaded.cleaning["times"]
    return columns if times is None else replace(columns, time_format=times["format"])


def _table(
    config: Config, pipeline: Pipeline, classes: list[str], flows: pl.DataFrame, *others: pl.DataFrame | None
) -> Table:
    """Transform `flows` for the model; windows also look back into the `others`."""
    y = encode_labels(flows, classes)
    if config.window is None:
        return Table(pipeline.transform(flows), y)
    history = pl.concat([flows, *(each for each in others if each is not None)])
    every = history.unique(ROW_ID, keep="first", maintain_order=True)
    columns, missing = config.dataset.columns, config.dataset.format.missing
    steps = windows_of(every, columns, missing, np.arange(len(y)), config.window)
    return Table(with_padding_row(pipeline.transform(every)), y, steps)


def _operating_point(prepared: Prepared, probabilities: NDArray[np.float32]) -> OperatingPoint | None:
    """Set the threshold on validation's normal rows; `probabilities` are those of all validation rows."""
    if (normal := prepared.normal_column) is None:
        return None
    scores = attack_scores(probabilities[prepared.validation.y == normal], normal)
    return operating_point.operating_point(scores, prepared.config.evaluate.false_positive_rate)
