"""A sweep from its first trial to the test of what it found."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import optuna

from iot_ids import terminal, track
from iot_ids.config import container
from iot_ids.errors import UserError
from iot_ids.sweep import report, spec
from iot_ids.sweep.final import final_runs
from iot_ids.sweep.job import Job, Ready, ready
from iot_ids.sweep.report import best_of
from iot_ids.sweep.study import REASON, Worker, at_work, failed
from iot_ids.sweep.trial import attempt
from iot_ids.track import Run, Store

RUN = "mlflow.run"
"""The study's attribute that names its MLflow run."""


def search(job: Job) -> None:
    """Run the trials that are missing, then train and test the best configuration beside the untuned one.

    Several processes may do this at once: each runs what no other does, and the last one makes the final runs.

    Raises:
        UserError: whatever `ready` refuses; more trials failed than may; a final run failed.
        KeyboardInterrupt: as it came, after the user was told how to go on.
    """
    spec.check(job.settings)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with terminal.working("reading the flows, once for all trials"):
        sweep = ready(job)
    for note in sweep.notes:
        terminal.say(note)
    store = track.open_store(sweep.config.tracking, sweep.config.dataset.name)
    parents: list[Run] = []
    with track.terminable(), at_work(sweep.asked, lambda study: parents.append(_parent(sweep, store, study))) as worker:
        (parent,) = parents
        with _ended(sweep, worker, parent):
            track.end_lost(parent, worker.alive)
            _trials(sweep, worker, parent)
            if not _last(worker):
                return
            with worker.locks.hold(_final(worker)):
                track.end_lost(parent, worker.alive)
                best = best_of(worker)
                report.write(sweep, worker, parent, best)
                tested = final_runs(sweep, best, worker, parent)
            report.show(sweep, worker, parent, best, tested)


def _parent(sweep: Ready, store: Store, study: optuna.Study) -> Run:
    """The sweep's own run in MLflow, which the study remembers."""
    known = study.user_attrs.get(RUN)
    generated = "generated" if sweep.config.simulated else "published"
    tags = {
        "kind": "sweep",
        "sweep": study.study_name,
        "data.origin": generated,
        "data.sha256": sweep.asked.identity["data.sha256"],
        "git.commit": track.commit(),
    }
    parameters = track.flat({**container(sweep.base), "sweep": _settings(sweep)})
    run = track.begin_sweep(store, known, study.study_name, parameters, tags)
    if run.id != known:
        study.set_user_attr(RUN, run.id)
    return run


def _settings(sweep: Ready) -> dict[str, Any]:
    """The sweep's own parameters: what was asked of `hydra.sweeper`, and the space."""
    asked = asdict(sweep.job.settings) | {"storage": track.public(sweep.asked.storage)}
    space = {key: str(distribution) for key, distribution in sweep.asked.space.items()}
    return {key: value for key, value in asked.items() if key not in ("_target_", "params")} | {"space": space}


def _trials(sweep: Ready, worker: Worker, parent: Run) -> None:
    """Run trials until none is missing."""
    where = track.public(sweep.asked.storage)
    done = worker.done()
    watch = report.dashboard(where)
    terminal.say(f"study {worker.study.study_name}: {done} of {worker.total()} trials done; watch it: {watch}")
    while True:
        _refuse_failures(sweep, worker)
        begun = time.perf_counter()
        if (trial := worker.next_trial()) is None:
            return
        _trial(sweep, worker, parent, trial, begun)


def _trial(sweep: Ready, worker: Worker, parent: Run, trial: optuna.Trial, begun: float) -> None:
    name = f"trial {trial.number}"
    tags = {
        "kind": "trial",
        "sweep": worker.study.study_name,
        "trial.number": str(trial.number),
        "data.origin": "generated" if sweep.config.simulated else "published",
        track.PARENT: parent.id,
        track.WORKER: worker.id,
    }
    with track.start(parent.store, f"trial-{trial.number}", {}, tags) as run:
        said = attempt(worker, trial, lambda: sweep.job.composed(trial.params), sweep.rows, run, name)
    seconds = time.perf_counter() - begun
    done = worker.done()
    terminal.say(f"{name} ({done} of {worker.total()}), {report.spelled(trial.params)}: {said}, {seconds:.1f} s")


def _refuse_failures(sweep: Ready, worker: Worker) -> None:
    settings = sweep.job.settings
    failures = [trial for trial in worker.trials() if failed(trial)]
    if len(failures) <= settings.max_failure_rate * settings.n_trials:
        return
    last = f"{report.spelled(failures[-1].params)}: {failures[-1].user_attrs.get(REASON, 'no reason was kept')}"
    raise UserError(
        f"{len(failures)} of {settings.n_trials} trials failed, more than "
        f"hydra.sweeper.max_failure_rate={settings.max_failure_rate} allows; the last, {last}"
    )


def _final(worker: Worker) -> str:
    return f"final-{worker.study.study_name}"


def _last(worker: Worker) -> bool:
    """Whether nothing is left to others; else the user is told what is."""
    if count := worker.running_elsewhere():
        still = "trial is" if count == 1 else "trials are"
        terminal.say(f"{count} {still} running elsewhere; the last worker makes the final runs")
        return False
    if not worker.locks.free(_final(worker)):
        terminal.say("another worker makes the final runs")
        return False
    return True


@contextmanager
def _ended(sweep: Ready, worker: Worker, parent: Run) -> Iterator[None]:
    """End the sweep's run as the sweep ends, unless others are still at work on it."""
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        worker.give_back()
        done = worker.done()
        terminal.say(f"interrupted with {done} of {worker.total()} trials done; this goes on:\n{sweep.job.words}")
        raise
    finally:
        others = worker.running_elsewhere() or not worker.locks.free(_final(worker))
        if not others:
            track.end_sweep(parent, status)
