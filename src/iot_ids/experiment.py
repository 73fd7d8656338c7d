"""The way of the data on one page: prepare, fit, judge. A run is their chain; a sweep calls the first two.

Whatever is fitted sees the training rows alone; validation chooses; the test rows are read once, in `judge`. Only a
run that asks for one of the paper's shortcuts reads them before, and says so (`iot_ids.shortcuts`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
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
from iot_ids.detector import Detector
from iot_ids.errors import UserError
from iot_ids.evaluate.audit import audit
from iot_ids.evaluate.confusion import confusion_matrix, f1_macro
from iot_ids.evaluate.metrics import per_class, summarise
from iot_ids.features import pipeline
from iot_ids.features.pipeline import Fit
from iot_ids.models.classifier import Classifier, Report, Table


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
    """A detector, and how it came to be: one row of `history` per epoch, none for models without epochs."""

    prepared: Prepared
    detector: Detector
    history: pl.DataFrame
    validation_f1_macro: float
    seconds: float

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept: the first with the highest score on validation."""
        return int(self.history["epoch"][int(self.history["val/f1_macro"].arg_max() or 0)])


@dataclass(frozen=True)
class Result:
    """What the test rows say. `classes` are the model's, then those that only the test rows have.

    `matrix` is `(classes, classes)`, true rows, predicted columns; `probabilities` is `(test rows, model's classes)`.
    """

    classes: list[str]
    matrix: NDArray[np.int64]
    report: pl.DataFrame
    metrics: dict[str, float]
    audit: dict[str, Any]
    predictions: pl.DataFrame


def prepare(config: Config) -> Prepared:
    """Read, clean, split, fit the preprocessing on the training rows, and build the model. The test rows stay unread,
    but for the two shortcuts `before_split`.

    Raises:
        UserError: whatever the user can mend about data and configuration.
    """
    model = build.model(config.model, config.trainer, normal_code(config.dataset))
    start = time.perf_counter()  # building imports the model's library, which a process pays once, whatever it runs
    rule = build.rule(config.outliers)
    loaded = load(config.dataset, config.split, config.seed, config.cache)
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
    train, validation = (
        Table(features.pipeline.transform(flows), codes(flows, loaded.classes))
        for flows in (features.train, loaded.validation)
    )
    return Prepared(config, loaded, features, train, validation, model, time.perf_counter() - start)


def fit(prepared: Prepared, report: Report) -> Fitted:
    """Train the model; `report` hears of every epoch and may raise to end it."""
    start = time.perf_counter()
    epochs: list[dict[str, float]] = []

    def keep(epoch: int, metrics: Mapping[str, float]) -> None:
        epochs.append({"epoch": epoch, **metrics})
        report(epoch, metrics)

    classes, config = prepared.loaded.classes, prepared.config
    prepared.model.fit(prepared.train, prepared.validation, len(classes), config.seed, keep)
    seconds = time.perf_counter() - start
    columns, missing = config.dataset.columns, config.dataset.format.missing
    detector = Detector(columns, missing, classes, prepared.features.pipeline, prepared.model)
    answers = prepared.model.probabilities(prepared.validation.x).argmax(axis=1)
    score = f1_macro(confusion_matrix(prepared.validation.y, answers, len(classes)))
    return Fitted(prepared, detector, pl.DataFrame(epochs), score, seconds)


def judge(fitted: Fitted, test: Test) -> Result:
    """Score the test rows, once: metrics with intervals, the audit, and every single prediction."""
    prepared = fitted.prepared
    config, known = prepared.config, prepared.loaded.classes
    start = time.perf_counter()
    probabilities = fitted.detector.probabilities(test.flows)
    predict_seconds = time.perf_counter() - start
    if not np.isfinite(probabilities).all():
        raise UserError(
            f"model={config.model['name']} answers with NaN: its training went wrong; see the learning curve"
        )
    classes = [*known, *(name for name in taxonomy(config.dataset).classes if name in _unknown(test, known))]
    y = codes(test.flows, classes)
    matrix = confusion_matrix(y, probabilities.argmax(axis=1), len(classes))
    normal = taxonomy(config.dataset).normal
    metrics = summarise(matrix, classes, normal if normal in classes else None, config.seed, config.evaluate.replicates)
    findings = _audit(prepared, test, y, len(classes))
    metrics |= {
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
    predictions = _predictions(test, known, probabilities)
    return Result(classes, matrix, per_class(matrix, classes), metrics, findings, predictions)


def codes(flows: pl.DataFrame, classes: list[str]) -> NDArray[np.int64]:
    """Class codes `(rows,)`: positions in `classes`."""
    return (
        flows[CLASS].replace_strict(classes, list(range(len(classes))), return_dtype=pl.Int64).to_numpy(writable=True)
    )


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
