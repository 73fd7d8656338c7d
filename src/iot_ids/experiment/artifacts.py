"""Write the files that a run keeps."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from iot_ids.common.text import escape_formulas, mark_simulated
from iot_ids.data.load import Test
from iot_ids.experiment.state import Fitted, Result
from iot_ids.plots import curves, run


def write(fitted: Fitted, result: Result, test: Test, config_yaml: str, simulated: bool, folder: Path) -> None:
    """Write the run's artifacts into `folder`; tables made from simulated flows say so in their first column."""
    features = fitted.prepared.features.selection
    (folder / "config.yaml").write_text(config_yaml)
    _table(features.table(), simulated, folder / "selected_features.csv")
    _table(result.report, simulated, folder / "classification_report.csv")
    counts = {name: result.matrix[:, code] for code, name in enumerate(result.classes)}
    _table(pl.DataFrame({"label": result.classes, **counts}), simulated, folder / "confusion_matrix.csv")
    mark_simulated(result.predictions, simulated).write_parquet(folder / "predictions.parquet")
    if result.unseen is not None:
        _table(result.unseen.predicted_as, simulated, folder / "unseen.csv")
        mark_simulated(result.unseen.predictions, simulated).write_parquet(folder / "unseen_predictions.parquet")
    (folder / "audit.json").write_text(json.dumps({"simulated": simulated, **result.audit}, indent=1))
    (folder / "cleaning.json").write_text(json.dumps({"simulated": simulated, **_cleaning(fitted, test)}, indent=1))
    _plots(fitted, result, simulated, folder)


def _cleaning(fitted: Fitted, test: Test) -> dict[str, Any]:
    """Account for every row; an official test file or another network's data set gets a section of its own."""
    prepared = fitted.prepared
    report = {
        **prepared.loaded.cleaning,
        "train": prepared.loaded.train.height,
        "validation": prepared.loaded.validation.height,
        "test": test.flows.height,
        "train_rows_dropped_as_outliers": prepared.loaded.train.height - prepared.features.train.height,
    }
    part = "official_test_file" if prepared.config.test_dataset is None else "test_dataset"
    return report if test.cleaning is None else report | {part: test.cleaning}


def _plots(fitted: Fitted, result: Result, simulated: bool, folder: Path) -> None:
    config, features = fitted.prepared.config, fitted.prepared.features.selection
    title = f"{config.title}: {run_title(fitted)}"
    run.confusion_matrix(
        result.matrix, result.classes, folder / "confusion_matrix.png", f"{title}, test rows", simulated=simulated
    )
    run.per_class(result.report, folder / "per_class.png", f"{title}, test rows", simulated=simulated)
    _curves(fitted, result, f"{title}, test rows", simulated, folder)
    if features.scored:
        run.feature_scores(
            features.names,
            features.scores,
            features.selected,
            folder / "selected_features.png",
            f"{config.dataset.title}: {config.selector['name']}, training rows",
            simulated=simulated,
        )
    if not fitted.history.is_empty():
        history = fitted.history.rename(lambda name: name.replace("/", "_"))
        run.learning_curve(
            history, folder / "learning_curve.png", title, simulated=simulated, best_epoch=fitted.best_epoch
        )


def _curves(fitted: Fitted, result: Result, title: str, simulated: bool, folder: Path) -> None:
    """Plot the reliability and, if the test rows have both attacks and normal flows, the ROC and PR curves."""
    temperature, point = fitted.detector.temperature, fitted.operating_point
    curves.reliability(*result.reliability, temperature, folder / "reliability.png", title, simulated=simulated)
    if result.scores is None or point is None:
        return
    attack = (result.predictions["label"] != fitted.prepared.config.normal).to_numpy()
    if attack.all() or not attack.any():
        return
    curves.attacks(
        result.scores,
        attack,
        point.threshold,
        point.false_positive_rate,
        folder / "curves.png",
        title,
        simulated=simulated,
    )


def run_title(fitted: Fitted) -> str:
    """Name the run for a title: its model, its number of features, and how they were selected."""
    config, features = fitted.prepared.config, fitted.prepared.features
    count = len(features.pipeline.names)
    chosen = f"{count} features by {config.selector['name']}" if features.selection.scored else f"all {count} features"
    return f"{config.model['name']}, {chosen}"


def _table(table: pl.DataFrame, simulated: bool, path: Path) -> None:
    escape_formulas(mark_simulated(table, simulated)).write_csv(path)
