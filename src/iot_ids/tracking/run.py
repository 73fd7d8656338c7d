"""One run in the store, from its start to its end, however it ends."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import polars as pl
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag

from iot_ids.common.interrupts import interruptible
from iot_ids.tracking.alive import KEY, living, new_key
from iot_ids.tracking.store import Store, locked

FLUSH_SECONDS = 1.0
LONGEST_PARAMETER = 6000
BATCH = 100


@dataclass
class Run:
    """One run. Epochs are sent in batches, since a call to the store takes longer than many an epoch."""

    store: Store
    id: str
    epochs: int = 0
    outcome: str = "FINISHED"
    """What the run's status becomes where nothing is raised."""
    waiting: list[Metric] = field(default_factory=list)
    sent: float = 0.0

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take one epoch's metrics; they reach the store at most FLUSH_SECONDS later, or with the run's end."""
        now = int(time.time() * 1000)
        self.epochs = epoch + 1
        self.waiting += [Metric(name, value, now, epoch) for name, value in metrics.items()]
        if time.monotonic() - self.sent > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        for start in range(0, len(self.waiting), 1000):
            self.store.client.log_batch(self.id, metrics=self.waiting[start : start + 1000])
        self.waiting, self.sent = [], time.monotonic()

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final metrics, one step after the last epoch: MLflow shows a metric's value at its highest step."""
        self.report(self.epochs, metrics)
        self.flush()

    def parameters(self, parameters: Mapping[str, str]) -> None:
        """Log parameters; a longer one than MLflow takes is cut."""
        items = [Param(key, value[:LONGEST_PARAMETER]) for key, value in parameters.items()]
        for first in range(0, len(items), BATCH):
            self.store.client.log_batch(self.id, params=items[first : first + BATCH])

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self.store.client.log_batch(self.id, tags=[RunTag(name, value) for name, value in tags.items()])

    def dataset(self, flows: pl.DataFrame, name: str, source: str, digest: str, part: str) -> None:
        """Log `flows` as an MLflow dataset: its columns, size, source and content hash, not its rows."""
        origin = LocalArtifactDatasetSource(source)
        with _without_warnings():  # one for each column of names, which are categorical and mapped to text
            entity = mlflow.data.from_polars(flows, source=origin, name=name, digest=digest[:8])._to_mlflow_entity()
        with locked(self.store.uri):  # two runs that log the same dataset at once: one would fail
            self.store.client.log_inputs(self.id, [DatasetInput(entity, [InputTag("mlflow.data.context", part)])])

    def artifacts(self, folder: Path) -> None:
        """Keep everything in `folder`."""
        self.store.client.log_artifacts(self.id, str(folder))

    def artifact(self, file: Path) -> None:
        """Keep one file."""
        self.store.client.log_artifact(self.id, str(file))


def made(store: Store, name: str, tags: Mapping[str, str]) -> Run:
    """A new run, RUNNING; whoever makes it sees to its end."""
    return Run(store, store.client.create_run(store.experiment, run_name=name, tags=dict(tags)).info.run_id)


@contextmanager
def start(store: Store, name: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Run]:
    """A run, from RUNNING to FINISHED; FAILED where an exception leaves the block, KILLED where it is interrupted.

    SIGTERM counts as an interruption. What only `kill -9` can leave RUNNING is KILLED when the store is opened next.
    """
    status, run, key = "KILLED", None, new_key()
    with interruptible() as interrupts, ExitStack() as alive:
        try:
            with locked(store.uri), interrupts.held():  # an interruption waits: who else would end the run?
                alive.enter_context(living(store.uri, key))
                run = made(store, name, {**tags, KEY: key})
            run.parameters(parameters)
            yield run
            run.flush()
            status = run.outcome
        except Exception:
            status = "KILLED" if interrupts.heard else "FAILED"
            raise
        finally:
            if run is not None:
                with interrupts.held():
                    _end(run, status)
                    alive.close()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """MLflow warns through the root logger, which cannot be told apart by its name."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _end(run: Run, status: str) -> None:
    """Send what waits, and end the run whether or not that goes well."""
    with suppress(Exception):
        run.flush()
    run.store.client.set_terminated(run.id, status)
