"""Tell whether a run's process is alive: it holds a lease, which the system releases when it dies, even by `kill -9`.

A lease is taken before its run is created, and its key is a tag of the run, so no run is ever without one. A sweep's
run is RUNNING as long as one of its workers is alive. The leases are files beside the store, so they work only for a
store in a file; runs on a server may come from machines that cannot see each other.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

import mlflow
from mlflow.entities import Run

from iot_ids.common import leases
from iot_ids.tracking.databases import SQLITE, sqlite_file

console = logging.getLogger(__name__)
KEY = "alive.key"
"""The tag that holds the key of a run: the prefix of its leases' names."""


def new_key() -> str:
    """Generate a key that no other run has."""
    return token_hex(16)


@contextmanager
def living(uri: str, key: str) -> Iterator[None]:
    """Hold a lease for the run with this key. Enter it with the store locked, or the run may be taken for dead.

    If an exception leaves the block, the run may not have been ended, so the lease's file stays for `end_dead`.
    """
    if not uri.startswith(SQLITE):
        yield
        return
    folder = _folder(uri)
    folder.mkdir(parents=True, exist_ok=True)
    with leases.hold(folder / f"{key}.{token_hex(4)}") as lease:
        yield
        lease.unlink(missing_ok=True)


def end_dead(uri: str, client: mlflow.MlflowClient) -> None:
    """Mark RUNNING runs whose processes have died as KILLED. Call it with the store locked."""
    if not uri.startswith(SQLITE):
        return
    folder = _folder(uri)
    for lease in leases.take_abandoned(folder):
        key = lease.name.partition(".")[0]
        if all(other == lease for other in folder.glob(f"{key}*")):  # the last one
            for run in _runs(client, key):
                _end(client, run)


def _runs(client: mlflow.MlflowClient, key: str) -> list[Run]:
    """Find the run with this key; empty if its process died before creating it, or it was removed from the store.

    Earlier versions used the run's id as the key.
    """
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    if found := list(client.search_runs(experiments, f"tags.`{KEY}` = '{key}'")):
        return found
    with suppress(mlflow.MlflowException):
        return [client.get_run(key)]
    return []


def _end(client: mlflow.MlflowClient, run: Run) -> None:
    if run.info.status == "RUNNING":
        client.set_terminated(run.info.run_id, "KILLED")
        console.warning("run %s is now KILLED: its process had died without ending it", run.info.run_id)


def _folder(uri: str) -> Path:
    store = sqlite_file(uri)
    return store.with_name(f".{store.name}.runs")
