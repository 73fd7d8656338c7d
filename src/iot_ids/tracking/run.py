"""Record runs in the store: their configuration, commit and model; end each one, however its process ends.

A sweep has a run of its own, which all its workers share: the first one creates it, the last one ends it.
"""

import json
import logging
import os
import posixpath
import subprocess
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import polars as pl
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from iot_ids.common import atomic
from iot_ids.common.interrupts import interruptible
from iot_ids.common.paths import PACKAGE
from iot_ids.common.redact import redact_passwords
from iot_ids.serving.detector import Detector, classes_to_trust
from iot_ids.tracking.alive import KEY, living, new_key
from iot_ids.tracking.store import Store, locked, tagged

FLUSH_SECONDS = 1.0
LONGEST_PARAMETER = 6000
BATCH = 100
REQUIREMENTS = ("mlflow", "pandas", "polars", "numpy", "scikit-learn", "torch", "safetensors", "skops")
"""Packages that loading a saved model needs; recorded with the versions used in training."""
LONGEST_KEY = 250
GIT_SECONDS = 10.0
"""How long `git` may take; it can hang on a network file system or in a filter that waits for input."""
PARENT = "mlflow.parentRunId"
"""The tag by which MLflow nests a run under another."""
SAME = "config.fingerprint"
WORKER = "sweep.worker"
"""The tag of a nested run with the id of its worker."""


@dataclass
class Run:
    """A run in the store. Epochs are sent in batches, because a call to the store can take longer than an epoch."""

    store: Store
    id: str
    epochs: int = 0
    outcome: str = "FINISHED"
    """The status at the end, unless an exception is raised."""
    waiting: list[Metric] = field(default_factory=list)
    sent: float = 0.0

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log one epoch's metrics; they are sent with the first report after FLUSH_SECONDS, or at the run's end."""
        now = int(time.time() * 1000)
        self.epochs = epoch + 1
        self.waiting += [Metric(name, value, now, epoch) for name, value in metrics.items()]
        if time.monotonic() - self.sent > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send the metrics that are waiting."""
        for start in range(0, len(self.waiting), 1000):
            self.store.client.log_batch(self.id, metrics=self.waiting[start : start + 1000])
        self.waiting, self.sent = [], time.monotonic()

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final metrics one step after the last epoch, because MLflow shows the value at the highest step."""
        self.report(self.epochs, metrics)
        self.flush()

    def parameters(self, parameters: Mapping[str, str]) -> None:
        """Log parameters; values that are too long for MLflow are cut."""
        items = [Param(key, value[:LONGEST_PARAMETER]) for key, value in parameters.items()]
        for first in range(0, len(items), BATCH):
            self.store.client.log_batch(self.id, params=items[first : first + BATCH])

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self.store.client.log_batch(self.id, tags=[RunTag(name, value) for name, value in tags.items()])

    def dataset(self, flows: pl.DataFrame, name: str, source: str, digest: str, part: str) -> None:
        """Log `flows` as an MLflow dataset: its columns, size, source and content hash, not its rows."""
        origin = LocalArtifactDatasetSource(source)
        with _without_warnings():  # MLflow warns about each categorical column, which it maps to text
            entity = mlflow.data.from_polars(flows, source=origin, name=name, digest=digest[:8])._to_mlflow_entity()
        with locked(self.store.uri):  # if two runs logged the same dataset at once, one would fail
            self.store.client.log_inputs(self.id, [DatasetInput(entity, [InputTag("mlflow.data.context", part)])])

    def artifacts(self, folder: Path) -> None:
        """Upload everything in `folder`."""
        self.store.client.log_artifacts(self.id, str(folder))

    def artifact(self, file: Path) -> None:
        """Upload one file."""
        self.store.client.log_artifact(self.id, str(file))


def made(store: Store, name: str, tags: Mapping[str, str]) -> Run:
    """Create a RUNNING run, which the caller must end."""
    return Run(store, store.client.create_run(store.experiment, run_name=name, tags=dict(tags)).info.run_id)


@contextmanager
def start(store: Store, name: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Run]:
    """Open a run and end it as FINISHED, as FAILED after an exception, or as KILLED after an interruption.

    SIGTERM counts as an interruption. After `kill -9` the run stays RUNNING until the store is opened next.
    """
    status, run, key = "KILLED", None, new_key()
    with interruptible() as interrupts, ExitStack() as alive:
        try:
            with locked(store.uri), interrupts.held():  # until the run is known here, nothing could end it
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


def save_model(detector: Detector, folder: Path, examples: pl.DataFrame | None = None) -> None:
    """Write `detector` into `folder` as an MLflow model that is loaded from code, never by unpickling.

    Its signature names the classes. It does not name the raw columns: MLflow has no type for "a number, whole or not,
    or text that is one", and would refuse what the detector reads; `pyfunc_model` checks them instead. `examples` are
    flows to keep with it.
    """
    signature = ModelSignature(outputs=Schema([ColSpec("float", name) for name in detector.classes]))
    with atomic.temporary_folder() as place:
        kept = place / "detector"
        detector.save(kept, examples)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input example", category=UserWarning)
            mlflow.pyfunc.save_model(
                str(folder),
                python_model=str(Path(__file__).with_name("pyfunc_model.py")),
                artifacts={"detector": str(kept)},
                code_paths=[str(PACKAGE)],
                signature=signature,
                model_config={"trust": classes_to_trust(kept)},
                pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in REQUIREMENTS],
            )


def spelled(name: object) -> str:
    """Make a name valid in an MLflow key: replace invalid characters by `_`, and slashes if they would form a path."""
    known = "".join(letter if letter.isalnum() or letter in "_-./ :" else "_" for letter in str(name))
    return known if posixpath.normpath(f"a{known}") == f"a{known}" else known.replace("/", "_")


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten a nested configuration to parameters, such as `model.hidden_size` -> `64`; lists become JSON."""
    parameters: dict[str, str] = {}
    for name, value in config.items():
        key = (prefix + spelled(name))[:LONGEST_KEY]
        if isinstance(value, Mapping):
            parameters |= flat(value, f"{key}.")
        else:
            parameters[key] = json.dumps(value) if isinstance(value, list) else redact_passwords(str(value))
    return parameters


def commit() -> str:
    """Return the git commit of this code, with `-dirty` if code or configuration have changed since.

    It is `unknown` outside a checkout or if `git` fails. A copy installed inside another project's checkout is not
    tracked there, so its commit is `unknown` too.
    """
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=GIT_SECONDS,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)
        places = [f":/{place}" for place in ("src", "conf", "pyproject.toml")]
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", *places) else "")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return "unknown"


def begin_sweep(
    store: Store, name: str, parameters: Mapping[str, str], tags: Mapping[str, str], alive: ExitStack
) -> Run:
    """Resume the sweep's run, found by its tags `kind` and `sweep`, or create it.

    `alive` receives this worker's lease on the run; close it when the run is ended or left to other workers.
    """
    with locked(store.uri):
        known = tagged(store, f"tags.kind = '{tags['kind']}'", {"sweep": tags["sweep"]})
        key = (known and known.data.tags.get(KEY)) or new_key()
        alive.enter_context(living(store.uri, key))
        if known:
            store.client.set_tag(known.info.run_id, KEY, key)
            store.client.update_run(known.info.run_id, status="RUNNING")
            return Run(store, known.info.run_id)
        run = made(store, name, {**tags, KEY: key})
    run.parameters(parameters)
    return run


def end_sweep(run: Run, status: str) -> None:
    """End the sweep's run as FINISHED, as KILLED if trials are missing, or as FAILED if too many failed."""
    run.flush()
    run.store.client.set_terminated(run.id, status)


def end_lost(parent: Run, alive: Callable[[str], bool]) -> None:
    """End runs nested under `parent` that are still RUNNING although their worker is dead."""
    store = parent.store
    below = f"attributes.status = 'RUNNING' and tags.`{PARENT}` = '{parent.id}'"
    for run in store.client.search_runs([store.experiment], below):
        if not alive(run.data.tags.get(WORKER, "")):
            store.client.set_terminated(run.info.run_id, "KILLED")


def supersede(parent: Run, tuned: Collection[str]) -> None:
    """Take final runs of earlier best configurations out of comparisons; `tuned` are those of the current best.

    They stay in the store with the tag `kind=superseded`, as a record that the test rows were read for them. If their
    configuration becomes the best again, the tag is removed.
    """
    store, best = parent.store, f"tags.`{PARENT}` = '{parent.id}' and tags.tuned = 'true'"
    runs = store.client.search_runs([store.experiment], best)
    same = {run.data.tags.get(SAME) for run in runs if run.info.run_id in tuned}
    for run in runs:
        if run.data.tags.get(SAME) not in same:
            store.client.set_tag(run.info.run_id, "kind", "superseded")
        elif "kind" in run.data.tags:
            store.client.delete_tag(run.info.run_id, "kind")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Disable all warnings: MLflow's come from the root logger, so they cannot be filtered by name."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _end(run: Run, status: str) -> None:
    """Send the waiting metrics, and end the run even if that fails."""
    with suppress(Exception):
        run.flush()
    run.store.client.set_terminated(run.id, status)
