"""MLflow: the store, and one run in it. Only this file and the model file it ships, `served.py`, know MLflow."""

import hashlib
import json
import logging
import os
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import polars as pl
from filelock import FileLock, Timeout
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.models import ModelSignature
from mlflow.types.schema import AnyType, ColSpec, Schema
from sqlalchemy.exc import SQLAlchemyError

from iot_ids.config import Tracking
from iot_ids.detector import Detector
from iot_ids.errors import UserError

console = logging.getLogger(__name__)
FLUSH_SECONDS = 1.0
LONGEST_PARAMETER = 6000
BATCH = 100
SQLITE = "sqlite:///"
REQUIREMENTS = ("mlflow", "pandas", "polars", "numpy", "scikit-learn", "torch", "safetensors", "skops")
"""What loading a kept model needs; kept with the versions of the training."""


@dataclass(frozen=True)
class Store:
    """An MLflow store with the experiment that this dataset's runs belong to."""

    uri: str
    experiment: str
    client: mlflow.MlflowClient

    def ui_command(self) -> str:
        """The line that shows the runs in a browser, from any directory."""
        return f"mlflow ui --backend-store-uri {self.uri} --host 127.0.0.1"


def open_store(tracking: Tracking, dataset: str) -> Store:
    """Open the store; where it is new, create its tables and the dataset's experiment.

    Creating either twice at once breaks a fresh SQLite file or loses runs, so one process at a time comes through here.
    An experiment keeps its artifacts where it was created with; `tracking.artifacts` counts for a new one.

    Raises:
        UserError: the store or the artifacts' folder cannot be used, or the experiment was deleted.
    """
    uri, folder = _absolute(tracking.uri), Path(tracking.artifacts).resolve()
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        if uri.startswith(SQLITE):
            Path(uri.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_lock(uri), timeout=300):
            return _opened(uri, folder, dataset)
    except (OSError, Timeout, ImportError, SQLAlchemyError, mlflow.MlflowException) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"tracking.uri={tracking.uri}: the store cannot be used: {reason}") from error


def _opened(uri: str, folder: Path, dataset: str) -> Store:
    if uri.startswith(SQLITE) and (file := Path(uri.removeprefix(SQLITE))).exists():
        with file.open("ab"):
            pass  # the system says now, in its own words, what SQLite would say after the training
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name(dataset)
    if found is None:
        if not uri.startswith("http"):
            folder.mkdir(parents=True, exist_ok=True)
        location = None if uri.startswith("http") else folder.as_uri()
        return Store(uri, client.create_experiment(dataset, location), client)
    if found.lifecycle_stage != "active":
        raise UserError(
            f"the experiment {dataset!r} of {uri} was deleted; bring it back with "
            f"`MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {found.experiment_id}`, or use another store"
        )
    if found.artifact_location.startswith("file:") and found.artifact_location != folder.as_uri():
        console.warning("artifacts are kept in %s, where this experiment began", found.artifact_location)
    return Store(uri, found.experiment_id, client)


@dataclass
class Run:
    """One run. Epochs are sent in batches, since a call to the store takes longer than many an epoch."""

    store: Store
    id: str
    epochs: int = 0
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

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self.store.client.log_batch(self.id, tags=[RunTag(name, value) for name, value in tags.items()])

    def dataset(self, flows: pl.DataFrame, name: str, source: str, digest: str, part: str) -> None:
        """Log `flows` as an MLflow dataset: its columns, size, source and content hash, not its rows."""
        origin = LocalArtifactDatasetSource(source)
        entity = mlflow.data.from_polars(flows, source=origin, name=name, digest=digest[:8])._to_mlflow_entity()
        with FileLock(_lock(self.store.uri), timeout=300):  # two runs that log the same dataset at once: one would fail
            self.store.client.log_inputs(self.id, [DatasetInput(entity, [InputTag("mlflow.data.context", part)])])

    def artifacts(self, folder: Path) -> None:
        """Keep everything in `folder`."""
        self.store.client.log_artifacts(self.id, str(folder))


@contextmanager
def start(store: Store, name: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Run]:
    """A run, from RUNNING to FINISHED; FAILED where an exception leaves the block, KILLED where it is interrupted.

    SIGTERM counts as an interruption. Only `kill -9` can leave a run RUNNING.
    """
    status, run = "KILLED", None
    with _terminable() as held:
        try:
            with held():  # an interruption waits until the run is known here, or nobody would end it
                run = Run(store, store.client.create_run(store.experiment, run_name=name, tags=dict(tags)).info.run_id)
            items = [Param(key, value[:LONGEST_PARAMETER]) for key, value in parameters.items()]
            for first in range(0, len(items), BATCH):
                store.client.log_batch(run.id, params=items[first : first + BATCH])
            yield run
            run.flush()
            status = "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            if run is not None:
                _end(run, status)


def _end(run: Run, status: str) -> None:
    """Send what waits, and end the run whether or not that goes well."""
    with suppress(Exception):
        run.flush()
    run.store.client.set_terminated(run.id, status)


def save_model(detector: Detector, folder: Path) -> None:
    """Write `detector` into `folder` as an MLflow model that is loaded from code, never by unpickling.

    Its signature names the raw columns and the classes; a column may be of any type, since the detector reads text too.
    """
    columns = [*detector.columns.numeric, *detector.columns.categorical]
    signature = ModelSignature(
        inputs=Schema([ColSpec(AnyType(), name) for name in columns]),
        outputs=Schema([ColSpec("float", name) for name in detector.classes]),
    )
    with tempfile.TemporaryDirectory() as aside:
        kept = Path(aside) / "detector"
        detector.save(kept)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input example", category=UserWarning)  # the signature says it
            mlflow.pyfunc.save_model(
                str(folder),
                python_model=str(Path(__file__).parent / "served.py"),
                artifacts={"detector": str(kept)},
                code_paths=[str(Path(__file__).parent)],
                signature=signature,
                pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in REQUIREMENTS],
            )


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested configuration as parameters: `model.hidden_size` -> `64`; lists as JSON."""
    parameters: dict[str, str] = {}
    for name, value in config.items():
        key = prefix + "".join(letter if letter.isalnum() or letter in "_-./ :" else "_" for letter in str(name))
        if isinstance(value, Mapping):
            parameters |= flat(value, f"{key}.")
        else:
            parameters[key] = json.dumps(value) if isinstance(value, list) else str(value)
    return parameters


def commit() -> str:
    """The git commit of this code, with `-dirty` where code or configuration changed since; `unknown` elsewhere.

    An installed copy may lie in somebody else's checkout; only a file that git tracks says something of this code.
    """
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)
        places = [f":/{place}" for place in ("src", "conf", "pyproject.toml")]
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", *places) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _absolute(uri: str) -> str:
    """A relative SQLite path, made absolute, so that the line printed at the end works from any directory."""
    if uri.startswith("sqlite:") and len(uri.removeprefix(SQLITE)) in (0, len(uri)):
        raise UserError(f"tracking.uri={uri} names no file; a store in memory keeps nothing")
    return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).resolve()}" if uri.startswith(SQLITE) else uri


def _lock(uri: str) -> Path:
    if uri.startswith(SQLITE):
        return Path(f"{uri.removeprefix(SQLITE)}.lock")
    return Path(tempfile.gettempdir()) / f"iot-ids-{hashlib.sha256(uri.encode()).hexdigest()[:16]}.lock"


@contextmanager
def _terminable() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Let SIGTERM end the block as Ctrl-C does. Gives a context in which both wait until it is left."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    @contextmanager
    def held() -> Iterator[None]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield held
    finally:
        signal.signal(signal.SIGTERM, before)
