"""Evaluate a detector on the test rows, once and at the end: metrics with intervals, the audit, every prediction."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from iot_ids import protocol
from iot_ids.data.checks import taxonomy
from iot_ids.data.clean import ROW_ID, describe_losses
from iot_ids.data.label import CLASS
from iot_ids.data.load import Test
from iot_ids.data.schema import Identifiers
from iot_ids.experiment import adaptation
from iot_ids.experiment.state import Fitted, Prepared, Result, encode_labels, refuse_nan
from iot_ids.experiment.unseen_attacks import Unseen, evaluate_unseen, split_off_unseen
from iot_ids.metrics import calibration, operating_point
from iot_ids.metrics.audit import audit, seen_in_train
from iot_ids.metrics.audit_text import tied_sentence
from iot_ids.metrics.calibration import Bins
from iot_ids.metrics.confusion import confusion_matrix
from iot_ids.metrics.metrics import per_class, summarise
from iot_ids.metrics.operating_point import attack_scores


def evaluate(fitted: Fitted, test: Test) -> Result:
    """Score the test rows; attacks that the split left out of training are evaluated separately."""
    prepared = fitted.prepared
    config, known = prepared.config, prepared.loaded.classes
    flows, left_out = split_off_unseen(test.flows, config)
    test = replace(test, flows=flows)
    fitted = adaptation.adapt(fitted, flows)
    start = time.perf_counter()
    uncalibrated = fitted.detector.uncalibrated(test.flows, test.history)
    probabilities = fitted.detector.calibrate(uncalibrated)
    predict_seconds = time.perf_counter() - start
    refuse_nan(probabilities, config)
    there = set(test.flows[CLASS].unique())
    classes = [*known, *(name for name in taxonomy(config.dataset).classes if name in there.difference(known))]
    y = encode_labels(test.flows, classes)
    matrix = confusion_matrix(y, probabilities.argmax(axis=1), len(classes))
    normal = config.normal
    column = prepared.normal_column
    scores = None if column is None else attack_scores(probabilities, column)
    reliability = calibration.bins(uncalibrated, y), calibration.bins(probabilities, y)
    findings = _audit(prepared, test, y, len(classes))
    findings["sentences"] += tied_sentence(fitted.operating_point)
    metrics = {
        **summarise(matrix, classes, normal if normal in classes else None, config.seed, config.evaluate.replicates),
        **_operating(fitted, scores, y),
        **_calibration(fitted, reliability),
        **_facts(fitted, findings, len(y), predict_seconds),
    }
    unseen = _unseen(fitted, left_out, metrics)
    if unseen is not None:
        metrics |= unseen.metrics | {"unseen/test_normal_rows": int((y == column).sum())}
    predictions = _predictions(test, known, probabilities)
    report = per_class(matrix, classes)
    return Result(fitted, classes, matrix, report, metrics, findings, predictions, reliability, scores, unseen)


def _operating(fitted: Fitted, scores: NDArray[np.float64] | None, y: NDArray[np.int64]) -> dict[str, float]:
    """Measure the threshold on these rows; empty if the detector has no normal class."""
    if scores is None:
        return {}
    attack = y != fitted.prepared.normal_column
    return operating_point.summarise(
        fitted.operating_point, scores, attack, fitted.prepared.config.evaluate.flows_per_day
    )


def _calibration(fitted: Fitted, reliability: tuple[Bins, Bins]) -> dict[str, float]:
    before, after = reliability
    return {
        "calibration/temperature": fitted.detector.temperature,
        "test/expected_calibration_error": after.error,
        "test/expected_calibration_error_uncalibrated": before.error,
    }


def _facts(fitted: Fitted, findings: Mapping[str, Any], test_rows: int, predict_seconds: float) -> dict[str, float]:
    """Collect the validation score, times, row counts and the audit's counts."""
    prepared = fitted.prepared
    parameters = prepared.model.parameters()
    return {
        "val/f1_macro": fitted.validation_f1_macro,
        "time/prepare_seconds": prepared.seconds,
        "time/fit_seconds": fitted.seconds,
        "time/predict_seconds": predict_seconds,
        "data/train_rows": len(prepared.train.y),
        "data/validation_rows": len(prepared.validation.y),
        "data/test_rows": test_rows,
        **{f"audit/{name}": findings[name] for name in ("test_rows_seen_in_train", "test_rows_nearly_seen_in_train")},
        **({} if parameters is None else {"model/parameters": parameters}),
    }


def _unseen(fitted: Fitted, flows: pl.DataFrame | None, metrics: Mapping[str, float]) -> Unseen | None:
    """Evaluate the left-out attacks, if any; `prepare` has already refused a split of them without a threshold."""
    point, normal = fitted.operating_point, fitted.prepared.config.normal
    if flows is None or point is None or point.threshold is None or normal is None:
        return None
    unseen = evaluate_unseen(fitted.detector, flows, point.threshold, normal, metrics)
    refuse_nan(unseen.predictions.select(cs.float()).to_numpy(), fitted.prepared.config)
    features = fitted.prepared.features
    seen = seen_in_train(features.pipeline.encode(features.train), features.pipeline.encode(flows))
    return replace(unseen, metrics=unseen.metrics | {"unseen/rows_seen_in_train": seen})


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
        windowed=prepared.config.window is not None,
        contradicting_labels=sum(report["contradicting_labels"]["rows"] for report in cleanings),
        classes=classes,
        seed=prepared.config.seed,
    )
    taken = protocol.shortcuts(prepared.config)
    losses = [sentence for report in cleanings for sentence in describe_losses(report)]
    said = [*adaptation.sentences(prepared.config.adapt), *protocol.sentences(taken), *losses, *findings["sentences"]]
    return findings | {"shortcuts": taken, "sentences": said}


def _predictions(test: Test, classes: list[str], probabilities: NDArray[np.float32]) -> pl.DataFrame:
    """Return the table for `predictions.parquet`: row id, label, and the probability of each class."""
    columns = {f"probability/{name}": probabilities[:, code] for code, name in enumerate(classes)}
    return pl.DataFrame({"row_id": test.flows[ROW_ID], "label": test.flows[CLASS], **columns})
