"""Run a sweep, from its first trial to the final test of the best configuration."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.common.interrupts import Interrupts, interruptible
from iot_ids.config import container, resolve_and_check
from iot_ids.data.schema import Origin
from iot_ids.experiment import console
from iot_ids.experiment.run import run as run_experiment
from iot_ids.sweep import report, spec
from iot_ids.sweep.job import Job, ReadySweep, ready
from iot_ids.sweep.report import best_of
from iot_ids.sweep.storage import StorageError
from iot_ids.sweep.study import IN_PASSING, REASON, Worker, failed, join_study
from iot_ids.sweep.trial import PreviousTrial, attempt
from iot_ids.tracking import Run, Store

FINAL = "final"
"""Prefix of the lock of a study's final runs."""
TUNED, UNTUNED = "true", "false"


def search(job: Job) -> None:
    """Run the missing trials, then train and test the best configuration beside the untuned one.

    Several processes may do this at once: they share the trials, and the last one to finish makes the final runs.

    Raises:
        UserError: `ready` fails, more trials failed than allowed, or a final run failed.
        KeyboardInterrupt: the sweep was interrupted; the command that resumes it has been printed.
    """
    spec.check(job.settings)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with interruptible() as interrupts:
        with console.working("reading the flows, once for all trials"):
            sweep = ready(job)
        for note in sweep.notes:
            console.say(note)
        store = tracking.open_store(sweep.config.tracking, sweep.config.dataset.name)
        with (
            tracking.as_user_error(store.uri),
            join_study(sweep.spec) as worker,
            _sweep_run(sweep, worker, store, interrupts) as parent,
        ):
            _run_sweep(sweep, worker, parent, interrupts.check)


def _run_sweep(sweep: ReadySweep, worker: Worker, parent: Run, check: Callable[[], None]) -> None:
    """Run the trials and, unless other workers still have some, the final runs.

    `check` raises KeyboardInterrupt if an interruption is pending.
    """
    tracking.end_lost(parent, worker.alive)
    _trials(sweep, worker, parent, check)
    if count := worker.running_elsewhere():
        still = "trial is" if count == 1 else "trials are"
        console.say(f"{count} {still} running elsewhere; the last worker makes the final runs")
        return
    with worker.locks.hold(f"{FINAL}-{worker.study.study_name}"):  # runs that another worker made are not repeated
        tracking.end_lost(parent, worker.alive)
        best = best_of(worker)
        report.write(sweep, worker, parent, best)
        tested = _final_runs(sweep, best, worker, parent, check)
    report.show(sweep, worker, parent, best, tested)


@contextmanager
def _sweep_run(sweep: ReadySweep, worker: Worker, store: Store, interrupts: Interrupts) -> Iterator[Run]:
    """Open the sweep's run in MLflow and end it with the sweep, unless other workers are still busy."""
    status, parent, alive = "FAILED", None, ExitStack()
    try:
        with worker.choosing(), interrupts.held():  # until the run is known here, nothing could end it
            parent = _parent(sweep, store, worker.study.study_name, alive)
        yield parent
        status = "FINISHED"
    except BaseException as error:
        if interrupts.heard or isinstance(error, KeyboardInterrupt):
            status = "KILLED"
        with interrupts.held():  # a second Ctrl-C waits
            with suppress(StorageError):
                worker.give_back()
            if status == "KILLED":
                console.say(f"interrupted with {_progress(worker)} trials done; to resume:\n{sweep.job.words}")
        raise
    finally:
        with interrupts.held():
            if parent is not None and not _others(worker):
                tracking.end_sweep(parent, status)
            alive.close()


def _others(worker: Worker) -> bool:
    """Whether other workers are running trials; first fails the trials of dead workers."""
    with suppress(StorageError):
        with worker.choosing(IN_PASSING):
            worker.fail_lost()
        return worker.running_elsewhere() > 0
    return False


def _progress(worker: Worker) -> str:
    return f"{worker.done()} of {worker.total()}"


def _parent(sweep: ReadySweep, store: Store, name: str, alive: ExitStack) -> Run:
    tags = {
        "kind": "sweep",
        "sweep": name,
        "data.origin": _origin(sweep),
        "data.sha256": sweep.spec.identity["data.sha256"],
        "git.commit": tracking.commit(),
    }
    parameters = tracking.flat({**container(sweep.base), "sweep": _settings(sweep)})
    return tracking.begin_sweep(store, name, parameters, tags, alive)


def _origin(sweep: ReadySweep) -> str:
    return str((Origin.generated if sweep.config.simulated else Origin.published).value)


def _settings(sweep: ReadySweep) -> dict[str, Any]:
    """Return the sweep's own parameters: the settings of `hydra.sweeper`, and the search space."""
    settings = asdict(sweep.job.settings) | {"storage": sweep.spec.storage}
    space = {key: str(distribution) for key, distribution in sweep.spec.space.items()}
    return {key: value for key, value in settings.items() if key not in ("_target_", "params")} | {"space": space}


def _trials(sweep: ReadySweep, worker: Worker, parent: Run, check: Callable[[], None]) -> None:
    """Run trials until none is missing; `check` raises KeyboardInterrupt if an interruption is pending."""
    watch = report.dashboard(sweep.spec.storage)
    console.say(f"study {worker.study.study_name}: {_progress(worker)} trials done; to watch it: {watch}")
    last = PreviousTrial(sweep.prepared)
    while True:
        check()
        _refuse_failures(sweep, worker)
        begun = time.perf_counter()
        if (trial := worker.next_trial()) is None:
            return
        said = _trial(sweep, worker, parent, trial, last, check)
        seconds, what = time.perf_counter() - begun, f"trial {trial.number} ({_progress(worker)})"
        console.say(f"{what}, {report.spelled(trial.params)}: {said}, {seconds:.1f} s")


def _trial(
    sweep: ReadySweep, worker: Worker, parent: Run, trial: optuna.Trial, last: PreviousTrial, check: Callable[[], None]
) -> str:
    tags = {
        "kind": "trial",
        "sweep": worker.study.study_name,
        "trial.number": str(trial.number),
        "data.origin": _origin(sweep),
        tracking.PARENT: parent.id,
        tracking.WORKER: worker.id,
    }
    with tracking.start(parent.store, f"trial-{trial.number}", {}, tags) as run:
        return attempt(worker, trial, lambda: sweep.job.composed(trial.params), last, run, check)


def _refuse_failures(sweep: ReadySweep, worker: Worker) -> None:
    settings = sweep.job.settings
    failures = [trial for trial in worker.trials() if failed(trial)]
    if len(failures) <= settings.max_failure_rate * settings.n_trials:
        return
    last = f"{report.spelled(failures[-1].params)}: {failures[-1].user_attrs.get(REASON, 'no reason was kept')}"
    raise UserError(
        f"{len(failures)} of {settings.n_trials} trials failed, more than "
        f"hydra.sweeper.max_failure_rate={settings.max_failure_rate} allows; the last, {last}"
    )


def _final_runs(
    sweep: ReadySweep, best: FrozenTrial, worker: Worker, parent: Run, check: Callable[[], None]
) -> dict[str, list[str]]:
    """Train and test the best and the untuned configuration once per final seed; return the runs by their tag `tuned`.

    Whatever their seed, they all use the split of the search; another split would test on rows that the search used
    for validation. Finished runs are not repeated. If the untuned configuration is the best, it runs only once. `check`
    raises KeyboardInterrupt if an interruption is pending.

    Raises:
        UserError: some of the runs failed; the others are finished and stay.
    """
    configurations: dict[str, Mapping[str, Any]] = {TUNED: best.params}
    if resolve_and_check(sweep.job.composed(best.params)) != resolve_and_check(sweep.job.composed(sweep.untuned)):
        configurations[UNTUNED] = sweep.untuned
    found: dict[str, list[str]] = {tuned: [] for tuned in configurations}
    failures = []
    for seed in sweep.job.settings.seeds:
        for tuned, parameters in configurations.items():
            tags = {
                "tuned": tuned,
                "sweep": worker.study.study_name,
                "sweep.trials": str(len(worker.trials())),
                tracking.PARENT: parent.id,
                tracking.WORKER: worker.id,
            }
            more = [f"seed={seed}", f"split_seed={sweep.config.drawn_by}", "tracking.skip_finished=true"]
            try:
                found[tuned].append(run_experiment(sweep.job.composed(parameters, *more), brief=True, tags=tags))
            except UserError as error:
                check()  # an interruption may have caused this error
                print(f"seed {seed}: {error}", file=sys.stderr)
                failures.append(seed)
    if found[TUNED]:
        tracking.supersede(parent, found[TUNED])
    if failures:
        raise UserError(f"{len(failures)} final runs failed, see above; repeat the command to run them again")
    return found
