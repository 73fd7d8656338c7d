"""Report on a sweep: the best configuration and the command that repeats it, a table of all trials, plots."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from omegaconf import OmegaConf
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.common.text import escape_formulas, mark_simulated
from iot_ids.experiment import console
from iot_ids.sweep import plots
from iot_ids.sweep.job import ReadySweep
from iot_ids.sweep.study import Worker, failed
from iot_ids.tracking import Run

TESTED = ("test/f1_macro", "test/accuracy", "test/false_positive_rate")


def best_of(worker: Worker) -> FrozenTrial:
    """Return the best complete trial; with several objectives, the best by the first of those on the Pareto front.

    Raises:
        UserError: no trial was completed.
    """
    if not any(trial.state is TrialState.COMPLETE for trial in worker.trials()):
        raise UserError("no trial was completed, so there is no best one; see the reasons above")
    front, sign = front_of(worker.study), 1 if worker.study.directions[0] is StudyDirection.MAXIMIZE else -1
    return max(front, key=lambda trial: sign * trial.values[0])


def front_of(study: Study) -> list[FrozenTrial]:
    """Return the trials on the Pareto front, by number; with one objective, only the first of the best."""
    return study.best_trials if len(study.directions) > 1 else [study.best_trial]


def write(sweep: ReadySweep, worker: Worker, parent: Run, best: FrozenTrial) -> None:
    """Record the report in the sweep's run: tags, metrics, files."""
    trials, command = worker.trials(), repeat_command(sweep, best)
    parent.tags(
        {
            **{f"best.{key}": str(value) for key, value in best.params.items()},
            "best.trial": str(best.number),
            "best.command": command,
            "mlflow.note.content": _note(sweep, best, command),
        }
    )
    parent.metrics(_metrics(worker, best, trials))
    with atomic.temporary_folder() as folder:
        escape_formulas(table(worker, sweep.config.simulated)).write_csv(folder / "trials.csv")
        (folder / "command.txt").write_text(f"{command}\n")
        (folder / "best.yaml").write_text(OmegaConf.to_yaml(sweep.job.composed(best.params), resolve=True))
        plots.write(worker.study, trials, sweep.spec.objectives, _title(sweep), sweep.config.simulated, folder)
        parent.artifacts(folder)


def repeat_command(sweep: ReadySweep, best: FrozenTrial) -> str:
    """Return the command that trains and tests the best configuration again."""
    parsed = sweep.job.parsed
    return shlex.join(["python", "-m", "train", *sweep.job.flags, *parsed.fixed, *parsed.overrides(best.params)])


def table(worker: Worker, simulated: bool) -> pl.DataFrame:
    """Tabulate the trials that count: number, state, parameters, objectives, epochs, seconds, why one failed."""
    rows = [_row(trial, worker.spec.objectives) for trial in worker.trials()]
    return mark_simulated(pl.DataFrame(rows, infer_schema_length=None), simulated)


def _row(trial: FrozenTrial, objectives: Sequence[str]) -> dict[str, Any]:
    values = trial.values or [None] * len(objectives)
    seconds = trial.duration.total_seconds() if trial.duration else None
    return {
        "trial": trial.number,
        "state": trial.state.name,
        **{key: str(value) if isinstance(value, bool) else value for key, value in trial.params.items()},
        **dict(zip(objectives, values, strict=True)),
        "epochs": trial.last_step + 1 if trial.last_step is not None else None,
        "seconds": seconds,
        "fit_seconds": trial.user_attrs.get("fit_seconds"),
        "reason": trial.user_attrs.get("reason"),
    }


def _metrics(worker: Worker, best: FrozenTrial, trials: Sequence[FrozenTrial]) -> dict[str, float]:
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    beyond = [
        trial.duration.total_seconds() - trial.user_attrs["fit_seconds"]
        for trial in complete
        if trial.duration and "fit_seconds" in trial.user_attrs
    ]
    return {
        **dict(zip(worker.spec.objectives, best.values, strict=True)),
        "sweep/trials": len(trials),
        "sweep/complete": len(complete),
        "sweep/pruned": sum(trial.state is TrialState.PRUNED for trial in trials),
        "sweep/failed": sum(map(failed, trials)),
        "sweep/seconds": sum(trial.duration.total_seconds() for trial in trials if trial.duration),
        **({"sweep/overhead_seconds": float(np.mean(beyond))} if beyond else {}),
    }


def _note(sweep: ReadySweep, best: FrozenTrial, command: str) -> str:
    origin = "SIMULATED. " if sweep.config.simulated else ""
    scores = ", ".join(f"{name} {value:.4g}" for name, value in zip(sweep.spec.objectives, best.values, strict=True))
    return f"{origin}Best trial {best.number}: {scores} on validation rows.\n\n```\n{command}\n```\n"


def _title(sweep: ReadySweep) -> str:
    return f"{sweep.config.title}: {sweep.config.model['name']}, validation rows"


def dashboard(where: str) -> str:
    """Return the command that opens the study in a browser."""
    return shlex.join(["optuna-dashboard", where])


def show(sweep: ReadySweep, worker: Worker, parent: Run, best: FrozenTrial, tested: Mapping[str, list[str]]) -> None:
    """Print the best trials, the scores of the final runs, and the commands that show and repeat them."""
    say = console.say
    states = [trial.state for trial in worker.trials()]
    counted = ", ".join(f"{states.count(state)} {state.name.lower()}" for state in dict.fromkeys(states))
    say(f"{len(states)} trials: {counted}")
    console.console.print(_best_table(sweep, worker))
    if any(tested.values()):
        console.console.print(_final_table(sweep, parent, tested))
    say(f"to repeat the best: {repeat_command(sweep, best)}")
    say(f"to see the study: {dashboard(sweep.spec.storage)}")
    console.where(parent.id, parent.store.ui_command())


def _best_table(sweep: ReadySweep, worker: Worker) -> Table:
    """Tabulate the best trials and the untuned one, or the Pareto front."""
    several, origin = len(sweep.spec.objectives) > 1, "SIMULATED: " if sweep.config.simulated else ""
    shown = front_of(worker.study) if several else _first_few(worker)
    what = "the Pareto front" if several else "the best trials"
    made = Table(title=f"{origin}{_title(sweep)}: {what}", title_justify="left", title_style="bold")
    for heading in ("trial", *sweep.spec.objectives):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("parameters", overflow="fold")
    for trial in shown:
        values = [f"{value:.4g}" for value in trial.values]
        made.add_row(
            str(trial.number) + " (untuned)" * (sweep.begins_untuned and trial.params == sweep.spec.first),
            *values,
            spelled(trial.params),
        )
    return made


def _first_few(worker: Worker, count: int = 3) -> list[FrozenTrial]:
    complete = [trial for trial in worker.trials() if trial.state is TrialState.COMPLETE]
    sign = 1 if worker.study.direction is StudyDirection.MAXIMIZE else -1
    ranked = sorted(complete, key=lambda trial: -sign * trial.values[0])
    own = [trial for trial in complete if trial.params == worker.spec.first and trial not in ranked[:count]]
    return [*ranked[:count], *own]


def spelled(parameters: Mapping[str, Any]) -> str:
    """Spell parameters briefly, with four significant digits."""
    short = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in parameters.items()}
    return " ".join(f"{key}={value}" for key, value in short.items())


def _final_table(sweep: ReadySweep, parent: Run, tested: Mapping[str, list[str]]) -> Table:
    origin = "SIMULATED: " if sweep.config.simulated else ""
    seeds = len(sweep.job.settings.seeds)
    title = (
        f"{origin}test rows, {seeds} seed{'s' * (seeds > 1)} on the split of the search: mean and standard deviation"
    )
    made = Table(title=title, title_justify="left", title_style="bold", caption="intervals: iot-ids compare")
    for heading in ("configuration", *(name.removeprefix("test/") for name in TESTED)):
        made.add_column(heading, justify="left" if heading == "configuration" else "right")
    for tuned, ids in tested.items():
        metrics = [parent.store.client.get_run(id).data.metrics for id in ids]
        made.add_row("tuned" if tuned == "true" else "untuned", *(_spread(metrics, name) for name in TESTED))
    return made


def _spread(metrics: Sequence[Mapping[str, float]], name: str) -> str:
    values = [each[name] for each in metrics if name in each]
    if not values:
        return "-"
    return f"{np.mean(values):.4f}" + (f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else "")
