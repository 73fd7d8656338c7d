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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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

from iot_ids.config import Tracking
from iot_ids.detector import Detector
from iot_ids.errors import UserError

FLUSH_SECONDS = 1.0
LONGEST_PARAMETER = 6000
BATCH = 100
SQLITE = "sqlite:///"
REQUIREMENTS = ["mlflow", "polars", "numpy", "scikit-learn", "torch", "safetensors", "skops"]


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

    Raises:
        UserError: the store cannot be opened or written.
    """
    folder = Path(tracking.artifacts).resolve()
    with _opened(tracking) as (uri, client):
        found = client.get_experiment_by_name(dataset)
        location = None if uri.startswith("http") else folder.as_uri()
        experiment = found.experiment_id if found else client.create_experiment(dataset, location)
    return Store(uri, experiment, client)


def existing_stores(tracking: Tracking) -> dict[str, Store]:
    """Every experiment that holds a run, by its dataset's name. Nothing is created.

    Raises:
        UserError: there is no store, or it cannot be opened.
    """
    file = Path(_absolute(tracking.uri).removeprefix(SQLITE))
    if tracking.uri.startswith(SQLITE) and not file.exists():
        raise UserError(
            f"tracking.uri={tracking.uri}: there is no store at {file}; train first, or name the store: "
            "tracking.uri=sqlite:////ABSOLUTE/PATH/mlflow.db"
        )
    with _opened(tracking) as (uri, client):
        stores = {each.name: Store(uri, each.experiment_id, client) for each in client.search_experiments()}
        return {name: store for name, store in stores.items() if client.search_runs([store.experiment], max_results=1)}


@dataclass(frozen=True)
class KeptRun:
    """What the store says of a run. `start` is in milliseconds; the last value of each metric counts."""

    id: str
    name: str
    status: str
    start: int
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def kept_runs(store: Store) -> list[KeptRun]:
    """All runs of the store's experiment but the deleted ones, the earliest first."""
    runs, token = [], None
    while True:
        page = store.client.search_runs([store.experiment], max_results=1000, page_token=token)
        runs += [
            KeptRun(i.run_id, i.run_name or i.run_id, i.status, i.start_time, d.params, d.tags, d.metrics)
            for i, d in ((run.info, run.data) for run in page)
        ]
        if not (token := page.token):
            return sorted(runs, key=lambda run: (run.start, run.id))


def fetch(store: Store, id: str, name: str, folder: Path) -> Path | None:
    """A copy of one of a run's artifacts in `folder`, which may lie on another machine; None where it is lost."""
    try:
        return Path(store.client.download_artifacts(id, name, str(folder)))
    except (OSError, mlflow.MlflowException):
        return None


@dataclass
class Run:
    """One run. Epochs are sent in batches, since a call to the store takes longer than many an epoch."""

    store: Store
    id: str
    waiting: list[Metric] = field(default_factory=list)
    sent: float = 0.0

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take one epoch's metrics; they reach the store at most FLUSH_SECONDS later, or with the run's end."""
        now = int(time.time() * 1000)
        self.waiting += [Metric(name, value, now, epoch) for name, value in metrics.items()]
        if time.monotonic() - self.sent > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        for start in range(0, len(self.waiting), 1000):
            self.store.client.log_batch(self.id, metrics=self.waiting[start : start + 1000])
        self.waiting, self.sent = [], time.monotonic()

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final metrics, at step 0."""
        self.report(0, metrics)
        self.flush()

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self.store.client.log_batch(self.id, tags=[RunTag(name, value) for name, value in tags.items()])

    def dataset(self, flows: pl.DataFrame, name: str, source: str, digest: str, part: str) -> None:
        """Log `flows` as an MLflow dataset: its columns, size, source and content hash, not its rows."""
        origin = LocalArtifactDatasetSource(source)
        entity = mlflow.data.from_polars(flows, source=origin, name=name, digest=digest[:8])._to_mlflow_entity()
        self.store.client.log_inputs(self.id, [DatasetInput(entity, [InputTag("mlflow.data.context", part)])])

    def artifacts(self, folder: Path) -> None:
        """Keep everything in `folder`."""
        self.store.client.log_artifacts(self.id, str(folder))

    def artifact(self, file: Path) -> None:
        """Keep one file."""
        self.store.client.log_artifact(self.id, str(file))


@contextmanager
def start(store: Store, name: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Run]:
    """A run, from RUNNING to FINISHED; FAILED where an exception leaves the block, KILLED where it is interrupted.

    SIGTERM counts as an interruption. Only `kill -9` can leave a run RUNNING.
    """
    with _terminable():
        id = store.client.create_run(store.experiment, run_name=name, tags=dict(tags)).info.run_id
        run = Run(store, id)
        status = "KILLED"
        try:
            items = [Param(key, value[:LONGEST_PARAMETER]) for key, value in parameters.items()]
            for first in range(0, len(items), BATCH):
                store.client.log_batch(id, params=items[first : first + BATCH])
            yield run
            status = "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            try:
                run.flush()
            finally:
                store.client.set_terminated(id, status)


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
                pip_requirements=REQUIREMENTS,
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
    """The git commit of this code, with `-dirty` where it was changed since; `unknown` outside a checkout."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", str(here)) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@contextmanager
def _opened(tracking: Tracking) -> Iterator[tuple[str, mlflow.MlflowClient]]:
    """The store's address and a client of it, for one process at a time; what goes wrong is a UserError."""
    uri = _absolute(tracking.uri)
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        if uri.startswith(SQLITE):
            _check_sqlite(Path(uri.removeprefix(SQLITE)))
        with FileLock(_lock(uri), timeout=300):
            yield uri, mlflow.MlflowClient(uri)
    except (OSError, Timeout, mlflow.MlflowException) as error:
        raise UserError(
            f"tracking.uri={tracking.uri}: the store cannot be used: {str(error).splitlines()[0]}"
        ) from error


def _absolute(uri: str) -> str:
    """A relative SQLite path, made absolute, so that the line printed at the end works from any directory."""
    path = uri.removeprefix(SQLITE)
    return f"{SQLITE}{Path(path).resolve()}" if uri.startswith(SQLITE) else uri


def _check_sqlite(file: Path) -> None:
    """Fail now, with the system's own words, where the store's folder or file cannot be written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab"):
        pass
    if file.stat().st_size == 0:
        file.unlink()


def _lock(uri: str) -> Path:
    if uri.startswith(SQLITE):
        return Path(f"{uri.removeprefix(SQLITE)}.lock")
    return Path(tempfile.gettempdir()) / f"iot-ids-{hashlib.sha256(uri.encode()).hexdigest()[:16]}.lock"


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
