"""One trial: prepare and fit, never judge; every epoch is reported, and may be the last."""

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
from iot_ids.common.redact import said
from iot_ids.common.refusals import refused
from iot_ids.config import Config, container
from iot_ids.experiment import console, steps
from iot_ids.experiment.state import Fitted, Prepared
from iot_ids.models.classifier import Report, answers
from iot_ids.sweep.job import searched
from iot_ids.sweep.storage import StorageError, told
from iot_ids.sweep.study import Worker
from iot_ids.tracking import Run

PREDICTIONS = 3
"""So often the validation rows are classified, to time it."""


@dataclass
class PreviousTrial:
    """What the last trial was prepared to; the next one takes of it what is the same."""

    prepared: Prepared


def attempt(
    worker: Worker,
    trial: optuna.Trial,
    compose: Callable[[], DictConfig],
    last: PreviousTrial,
    run: Run,
    check: Callable[[], None],
) -> str:
    """Run one trial and end it, in the study and as tags of its `run`; return what to tell the user.

    What goes wrong in it is the trial's failure, not the sweep's; but for what goes wrong with a store, or a full disk.

    Args:
        worker: whose trial it is.
        trial: RUNNING.
        compose: gives its configuration, or raises a UserError.
        last: what was prepared before it, and then what was prepared for it.
        run: its MLflow run.
        check: raises an interruption that was heard.

    Raises:
        StorageError: the study's storage failed.
        Exception: MLflow's store failed (`track.STORE_ERRORS`).
        KeyboardInterrupt: as it came; the trial is RUNNING still.
    """
    try:
        values, epochs = _trained(worker, trial, _configuration(compose, run), last, run)
    except optuna.TrialPruned:
        return _pruned(worker, trial, run)
    except (StorageError, *tracking.STORE_ERRORS):
        raise
    except Exception as error:
        check()  # an interruption may have become this error, which is not the trial's then
        if refused(error):  # the next trial would fare no better
            raise
        return _failed(worker, trial, run, error)
    worker.complete(trial, list(values.values()))
    run.tags({"trial.state": "COMPLETE"})
    return ", ".join(f"{metric} {value:.4g}" for metric, value in values.items()) + (
        f", {epochs} epochs" * bool(epochs)
    )


def _configuration(compose: Callable[[], DictConfig], run: Run) -> Config:
    """The trial's configuration, kept as the run's parameters before anything can refuse it."""
    composed = compose()
    run.parameters(tracking.flat(container(composed)))
    return searched(composed)


def _trained(
    worker: Worker, trial: optuna.Trial, config: Config, last: PreviousTrial, run: Run
) -> tuple[dict[str, float], int]:
    """The value of each objective, and the number of epochs, 0 where there are none."""
    last.prepared = prepared = steps.prepare(config, last.prepared)
    hears = _pruning(trial, run.report, worker.asked.objectives, worker.asked.storage)
    with console.training(f"trial {trial.number}", config.trainer.max_epochs, hears) as report:
        fitted = steps.fit(prepared, report)
    found = _metrics(fitted, "time/predict_seconds" in worker.asked.objectives)
    for metric in worker.asked.objectives:
        if not math.isfinite(found.get(metric, math.nan)):
            raise UserError(f"model={config.model['name']}: {metric} is {found.get(metric, 'nothing that it has')}")
    trial.set_user_attr("fit_seconds", fitted.seconds)
    run.metrics(found)
    return {metric: found[metric] for metric in worker.asked.objectives}, fitted.history.height


def _pruning(trial: optuna.Trial, report: Report, objectives: list[str], where: str) -> Report:
    """`report`, and the objective's value of every epoch for the pruner; Optuna prunes by one objective alone."""
    if len(objectives) > 1:
        return report

    def heard(epoch: int, metrics: Mapping[str, float]) -> None:
        report(epoch, metrics)
        if objectives[0] not in metrics:
            return
        with told(where):
            trial.report(metrics[objectives[0]], epoch)
            hopeless = trial.should_prune()
        if hopeless:
            raise optuna.TrialPruned

    return heard


def _metrics(fitted: Fitted, timed: bool) -> dict[str, float]:
    """What a trial can be judged by; nothing here is of the test rows. Predicting is `timed` where it is asked for."""
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
    """To classify the validation rows: the shortest of PREDICTIONS times."""
    seconds = []
    for _ in range(PREDICTIONS):
        start = time.perf_counter()
        answers(prepared.model, prepared.validation.x, prepared.validation.steps)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _pruned(worker: Worker, trial: optuna.Trial, run: Run) -> str:
    worker.prune(trial)
    run.tags({"trial.state": "PRUNED", "trial.pruned_epoch": str(run.epochs - 1)})
    return f"pruned after {run.epochs} epochs"


def _failed(worker: Worker, trial: optuna.Trial, run: Run, error: Exception) -> str:
    reason = str(error)
    if not isinstance(error, UserError):
        reason = said(f"{type(error).__name__}: {error}")
        _keep_traceback(run)
    worker.fail(trial, reason)
    run.outcome = "FAILED"
    run.tags({"trial.state": "FAIL", "trial.reason": reason[:5000]})
    return f"failed: {reason}"


def _keep_traceback(run: Run) -> None:
    """A crash is the programmer's to mend: they will want to see where."""
    with atomic.folder() as folder:
        file = folder / "traceback.txt"
        file.write_text(said(traceback.format_exc()))
        run.artifact(file)
