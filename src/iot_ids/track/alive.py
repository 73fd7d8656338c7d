"""Whether a run's process lives: it holds a lock, which the system lets go of when it dies, by `kill -9` as well.

No clock is asked, and no number of a process, which another may have by now. The locks are files beside the store, so
they serve a store in a file; the runs on a server may come from machines that see nothing of each other. A sweep's own
run has none: its workers share it, and it stands as RUNNING until the sweep is started again.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout

console = logging.getLogger(__name__)
SQLITE = "sqlite:///"


@contextmanager
def living(uri: str, run: str) -> Iterator[None]:
    """Hold the run's lock. To be entered alone, or the run is taken for dead on the way.

    Where an exception leaves the block, the run may not have been ended, and the lock's file stays for `end_dead`.
    """
    if not uri.startswith(SQLITE):
        yield
        return
    folder = _folder(uri)
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder / run)
    with lock:
        yield
        Path(lock.lock_file).unlink(missing_ok=True)


def end_dead(uri: str, client: mlflow.MlflowClient) -> None:
    """Let the runs whose process died stand as KILLED, not as RUNNING. To be called alone."""
    if not uri.startswith(SQLITE):
        return
    for file in _folder(uri).glob("*"):
        with suppress(Timeout), _lock(file).acquire(timeout=0):
            _end(client, file.name)
            file.unlink(missing_ok=True)


def _end(client: mlflow.MlflowClient, run: str) -> None:
    with suppress(mlflow.MlflowException):  # it was removed from the store since
        if client.get_run(run).info.status == "RUNNING":
            client.set_terminated(run, "KILLED")
            console.warning("run %s is KILLED: its process had died without a word", run)


def _lock(file: Path) -> FileLock:
    return FileLock(file, is_singleton=False)


def _folder(uri: str) -> Path:
    store = Path(uri.removeprefix(SQLITE))
    return store.with_name(f".{store.name}.runs")
