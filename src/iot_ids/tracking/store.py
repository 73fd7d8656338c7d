"""The store: opened by one process at a time, and read by the comparison."""

import glob
import hashlib
import logging
import os
import shlex
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import mlflow
from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError

from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.common.fast_import import gc_paused_import
from iot_ids.common.redact import redact_secrets, seal_addresses, split_address, unseal
from iot_ids.config import Tracking
from iot_ids.tracking.alive import end_dead
from iot_ids.tracking.databases import OPTUNAS, SQLITE, sqlite_file, sqlite_url, tables_of

console = logging.getLogger(__name__)
STORE_ERRORS = (SQLAlchemyError, mlflow.MlflowException)
"""What is raised where a store cannot be read or written."""
LOCK_SECONDS = 300
ANSWER_SECONDS = 10
"""How long a server may take to answer."""


@dataclass(frozen=True)
class Store:
    """An MLflow store with the experiment that this dataset's runs belong to; `uri` is sealed."""

    uri: str
    experiment: str
    client: mlflow.MlflowClient

    def ui_command(self) -> str:
        """The line for a shell that shows the runs in a browser, from any directory; of a server, its address."""
        if self.uri.startswith("http"):
            return self.uri
        return shlex.join(["mlflow", "ui", "--backend-store-uri", self.uri, "--host", "127.0.0.1"])


def open_store(tracking: Tracking, dataset: str) -> Store:
    """Open the store and end its dead runs; where it is new, create its tables and the dataset's experiment.

    Creating either twice at once breaks a fresh SQLite file or loses runs, so one process at a time comes through here.
    An experiment keeps its artifacts where it was created with; `tracking.artifacts` counts for a new one.

    Raises:
        UserError: the store or the artifacts' folder cannot be used, or the experiment was deleted.
    """
    folder = Path(tracking.artifacts).resolve()
    with _opened(tracking) as (uri, client):
        return _experiment(uri, client, folder, dataset)


def _experiment(uri: str, client: mlflow.MlflowClient, folder: Path, dataset: str) -> Store:
    found = client.get_experiment_by_name(dataset)
    if found is None:
        location = None if uri.startswith("http") else folder.as_uri()
        _refuse_unwritable(location or "")
        return Store(uri, _created(client, dataset, location), client)
    if found.lifecycle_stage != "active":
        raise UserError(
            f"the experiment {dataset!r} of {uri} was deleted; bring it back with "
            f"`MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {found.experiment_id}`, or use another store"
        )
    if found.artifact_location.startswith("file:") and found.artifact_location != folder.as_uri():
        console.warning("artifacts are kept in %s, where this experiment began", found.artifact_location)
    _refuse_unwritable(found.artifact_location)
    return Store(uri, found.experiment_id, client)


def _created(client: mlflow.MlflowClient, dataset: str, location: str | None) -> str:
    """The id of the dataset's new experiment; on a server, another user may have made it meanwhile."""
    try:
        return str(client.create_experiment(dataset, location))
    except mlflow.MlflowException:
        if (found := client.get_experiment_by_name(dataset)) is None:
            raise
        return str(found.experiment_id)


def _refuse_unwritable(location: str) -> None:
    """Raise a UserError where artifacts cannot be kept, before hours of training would be lost for it."""
    if not location.startswith("file:"):
        return
    folder = Path(unquote(urlsplit(location).path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(
            f"tracking.artifacts={folder}: nothing can be written there ({error.strerror}); mend it, or name another "
            "folder and, for an experiment that began there, another store"
        ) from error


def existing_stores(tracking: Tracking) -> dict[str, Store]:
    """Every experiment that holds a run, by its dataset's name. Nothing is created; dead runs are ended.

    A store in a folder where nothing can be written is read as it is.

    Raises:
        UserError: there is no store, or it cannot be opened.
    """
    if tracking.uri.startswith(SQLITE) and not (file := sqlite_file(_absolute(tracking.uri))).exists():
        raise UserError(
            f"tracking.uri={tracking.uri}: there is no store at {file}; train first, or name the store: "
            "tracking.uri=sqlite:////ABSOLUTE/PATH/mlflow.db"
        )
    with _opened(tracking, reading=True) as (uri, client):
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
    runs = [
        KeptRun(i.run_id, i.run_name or i.run_id, i.status, i.start_time, d.params, d.tags, d.metrics)
        for i, d in ((run.info, run.data) for run in _runs(store, ""))
    ]
    return sorted(runs, key=lambda run: (run.start, run.id))


def finished(store: Store, tags: Mapping[str, str], seed: int) -> tuple[str, str] | None:
    """The id and the commit of a finished run with these tags and this seed; None where there is none."""
    run = tagged(store, f"attributes.status = 'FINISHED' and params.seed = '{seed}'", tags)
    return (run.info.run_id, run.data.tags.get("git.commit", "unknown")) if run else None


def tagged(store: Store, wanted: str, tags: Mapping[str, str]) -> mlflow.entities.Run | None:
    """The latest run that MLflow's filter `wanted` lets pass and that has these tags; None where there is none.

    Tags are compared here: there is no way to write every text in a filter.
    """
    return next((run for run in _runs(store, wanted) if tags.items() <= run.data.tags.items()), None)


def _runs(store: Store, wanted: str) -> Iterator[mlflow.entities.Run]:
    token = None
    while True:
        page = store.client.search_runs([store.experiment], wanted, max_results=1000, page_token=token)
        yield from page
        if not (token := page.token):
            return


def fetch(store: Store, id: str, name: str, folder: Path) -> Path | None:
    """A copy of one of a run's artifacts in `folder`, which may lie on another machine; None where it is lost."""
    try:
        return Path(store.client.download_artifacts(id, name, str(folder)))
    except (OSError, mlflow.MlflowException):
        return None


@contextmanager
def _opened(tracking: Tracking, reading: bool = False) -> Iterator[tuple[str, mlflow.MlflowClient]]:
    """The store's address and a client of it, for one process at a time and without dead runs; what goes wrong is a
    UserError."""
    uri = _absolute(tracking.uri)
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").addFilter(_not_raised)
    try:
        atomic.remove_leftovers()
        if reading and uri.startswith(SQLITE) and not os.access(Path(uri.removeprefix(SQLITE)).parent, os.W_OK):
            yield uri, _client_of(uri)
            return
        if uri.startswith(SQLITE):
            sqlite_file(uri).parent.mkdir(parents=True, exist_ok=True)
        with locked(uri):
            _tidy(uri)
            client = _client(uri)
            end_dead(uri, client)
            yield uri, client
    except (OSError, Timeout, ImportError, *STORE_ERRORS) as error:
        raise _unusable(tracking.uri, error) from error


def _tidy(uri: str) -> None:
    """Remove what killed processes left beside a store in a file; earlier versions made new stores there themselves."""
    if uri.startswith(SQLITE):
        file = sqlite_file(uri)
        atomic.remove_leftovers(file.parent)
        for half_made in file.parent.glob(f".{glob.escape(file.name)}.[0-9]*"):
            half_made.unlink(missing_ok=True)


@contextmanager
def as_user_error(uri: str) -> Iterator[None]:
    """A store that fails in the block, once it was opened, as a UserError."""
    try:
        yield
    except (Timeout, *STORE_ERRORS) as error:
        raise _unusable(uri, error) from error


def _unusable(uri: str, error: Exception) -> UserError:
    return UserError(
        f"tracking.uri={seal_addresses(uri)}: the store cannot be used: {redact_secrets(str(error)).splitlines()[0]}"
    )


@gc_paused_import()
def _client(uri: str) -> mlflow.MlflowClient:
    """A client of the store, which is made where there is none, and can be written."""
    if uri.startswith("http"):
        server = _with_credentials(unseal(uri))
        _reach(server)
        return mlflow.MlflowClient(server)
    if uri.startswith(SQLITE):
        file = sqlite_file(uri)
        if not file.exists() or not file.stat().st_size:
            _create(file)
        file.open("ab").close()  # the system says now what SQLite would say after the training
    return _client_of(uri)


@gc_paused_import()
def _client_of(uri: str) -> mlflow.MlflowClient:
    if "://" in uri and tables_of(unseal(uri)) >= OPTUNAS:
        raise UserError(
            f"tracking.uri={uri}: is a storage of Optuna's; MLflow's tables would spoil it: name another "
            "file or database"
        )
    client = mlflow.MlflowClient(unseal(uri))
    _remove_decoy(uri)
    return client


def _with_credentials(server: str) -> str:
    """A server's address without user and password, which MLflow reads from its own variables: it prints addresses."""
    parts = split_address(server)
    if parts.password:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.user)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password)
    elif parts.user:
        os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(parts.user))
    return parts.beginning + parts.rest


def _create(file: Path) -> None:
    """Make an empty store aside: one that was cut off amid its tables can never be opened again."""
    with atomic.atomic_write(file) as new:
        mlflow.MlflowClient(sqlite_url(new))
        _remove_decoy(sqlite_url(new))


def _remove_decoy(uri: str) -> None:
    """Remove the empty folder that MLflow makes for a file's address as it is spelled: with %3F for a question mark."""
    if uri.startswith(SQLITE) and uri.removeprefix(SQLITE) != str(sqlite_file(uri)):
        with suppress(OSError):  # not empty: another process is at it, or it is somebody's
            os.removedirs(Path(uri.removeprefix(SQLITE)).parent)


def _reach(uri: str) -> None:
    """Raise an OSError where nobody answers; MLflow alone would try for minutes. Any answer will do."""
    try:
        urlopen(f"{uri}/health", timeout=ANSWER_SECONDS).close()
    except URLError as error:
        if isinstance(error.reason, (ConnectionError, TimeoutError, socket.gaierror)):
            raise error.reason from None


def _not_raised(record: logging.LogRecord) -> bool:
    """MLflow prints an error that it raises as well, with its traceback; that it tries again is worth knowing."""
    return record.levelno < logging.ERROR


def _absolute(uri: str) -> str:
    """The address sealed; a relative SQLite path, made absolute, so that the line printed at the end works from any
    directory."""
    if uri.startswith("sqlite:") and len(uri.removeprefix(SQLITE)) in (0, len(uri)):
        raise UserError(f"tracking.uri={uri} names no file; a store in memory keeps nothing")
    return sqlite_url(sqlite_file(uri)) if uri.startswith(SQLITE) else seal_addresses(uri)


def locked(uri: str) -> FileLock:
    """What one process at a time holds where MLflow cannot bear two; of a server, one of this user's."""
    if uri.startswith(SQLITE):
        return FileLock(f"{sqlite_file(uri)}.lock", timeout=LOCK_SECONDS)
    name = f"iot-ids-{os.geteuid()}-{hashlib.sha256(uri.encode()).hexdigest()[:16]}.lock"
    return FileLock(Path(tempfile.gettempdir()) / name, timeout=LOCK_SECONDS)
