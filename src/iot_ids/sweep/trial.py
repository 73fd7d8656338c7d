"""Run one trial: prepare and fit, never test; every epoch is reported to the pruner, which may end the trial."""

import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import optuna
from omegaconf import DictConfig

from iot_ids import tracking
from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.common.redact import redact_secrets
from iot_ids.common.system_errors import explain
from iot_ids.config import Config, container
from iot_ids.experiment import console, steps
from iot_ids.experiment.state import Fitted, Prepared
from iot_ids.models.classifier import Report, predict_probabilities
from iot_ids.sweep.job import resolve_trial
from iot_ids.sweep.storage import StorageError, as_storage_error
from iot_ids.sweep.study import Worker
from iot_ids.tracking import Run

PREDICTIONS = 3
"""How many times the validation rows are classified to measure the prediction time."""


@dataclass
class PreviousTrial:
    """The preparation of the previous trial, of which the next one reuses whatever is the same."""

    prepared: Prepared


def attempt(
    worker: Worker,
    trial: optuna.Trial,
    compose: Callable[[], DictConfig],
    last: PreviousTrial,
    run: Run,
    check: Callable[[], None],
) -> str:
    """Run one trial and end it, in the study and as tags of its `run`; return a summary to print.

    An error fails the trial, not the sweep, unless a store fails or a disk is full.

    Args:
        worker: the worker that runs the trial.
        trial: RUNNING.
        compose: returns the trial's configuration, or raises a UserError.
        last: the previous trial's preparation; replaced by this one's.
        run: the trial's MLflow run.
        check: raises KeyboardInterrupt if an interruption is pending.

    Raises:
        StorageError: the study's storage failed.
        Exception: MLflow's store failed (`tracking.STORE_ERRORS`).
        KeyboardInterrupt: the sweep was interrupted; the trial is still RUNNING.
    """
    try:
        values, epochs = _trained(worker, trial, _configuration(compose, run), last, run)
    except optuna.TrialPruned:
        return _pruned(worker, trial, run)
    except (StorageError, *tracking.STORE_ERRORS):
        raise
    except Exception as error:
        check()  # an interruption may have caused this error; then the trial has not failed
        if explain(error):  # the next trial would fail in the same way
            raise
        return _failed(worker, trial, run, error)
    worker.complete(trial, list(values.values()))
    run.tags({"trial.state": "COMPLETE"})
    return ", ".join(f"{metric} {value:.4g}" for metric, value in values.items()) + (
        f", {epochs} epochs" * bool(epochs)
    )


def _configuration(compose: Callable[[], DictConfig], run: Run) -> Config:
    """Compose the trial's configuration and log it in the run before checking it."""
    composed = compose()
    run.parameters(tracking.flat(container(composed)))
    return resolve_trial(composed)


def _trained(
    worker: Worker, trial: optuna.Trial, config: Config, last: PreviousTrial, run: Run
) -> tuple[dict[str, float], int]:
    """Train; return the value of each objective and the number of epochs, 0 for a model without epochs."""
    last.prepared = prepared = steps.prepare(config, last.prepared)
    hears = _pruning(trial, run.report, worker.spec.objectives, worker.spec.storage)
    with console.training(f"trial {trial.number}", config.trainer.max_epochs, hears) as report:
        fitted = steps.fit(prepared, report)
    found = _metrics(fitted, "time/predict_seconds" in worker.spec.objectives)
    for metric in worker.spec.objectives:
        if metric not in found:
            raise UserError(f"model={config.model['name']} has no {metric}")
        if not math.isfinite(found[metric]):
            raise UserError(f"model={config.model['name']}: {metric} is {found[metric]}")
    trial.set_user_attr("fit_seconds", fitted.seconds)
    run.metrics(found)
    return {metric: found[metric] for metric in worker.spec.objectives}, fitted.history.height


def _pruning(trial: optuna.Trial, report: Report, objectives: list[str], where: str) -> Report:
    """Extend `report` to inform the pruner; Optuna can only prune trials with a single objective."""
    if len(objectives) > 1:
        return report

    def heard(epoch: int, metrics: Mapping[str, float]) -> None:
        report(epoch, metrics)
        if objectives[0] not in metrics:
            return
        with as_storage_error(where):
            trial.report(metrics[objectives[0]], epoch)
            hopeless = trial.should_prune()
        if hopeless:
            raise optuna.TrialPruned

    return heard


def _metrics(fitted: Fitted, timed: bool) -> dict[str, float]:
    """Measure the possible objectives, without the test rows; predicting is timed only if `timed`."""
    model = fitted.prepared.model
    found = {"val/f1_macro": fitted.validation_f1_macro, "time/fit_seconds": fitted.seconds}
    if timed:
        found["time/predict_seconds"] = _predict_seconds(fitted.prepared)
    if (parameters := model.parameters()) is not None:
        found["model/parameters"] = float(parameters)
    if not fitted.history.is_empty():
        found["val/loss"] = float(fitted.history["val/loss"][fitted.best_epoch])
    return found


def _predict_seconds(prepared: Prepared) -> float:
    """Time the classification of the validation rows: the shortest of PREDICTIONS attempts."""
    seconds = []
    for _ in range(PREDICTIONS):
        start = time.perf_counter()
        predict_probabilities(prepared.model, prepared.validation.x, prepared.validation.steps)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _pruned(worker: Worker, trial: optuna.Trial, run: Run) -> str:
    worker.prune(trial)
    run.tags({"trial.state": "PRUNED", "trial.pruned_epoch": str(run.epochs - 1)})
    return f"pruned after {run.epochs} epochs"


def _failed(worker: Worker, trial: optuna.Trial, run: Run, error: Exception) -> str:
    reason = str(error)
    if not isinstance(error, UserError):
        reason = redact_secrets(f"{type(error).__name__}: {error}")
        _keep_traceback(run)
    worker.fail(trial, reason)
    run.outcome = "FAILED"
    run.tags({"trial.state": "FAIL", "trial.reason": reason[:5000]})
    return f"failed: {reason}"


def _keep_traceback(run: Run) -> None:
    """Keep the traceback of a crash: whoever fixes the code needs it."""
    with atomic.temporary_folder() as folder:
        file = folder / "traceback.txt"
        file.write_text(redact_secrets(traceback.format_exc()))
        run.artifact(file)
