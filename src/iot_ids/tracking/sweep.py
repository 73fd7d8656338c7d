"""A sweep's own run, which outlives any one worker: begun once, taken up again, ended by the last."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack

from iot_ids.tracking.alive import KEY, living, new_key
from iot_ids.tracking.run import Run, made
from iot_ids.tracking.store import Store, locked, tagged

PARENT = "mlflow.parentRunId"
"""The tag by which MLflow shows a run below another."""
SAME = "config.fingerprint"
WORKER = "sweep.worker"
"""The tag that says which process a run below a sweep's belongs to."""


def begin_sweep(
    store: Store, name: str, parameters: Mapping[str, str], tags: Mapping[str, str], alive: ExitStack
) -> Run:
    """The sweep's run, RUNNING again, which is known by its tags `kind` and `sweep`; a new one where there is none.

    `alive` takes this worker's lease of it, to be closed when the run is ended, or left to others.
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
    """Keep of the final runs of what was best once only those like `tuned`, the present ones, in comparisons.

    The others stay in the store, with the tag `kind=superseded`: that the test rows were read for them is not to be
    hidden. One that is the best again is taken back.
    """
    store, best = parent.store, f"tags.`{PARENT}` = '{parent.id}' and tags.tuned = 'true'"
    runs = store.client.search_runs([store.experiment], best)
    same = {run.data.tags.get(SAME) for run in runs if run.info.run_id in tuned}
    for run in runs:
        if run.data.tags.get(SAME) not in same:
            store.client.set_tag(run.info.run_id, "kind", "superseded")
        elif "kind" in run.data.tags:
            store.client.delete_tag(run.info.run_id, "kind")
