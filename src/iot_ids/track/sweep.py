"""A sweep's own run, which outlives any one worker: begun once, taken up again, ended by the last."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from mlflow import MlflowException

from iot_ids.track.run import Run
from iot_ids.track.store import Store

PARENT = "mlflow.parentRunId"
"""The tag by which MLflow shows a run below another."""
WORKER = "sweep.worker"
"""The tag that says which process a run below a sweep's belongs to."""


def begin_sweep(
    store: Store, known: str | None, name: str, parameters: Mapping[str, str], tags: Mapping[str, str]
) -> Run:
    """The run `known`, RUNNING again; a new one where this store has none such."""
    if known is not None:
        with suppress(MlflowException):
            store.client.update_run(known, status="RUNNING")
            return Run(store, known)
    run = Run(store, store.client.create_run(store.experiment, run_name=name, tags=dict(tags)).info.run_id)
    run.parameters(parameters)
    return run


def end_sweep(run: Run, status: str) -> None:
    """End it: FINISHED, KILLED where trials are missing, FAILED where too many failed."""
    run.flush()
    run.store.client.set_terminated(run.id, status)


def end_lost(parent: Run, alive: Callable[[str], bool]) -> None:
    """End the runs below `parent` that still stand as RUNNING though their worker is no more."""
    store = parent.store
    below = f"attributes.status = 'RUNNING' and tags.`{PARENT}` = '{parent.id}'"
    for run in store.client.search_runs([store.experiment], below):
        if not alive(run.data.tags.get(WORKER, "")):
            store.client.set_terminated(run.info.run_id, "KILLED")


def supersede(parent: Run, tuned: Collection[str]) -> None:
    """Take earlier final runs of what was best then out of comparisons, where the study went on to find a better one.

    They stay in the store, with the tag `kind=superseded`: that the test rows were read for them is not to be hidden.
    """
    store = parent.store
    earlier = f"tags.`{PARENT}` = '{parent.id}' and tags.tuned = 'true'"
    for run in store.client.search_runs([store.experiment], earlier):
        if run.info.run_id not in tuned:
            store.client.set_tag(run.info.run_id, "kind", "superseded")
