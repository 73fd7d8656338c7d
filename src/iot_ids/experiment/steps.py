"""The way of the data on one page: prepare, fit, judge. A run is their chain; a sweep calls the first two.

Whatever is fitted sees the training rows alone; validation chooses; the test rows are read once, in `judge`. Only a
run that asks for one of the paper's shortcuts reads them before, and says so (`iot_ids.experiment.leaks`).
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
from iot_ids.experiment.unseen_attacks import refuse_rate
from iot_ids.features import pipeline
from iot_ids.features.pipeline import Pipeline
from iot_ids.metrics import calibration, operating_point
from iot_ids.metrics.calibration import calibrated
from iot_ids.metrics.confusion import confusion_matrix, f1_macro
from iot_ids.metrics.operating_point import OperatingPoint, attack_scores
from iot_ids.models.classifier import Report, Table, answers, padded
from iot_ids.serving.detector import Detector

__all__ = ["evaluate", "fit", "prepare", "rows"]
SHAPE_ROWS = ("dataset", "split", "drawn_by", "test_dataset", "windowed")
SHAPE_FEATURES = (*SHAPE_ROWS, "window", "outliers", "selector", "scaler")
"""What of a configuration decides which rows there are, and what becomes of them before the model."""


def rows(config: Config) -> Loaded:
    """Read, clean and split, or take what the cache holds. The test rows stay unread.

    Raises:
        UserError: whatever the user can mend about the data.
    """
    return load(config.dataset, config.split, config.drawn_by, config.cache, config.test_dataset, config.windowed)


def prepare(config: Config, before: Prepared | None = None) -> Prepared:
    """Take the `rows`, fit the preprocessing on the training rows, and build the model. The test rows stay unread, but
    for the two shortcuts `before_split`.

    Args:
        config: the run.
        before: another run's, of which everything is taken that is the same; so a sweep reads the rows once.

    Raises:
        UserError: whatever the user can mend about data and configuration.
    """
    model = instantiate.model(config.model, config.trainer, normal_code(config.dataset))
    start = time.perf_counter()  # building imports the model's library, which a process pays once, whatever it runs
    if before is not None and _same(before.config, config, SHAPE_FEATURES):
        return replace(before, config=config, model=model, seconds=time.perf_counter() - start)
    rule = instantiate.rule(config.outliers)
    loaded = before.loaded if before is not None and _same(before.config, config, SHAPE_ROWS) else rows(config)
    refuse_rate(config, loaded)
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
    train = _table(config, features.pipeline, loaded.classes, features.train, loaded.train, loaded.train_context)
    validation = _table(config, features.pipeline, loaded.classes, loaded.validation, loaded.validation_context)
    return Prepared(config, loaded, features, train, validation, model, time.perf_counter() - start)


def _same(one: Config, other: Config, names: Sequence[str]) -> bool:
    """Whether two configurations agree in all that these names stand for.

    Where identifiers are features, `prepare` has changed the configuration, so nothing is taken for the same.
    """
    return all(getattr(one, name) == getattr(other, name) for name in names)


def fit(prepared: Prepared, report: Report) -> Fitted:
    """Train the model, then calibrate it and set its threshold on validation.

    `report` hears of every epoch and may raise to end it.

    Raises:
        UserError: the settings do not let the model learn.
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
    y, uncalibrated = validation.y, answers(prepared.model, validation.x, validation.steps)
    refuse_nan(uncalibrated, config)
    temperature = calibration.best_temperature(uncalibrated, y)
    fitted = prepared.features.pipeline
    detector = Detector(columns, form.missing, classes, fitted, prepared.model, temperature, config.window, form=form)
    probabilities = calibrated(uncalibrated, temperature)
    score = f1_macro(confusion_matrix(y, probabilities.argmax(axis=1), len(classes)))
    return Fitted(prepared, detector, pl.DataFrame(epochs), score, _operating_point(prepared, probabilities), seconds)


def _columns_read(prepared: Prepared) -> Columns:
    """The dataset's columns, with the format by which times were read: a kept detector reads them by the same."""
    columns, times = prepared.config.dataset.columns, prepared.loaded.cleaning["times"]
    return columns if times is None else replace(columns, time_format=times["format"])


def _table(
    config: Config, pipeline: Pipeline, classes: list[str], flows: pl.DataFrame, *others: pl.DataFrame | None
) -> Table:
    """`flows` ready for the model; with windows, each after its source's last flows among these and the `others`."""
    y = encode_labels(flows, classes)
    if config.window is None:
        return Table(pipeline.transform(flows), y)
    history = pl.concat([flows, *(each for each in others if each is not None)])
    every = history.unique(ROW_ID, keep="first", maintain_order=True)
    columns, missing = config.dataset.columns, config.dataset.format.missing
    steps = windows_of(every, columns, missing, np.arange(len(y)), config.window)
    return Table(padded(pipeline.transform(every)), y, steps)


def _operating_point(prepared: Prepared, probabilities: NDArray[np.float32]) -> OperatingPoint | None:
    """The threshold by validation's normal rows, whose `probabilities` these are."""
    if (normal := prepared.normal_column) is None:
        return None
    scores = attack_scores(probabilities[prepared.validation.y == normal], normal)
    return operating_point.operating_point(scores, prepared.config.evaluate.false_positive_rate)
