"""The way of the data on one page: prepare, fit, judge. A run is their chain; a sweep calls the first two.

Whatever is fitted sees the training rows alone; validation chooses; the test rows are read once, in `judge`. Only a
run that asks for one of the paper's shortcuts reads them before, and says so (`iot_ids.shortcuts`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids import build, shortcuts
from iot_ids.config import Config
from iot_ids.data.clean import ROW_ID
from iot_ids.data.declaration import taxonomy
from iot_ids.data.label import CLASS, normal_code
from iot_ids.data.load import Loaded, Test, load
from iot_ids.data.spec import Identifiers
from iot_ids.data.windows import windows_of
from iot_ids.detector import Detector
from iot_ids.errors import UserError
from iot_ids.evaluate import calibration, operating
from iot_ids.evaluate.audit import audit
from iot_ids.evaluate.calibration import Bins, calibrated
from iot_ids.evaluate.confusion import confusion_matrix, f1_macro
from iot_ids.evaluate.metrics import per_class, summarise
from iot_ids.evaluate.operating import OperatingPoint, attack_scores
from iot_ids.features import pipeline
from iot_ids.features.pipeline import Fit, Pipeline
from iot_ids.models.classifier import Classifier, Report, Table, answers, padded
from iot_ids.unseen import Unseen, judge_unseen, parted, refuse_rate


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


@dataclass(frozen=True)
class Fitted:
    """A detector, and how it came to be: one row of `history` per epoch, none for models without epochs.

    `operating_point` is None where no class of the detector means normal.
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

    `matrix` is `(classes, classes)`, true rows, predicted columns; `reliability` the test rows by confidence, before
    calibration and after; `scores` how far each test row looks like an attack, None where no class means normal.
    """

    classes: list[str]
    matrix: NDArray[np.int64]
    report: pl.DataFrame
    metrics: dict[str, float]
    audit: dict[str, Any]
    predictions: pl.DataFrame
    reliability: tuple[Bins, Bins]
    scores: NDArray[np.float64] | None
    unseen: Unseen | None


def prepare(config: Config) -> Prepared:
    """Read, clean, split, fit the preprocessing on the training rows, and build the model. The test rows stay unread,
    but for the two shortcuts `before_split`.

    Raises:
        UserError: whatever the user can mend about data and configuration.
    """
    model = build.model(config.model, config.trainer, normal_code(config.dataset))
    start = time.perf_counter()  # building imports the model's library, which a process pays once, whatever it runs
    rule, windowed = build.rule(config.outliers), config.window is not None
    loaded = load(config.dataset, config.split, config.seed, config.cache, config.test_dataset, windowed)
    refuse_rate(config, loaded)
    config, loaded = shortcuts.with_identifiers(config, loaded)
    columns = config.dataset.columns
    if rule is not None and config.outliers.get("before_split"):
        loaded, rule = shortcuts.without_outliers(loaded, rule, columns.numeric), None
    features = pipeline.fit(
        loaded.train,
        codes(loaded.train, loaded.classes),
        columns.numeric,
        columns.categorical,
        outliers=rule,
        scores=build.scores(config.selector),
        k=config.selector.get("k"),
        scaler=build.scaler(config.scaler),
        scaling_rows=shortcuts.every_row(loaded) if config.scaler.get("before_split") else None,
    )
    train = _table(config, features.pipeline, loaded.classes, features.train, loaded.train, loaded.train_context)
    validation = _table(config, features.pipeline, loaded.classes, loaded.validation, loaded.validation_context)
    return Prepared(config, loaded, features, train, validation, model, time.perf_counter() - start)


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
    columns, missing = config.dataset.columns, config.dataset.format.missing
    validation = prepared.validation
    y, uncalibrated = validation.y, answers(prepared.model, validation.x, validation.steps)
    _refuse_nan(uncalibrated, config)
    temperature = calibration.best_temperature(uncalibrated, y)
    pipeline = prepared.features.pipeline
    detector = Detector(columns, missing, classes, pipeline, prepared.model, temperature, config.window)
    probabilities = calibrated(uncalibrated, temperature)
    score = f1_macro(confusion_matrix(y, probabilities.argmax(axis=1), len(classes)))
    return Fitted(prepared, detector, pl.DataFrame(epochs), score, _operating_point(prepared, probabilities), seconds)


def judge(fitted: Fitted, test: Test) -> Result:
    """Score the test rows, once: metrics with intervals, the audit, and every single prediction."""
    prepared = fitted.prepared
    config, known = prepared.config, prepared.loaded.classes
    flows, left_out = parted(test.flows, config)
    test = replace(test, flows=flows)
    start = time.perf_counter()
    uncalibrated = fitted.detector.uncalibrated(test.flows, test.context)
    probabilities = calibrated(uncalibrated, fitted.detector.temperature)
    predict_seconds = time.perf_counter() - start
    _refuse_nan(probabilities, config)
    classes = [*known, *(name for name in taxonomy(config.dataset).classes if name in _unknown(test, known))]
    y = codes(test.flows, classes)
    matrix = confusion_matrix(y, probabilities.argmax(axis=1), len(classes))
    normal = taxonomy(config.dataset).normal
    metrics = summarise(matrix, classes, normal if normal in classes else None, config.seed, config.evaluate.replicates)
    findings = _audit(prepared, test, y, len(classes))
    before, after = (calibration.bins(answers, y) for answers in (uncalibrated, probabilities))
    scores, column = None, _normal_column(prepared)
    if fitted.operating_point is not None and column is not None:
        scores = attack_scores(probabilities, column)
        metrics |= operating.summarise(fitted.operating_point, scores, y != column, config.evaluate.flows_per_day)
    metrics |= {
        "calibration/temperature": fitted.detector.temperature,
        "test/expected_calibration_error": after.error,
        "test/expected_calibration_error_uncalibrated": before.error,
        "val/f1_macro": fitted.validation_f1_macro,
        "time/prepare_seconds": prepared.seconds,
        "time/fit_seconds": fitted.seconds,
        "time/predict_seconds": predict_seconds,
        "data/train_rows": len(prepared.train.y),
        "data/validation_rows": len(prepared.validation.y),
        "data/test_rows": len(y),
        "audit/test_rows_seen_in_train": findings["test_rows_seen_in_train"],
        "audit/test_rows_nearly_seen_in_train": findings["test_rows_nearly_seen_in_train"],
    }
    if (parameters := prepared.model.parameters()) is not None:
        metrics["model/parameters"] = parameters
    unseen = _unseen(fitted, left_out, metrics)
    metrics |= {} if unseen is None else unseen.metrics | {"unseen/test_normal_rows": int((y == column).sum())}
    predictions = _predictions(test, known, probabilities)
    report = per_class(matrix, classes)
    return Result(classes, matrix, report, metrics, findings, predictions, (before, after), scores, unseen)


def _unseen(fitted: Fitted, flows: pl.DataFrame | None, metrics: Mapping[str, float]) -> Unseen | None:
    """The attacks that were left out, where there are any; `prepare` has refused them without a threshold."""
    point, normal = fitted.operating_point, taxonomy(fitted.prepared.config.dataset).normal
    if flows is None or point is None or point.threshold is None or normal is None:
        return None
    return judge_unseen(fitted.detector, flows, point.threshold, normal, metrics)


def _table(
    config: Config, pipeline: Pipeline, classes: list[str], flows: pl.DataFrame, *others: pl.DataFrame | None
) -> Table:
    """`flows` ready for the model; with windows, each after its source's last flows among these and the `others`."""
    y = codes(flows, classes)
    if config.window is None:
        return Table(pipeline.transform(flows), y)
    history = pl.concat([flows, *(each for each in others if each is not None)])
    every = history.unique(ROW_ID, keep="first", maintain_order=True)
    columns, missing = config.dataset.columns, config.dataset.format.missing
    steps = windows_of(every, columns, missing, np.arange(len(y)), config.window)
    return Table(padded(pipeline.transform(every)), y, steps)


def codes(flows: pl.DataFrame, classes: list[str]) -> NDArray[np.int64]:
    """Class codes `(rows,)`: positions in `classes`."""
    return (
        flows[CLASS].replace_strict(classes, list(range(len(classes))), return_dtype=pl.Int64).to_numpy(writable=True)
    )


def _refuse_nan(probabilities: NDArray[np.float32], config: Config) -> None:
    if not np.isfinite(probabilities).all():
        raise UserError(
            f"model={config.model['name']} answers with NaN: its training went wrong; see the learning curve"
        )


def _normal_column(prepared: Prepared) -> int | None:
    """The normal class's column of the probabilities; None where no class of the detector means normal."""
    normal, known = taxonomy(prepared.config.dataset).normal, prepared.loaded.classes
    return known.index(normal) if normal in known else None


def _operating_point(prepared: Prepared, probabilities: NDArray[np.float32]) -> OperatingPoint | None:
    """The threshold by validation's normal rows, whose `probabilities` these are."""
    if (normal := _normal_column(prepared)) is None:
        return None
    scores = attack_scores(probabilities[prepared.validation.y == normal], normal)
    return operating.operating_point(scores, prepared.config.evaluate.false_positive_rate)


def _unknown(test: Test, known: list[str]) -> set[str]:
    return set(test.flows[CLASS].unique()) - set(known)


def _audit(prepared: Prepared, test: Test, y: NDArray[np.int64], classes: int) -> dict[str, Any]:
    encode = prepared.features.pipeline.encode
    columns = prepared.config.dataset.columns
    identifiers = [name for name in columns.identifiers if name in prepared.features.train.columns]
    raw = list(dict.fromkeys([*columns.numeric, *columns.categorical, *identifiers, ROW_ID]))
    cleanings = [prepared.loaded.cleaning, *filter(None, [test.cleaning])]
    findings = audit(
        train_x=encode(prepared.features.train),
        train_y=prepared.train.y,
        test_x=encode(test.flows),
        test_y=y,
        train=prepared.features.train.select(raw),
        validation=prepared.loaded.validation.select(raw),
        validation_y=prepared.validation.y,
        row_id=ROW_ID,
        identifiers=identifiers,
        identifiers_allowed=prepared.config.dataset.identifiers is Identifiers.allow,
        contradicting_labels=sum(report["contradicting_labels"]["rows"] for report in cleanings),
        classes=classes,
        seed=prepared.config.seed,
    )
    taken = shortcuts.shortcuts(prepared.config)
    return findings | {"shortcuts": taken, "sentences": shortcuts.sentences(taken) + findings["sentences"]}


def _predictions(test: Test, classes: list[str], probabilities: NDArray[np.float32]) -> pl.DataFrame:
    """What `predictions.parquet` holds: row id, label, and the probability of each class."""
    columns = {f"probability/{name}": probabilities[:, code] for code, name in enumerate(classes)}
    return pl.DataFrame({"row_id": test.flows[ROW_ID], "label": test.flows[CLASS], **columns})
