"""Open an MLflow store, by one process at a time, and read its runs."""

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
from iot_ids.common.imports import gc_paused_import
from iot_ids.common.redact import redact_secrets, seal_addresses, split_address, unseal
from iot_ids.config import Tracking
from iot_ids.tracking.alive import end_dead
from iot_ids.tracking.databases import OPTUNAS, SQLITE, sqlite_file, sqlite_url, tables_of

console = logging.getLogger(__name__)
STORE_ERRORS = (SQLAlchemyError, mlflow.MlflowException)
"""Raised when a store cannot be read or written."""
DEFAULT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"
"""Where MLflow reads the folder of its Default experiment, which none of our runs belongs to."""
LOCK_SECONDS = 300
ANSWER_SECONDS = 10
"""How long to wait for a server's answer."""


@dataclass(frozen=True)
class Store:
    """An MLflow store with the experiment that this dataset's runs belong to; `uri` is sealed."""

    uri: str
    experiment: str
    client: mlflow.MlflowClient

    def ui_command(self) -> str:
        """Return the shell command that shows the runs in a browser, from any directory; for a server, its address."""
        if self.uri.startswith("http"):
            return self.uri
        return shlex.join(["mlflow", "ui", "--backend-store-uri", self.uri, "--host", "127.0.0.1"])


def open_store(tracking: Tracking, dataset: str) -> Store:
    """Open the store and end its dead runs; create its tables and the dataset's experiment if they are new.

    Two processes that create them at once would break a SQLite file or lose runs, so a lock admits one at a time. An
    experiment keeps the artifacts' folder it was created with; `tracking.artifacts` applies only to a new one.

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
            f"the experiment {dataset!r} of {uri} was deleted; restore it with "
            f"`MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {found.experiment_id}`, or use another store"
        )
    if found.artifact_location.startswith("file:") and found.artifact_location != folder.as_uri():
        console.warning("artifacts are kept in %s, where this experiment was created", found.artifact_location)
    _refuse_unwritable(found.artifact_location)
    return Store(uri, found.experiment_id, client)


def _created(client: mlflow.MlflowClient, dataset: str, location: str | None) -> str:
    """Create the dataset's experiment and return its id; on a server, another user may have just created it."""
    try:
        return str(client.create_experiment(dataset, location))
    except mlflow.MlflowException:
        if (found := client.get_experiment_by_name(dataset)) is None:
            raise
        return str(found.experiment_id)


def _refuse_unwritable(location: str) -> None:
    """Raise a UserError if artifacts cannot be written: better now than after hours of training."""
    if not location.startswith("file:"):
        return
    folder = Path(unquote(urlsplit(location).path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(
            f"tracking.artifacts={folder} is not writable ({error.strerror}); fix that, or name another folder and, "
            "for an experiment created with this one, another store"
        ) from error


def existing_stores(tracking: Tracking) -> dict[str, Store]:
    """Return the experiments that have runs, by their dataset's name. Nothing is created; dead runs are ended.

    In a folder that is not writable, dead runs stay as they are.

    Raises:
        UserError: the store does not exist or cannot be opened.
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
    """A run as the store holds it. `start` is in milliseconds; each metric has its last value."""

    id: str
    name: str
    status: str
    start: int
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def kept_runs(store: Store) -> list[KeptRun]:
    """List the runs of the store's experiment except deleted ones, the earliest first."""
    runs = [
        KeptRun(i.run_id, i.run_name or i.run_id, i.status, i.start_time, d.params, d.tags, d.metrics)
        for i, d in ((run.info, run.data) for run in _runs(store, ""))
    ]
    return sorted(runs, key=lambda run: (run.start, run.id))


def finished(store: Store, tags: Mapping[str, str], seed: int) -> tuple[str, str] | None:
    """Find a finished run with these tags and this seed; return its id and commit, None if there is none."""
    run = tagged(store, f"attributes.status = 'FINISHED' and params.seed = '{seed}'", tags)
    return (run.info.run_id, run.data.tags.get("git.commit", "unknown")) if run else None


def tagged(store: Store, wanted: str, tags: Mapping[str, str]) -> mlflow.entities.Run | None:
    """Find the latest run that passes MLflow's filter `wanted` and has these tags; None if there is none.

    Tags are compared here because MLflow's filters cannot express every text.
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
    """Download one of a run's artifacts, maybe from another machine, to `folder`/`id`; None if it is lost."""
    inside = folder / id
    inside.mkdir(exist_ok=True)
    try:
        return Path(store.client.download_artifacts(id, name, str(inside)))
    except (OSError, mlflow.MlflowException):
        return None


@contextmanager
def _opened(tracking: Tracking, reading: bool = False) -> Iterator[tuple[str, mlflow.MlflowClient]]:
    """Lock the store, end its dead runs and yield its address and a client; errors become a UserError."""
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
    """Remove what killed processes left beside a store in a file, including stores half made by earlier versions."""
    if uri.startswith(SQLITE):
        file = sqlite_file(uri)
        atomic.remove_leftovers(file.parent)
        for half_made in file.parent.glob(f".{glob.escape(file.name)}.[0-9]*"):
            half_made.unlink(missing_ok=True)


@contextmanager
def as_user_error(uri: str) -> Iterator[None]:
    """Turn errors of an opened store in the block into a UserError."""
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
    """Return a client of the store, which is created if it does not exist and checked to be writable."""
    if uri.startswith("http"):
        server = _with_credentials(unseal(uri))
        _reach(server)
        return mlflow.MlflowClient(server)
    if uri.startswith(SQLITE):
        file = sqlite_file(uri)
        if not file.exists() or not file.stat().st_size:
            _create(file)
        file.open("ab").close()  # fail now, not when SQLite writes after the training
    return _client_of(uri)


@gc_paused_import()
def _client_of(uri: str) -> mlflow.MlflowClient:
    if "://" in uri and tables_of(unseal(uri)) >= OPTUNAS:
        raise UserError(
            f"tracking.uri={uri} is an Optuna storage, and MLflow's tables would corrupt it; name another file or "
            "database"
        )
    with _default_root_as_uri():
        client = mlflow.MlflowClient(unseal(uri))
    _remove_decoy(uri)
    return client


def _with_credentials(server: str) -> str:
    """Move user and password from a server's address to MLflow's environment variables, because it prints addresses."""
    parts = split_address(server)
    if parts.password:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.user)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password)
    elif parts.user:
        os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(parts.user))
    return parts.beginning + parts.rest


def _create(file: Path) -> None:
    """Create an empty store under another name, then rename it: half-made tables could never be opened again."""
    with atomic.atomic_write(file) as new:
        with _default_root_as_uri():
            mlflow.MlflowClient(sqlite_url(new))
        _remove_decoy(sqlite_url(new))


@contextmanager
def _default_root_as_uri() -> Iterator[None]:
    """Give MLflow the artifacts' folder of its Default experiment as a URI, which has no quotation marks.

    It writes the folder into an SQL statement in Python's notation, which SQL does not understand if the working
    directory's name has both kinds of marks.
    """
    before = os.environ.get(DEFAULT_ROOT)
    os.environ[DEFAULT_ROOT] = Path("mlruns").absolute().as_uri()
    try:
        yield
    finally:
        os.environ.pop(DEFAULT_ROOT)
        os.environ.update({DEFAULT_ROOT: before} if before is not None else {})


def _remove_decoy(uri: str) -> None:
    """Remove the empty folder that MLflow creates from the escaped address of a file, with %3F for a question mark."""
    if uri.startswith(SQLITE) and uri.removeprefix(SQLITE) != str(sqlite_file(uri)):
        with suppress(OSError):  # if not empty, another process or the user is using it
            os.removedirs(Path(uri.removeprefix(SQLITE)).parent)


def _reach(uri: str) -> None:
    """Raise an OSError if the server does not answer, since MLflow would retry for minutes. Any answer will do."""
    try:
        urlopen(f"{uri}/health", timeout=ANSWER_SECONDS).close()
    except URLError as error:
        if isinstance(error.reason, (ConnectionError, TimeoutError, socket.gaierror)):
            raise error.reason from None


def _not_raised(record: logging.LogRecord) -> bool:
    """Filter out errors, which MLflow logs with a traceback and also raises; its messages about retries stay."""
    return record.levelno < logging.ERROR


def _absolute(uri: str) -> str:
    """Seal the address and make a SQLite path absolute, so that the command printed at the end works anywhere."""
    if not uri.strip():
        raise UserError("tracking.uri is empty; name a store: tracking.uri=sqlite:///mlruns/mlflow.db")
    if uri.startswith("sqlite:") and len(uri.removeprefix(SQLITE)) in (0, len(uri)):
        raise UserError(f"tracking.uri={uri} does not name a file; a store in memory would be lost")
    return sqlite_url(sqlite_file(uri)) if uri.startswith(SQLITE) else seal_addresses(uri)


def locked(uri: str) -> FileLock:
    """Return the lock that keeps apart processes where MLflow is not safe; for a server, only this user's processes."""
    if uri.startswith(SQLITE):
        return FileLock(f"{sqlite_file(uri)}.lock", timeout=LOCK_SECONDS)
    name = f"iot-ids-{os.geteuid()}-{hashlib.sha256(uri.encode()).hexdigest()[:16]}.lock"
    return FileLock(Path(tempfile.gettempdir()) / name, timeout=LOCK_SECONDS)
