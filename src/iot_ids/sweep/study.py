"""Share one study between any number of workers: no trial is lost, counted twice or left running."""

import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from iot_ids.common.errors import UserError
from iot_ids.sweep import locks, storage, strategy
from iot_ids.sweep.locks import WORKER, Locks
from iot_ids.sweep.space import Space, size
from iot_ids.sweep.storage import StorageError

TRIES = 3
"""How often a configuration is tried whose workers die; it may be what kills them."""
CHOOSING = "choosing"
"""The lock held to open the study, and to choose, count or end a trial."""
PATIENCE, IN_PASSING = 300.0, 20.0
"""Seconds that a worker waits for CHOOSING, which others hold for a second or two; and when it ends, after which the
next worker can make up for what it could not do."""
WORKER_OF, REASON, LOST, TRY = "worker", "reason", "lost", "try"
"""Attributes of a trial."""
DIFFERENCES_SHOWN = 5


@dataclass(frozen=True)
class StudySpec:
    """The specification of a study. `identity` must not change between workers; `first` is the first trial."""

    name: str
    storage: str
    identity: Mapping[str, str]
    directions: list[str]
    space: Space
    first: Mapping[str, Any]
    n_trials: int
    seed: int
    sampler: Any
    pruner: Any
    epochs: int
    objectives: list[str]


@dataclass(frozen=True)
class Worker:
    """This process as a worker of the study; `id` also names the lock that it holds as long as it lives."""

    spec: StudySpec
    study: optuna.Study
    kept: BaseStorage
    locks: Locks
    id: str

    def next_trial(self) -> optuna.Trial | None:
        """Start the next trial, now RUNNING; None if all are done or running elsewhere."""
        with self.choosing():
            self.fail_lost()
            trials = self.study.get_trials(deepcopy=False)
            count = sum(counts(trial) for trial in trials)
            total = self.total()
            if count >= total:
                return None
            seen = [trial.params for trial in trials if trial.state is not TrialState.WAITING]
            space, seed = self.spec.space, (self.spec.seed + count) % 2**32
            self.study.sampler = strategy.sampler(self.spec.sampler, seed, space, seen)
            trial = self.study.ask(dict(space))
            trial.set_user_attr(WORKER_OF, self.id)
            trial.set_user_attr(TRY, _tries(trials, trial.params) + 1)
            return trial

    def total(self) -> int:
        """The number of trials to run: `n_trials`, or fewer if the search space has fewer configurations."""
        return min(self.spec.n_trials, size(self.spec.space) or self.spec.n_trials)

    def complete(self, trial: optuna.Trial, values: list[float]) -> None:
        """End a trial with its values."""
        with self._ending(trial):
            self.study.tell(trial, values)

    def prune(self, trial: optuna.Trial) -> None:
        """End a trial that was stopped early."""
        with self._ending(trial):
            self.study.tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: optuna.Trial, reason: str) -> None:
        """End a trial that failed for a reason of its own."""
        with self._ending(trial):
            trial.set_user_attr(REASON, reason)
            self.study.tell(trial, state=TrialState.FAIL)

    @contextmanager
    def _ending(self, trial: optuna.Trial) -> Iterator[None]:
        """Hold CHOOSING to end a trial that still belongs to this worker.

        Raises:
            StorageError: the connection that held this worker's lock broke, and another worker took the trial over.
        """
        with self.choosing():
            if self.study.get_trials(deepcopy=False)[trial.number].state is not TrialState.RUNNING:
                raise StorageError(
                    f"trial {trial.number} was taken over by another worker: the connection that held this worker's "
                    "lock was lost; start the worker again"
                )
            yield

    def give_back(self) -> None:
        """Return an interrupted trial, if any, to the queue; the interrupted attempt does not count.

        The trial may have been interrupted while it was being proposed, so it is looked up in the study.
        """
        with self.choosing(IN_PASSING):
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial.user_attrs.get(WORKER_OF, self.id) == self.id:
                    self._again(trial, "interrupted", trial.user_attrs.get(TRY, 1) - 1)

    def fail_lost(self) -> None:
        """Fail the running trials of dead workers and return them to the queue, at most TRIES times."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if not self.alive(trial.user_attrs.get(WORKER_OF, "")):
                self._again(trial, "its worker died", trial.user_attrs.get(TRY, 1))

    def alive(self, worker: str) -> bool:
        """Whether the worker with this id still holds its lock."""
        return worker == self.id or (worker.startswith(WORKER) and not self.locks.free(worker))

    def _again(self, trial: FrozenTrial, reason: str, tries: int) -> None:
        """Fail a RUNNING trial and enqueue its parameters if they may be tried again."""
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}  # its worker may have died taking it
        proposed = params.keys() == self.spec.space.keys()
        may = proposed and tries < TRIES
        attributes = {REASON: reason, TRY: tries, LOST: may or not proposed}
        for name, value in attributes.items():
            self.kept.set_trial_user_attr(trial._trial_id, name, value)  # no public method for another worker's trial
        self.study.tell(trial.number, state=TrialState.FAIL)
        if may:
            self.study.enqueue_trial(params)

    def trials(self) -> list[FrozenTrial]:
        """List the trials that count, by number."""
        with storage.as_storage_error(self.spec.storage):
            return [trial for trial in self.study.get_trials(deepcopy=False) if counts(trial)]

    def done(self) -> int:
        """Count the trials that have ended, of those that count."""
        return sum(trial.state is not TrialState.RUNNING for trial in self.trials())

    def running_elsewhere(self) -> int:
        """Count the trials that other workers are running."""
        running = [trial for trial in self.trials() if trial.state is TrialState.RUNNING]
        return sum(trial.user_attrs.get(WORKER_OF) != self.id for trial in running)

    @contextmanager
    def choosing(self, seconds: float = PATIENCE) -> Iterator[None]:
        """Hold CHOOSING, waiting at most `seconds` for it; the storage's errors become StorageError."""
        with storage.as_storage_error(self.spec.storage), self.locks.hold(CHOOSING, seconds):
            yield


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of the `n_trials`: not if it is queued, or was tried again under another number."""
    return trial.state is not TrialState.WAITING and not trial.user_attrs.get(LOST, False)


def failed(trial: FrozenTrial) -> bool:
    """Whether a trial failed by itself, or its workers died each time."""
    return trial.state is TrialState.FAIL and counts(trial)


def _tries(trials: list[FrozenTrial], params: Mapping[str, Any]) -> int:
    """Count how often a configuration was tried before."""
    return max((trial.user_attrs.get(TRY, 0) for trial in trials if trial.params == params), default=0)


@contextmanager
def join_study(spec: StudySpec) -> Iterator[Worker]:
    """Open the study, or create it, and be one of its workers until the block ends.

    Raises:
        UserError: the storage cannot be used, or the study was begun with other settings.
    """
    where = storage.absolute(spec.storage)
    file = storage.file_of(where)
    id = f"{WORKER}{uuid.uuid4().hex[:12]}"
    with ExitStack() as alive:
        with storage.as_storage_error(where):
            storage.refuse_other(where)
            keys = locks.locks(where, file)
            with keys.hold(CHOOSING, PATIENCE):
                kept = storage.opened(where)
                study = _opened(spec, kept)
                keys.sweep()
                alive.enter_context(keys.hold(id))
        yield Worker(spec, study, kept, keys, id)


def _opened(spec: StudySpec, kept: BaseStorage) -> optuna.Study:
    study = optuna.create_study(
        study_name=spec.name,
        storage=kept,
        directions=[StudyDirection[word.upper()] for word in spec.directions],
        pruner=strategy.pruner(spec.pruner, spec.epochs),
        load_if_exists=True,
    )
    if (begun := study.user_attrs.get("identity")) is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # only Optuna's dashboard uses the names
            study.set_metric_names(list(spec.objectives))
        study.enqueue_trial(dict(spec.first), skip_if_exists=True)
        study.set_user_attr("identity", dict(spec.identity))
        return study
    if begun != spec.identity:
        raise UserError(f"hydra.sweeper.study_name={spec.name}: {_difference(begun, spec.identity)}")
    return study


def _difference(begun: Mapping[str, str], now: Mapping[str, str]) -> str:
    lines = [
        f"  {key}: {begun.get(key, 'nothing')} then, {now.get(key, 'nothing')} now"
        for key in dict.fromkeys([*begun, *now])
        if begun.get(key) != now.get(key)
    ]
    more = [f"  and {len(lines) - DIFFERENCES_SHOWN} more"] * (len(lines) > DIFFERENCES_SHOWN)
    said = "\n".join([*lines[:DIFFERENCES_SHOWN], *more])
    return f"this study was begun with other settings, so its trials cannot be compared\n{said}\nname another study"
