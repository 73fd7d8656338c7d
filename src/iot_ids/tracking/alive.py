"""Whether a run's process lives: it holds a lease, which the system lets go of when it dies, by `kill -9` as well.

A lease is taken before its run is made, and the run carries its key as a tag, so that no run is ever without one. A
sweep's run is RUNNING as long as one of its workers lives. The leases are files beside the store, so they serve a store
in a file; the runs on a server may come from machines that see nothing of each other.
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
"""The tag of a run that says what the names of its leases begin with."""


def new_key() -> str:
    """A key that no run has."""
    return token_hex(16)


@contextmanager
def living(uri: str, key: str) -> Iterator[None]:
    """Hold a lease of the run with this key. To be entered alone, or the run is taken for dead on the way.

    Where an exception leaves the block, the run may not have been ended, and the lease's file stays for `end_dead`.
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
    """Let the runs whose processes died stand as KILLED, not as RUNNING. To be called alone."""
    if not uri.startswith(SQLITE):
        return
    folder = _folder(uri)
    for lease in leases.take_abandoned(folder):
        key = lease.name.partition(".")[0]
        if all(other == lease for other in folder.glob(f"{key}*")):  # the last one
            for run in _runs(client, key):
                _end(client, run)


def _runs(client: mlflow.MlflowClient, key: str) -> list[Run]:
    """The run of this key; none where its process died before it was made, or it was removed from the store since.

    Earlier versions named the lease by the run's id.
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
        console.warning("run %s is KILLED: its process had died without a word", run.info.run_id)


def _folder(uri: str) -> Path:
    store = sqlite_file(uri)
    return store.with_name(f".{store.name}.runs")
