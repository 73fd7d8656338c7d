"""Track a sweep's own run, which all its workers share: the first one creates it, the last one ends it."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack

from iot_ids.tracking.alive import KEY, living, new_key
from iot_ids.tracking.run import Run, made
from iot_ids.tracking.store import Store, locked, tagged

PARENT = "mlflow.parentRunId"
"""The tag by which MLflow nests a run under another."""
SAME = "config.fingerprint"
WORKER = "sweep.worker"
"""The tag of a nested run with the id of its worker."""


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
