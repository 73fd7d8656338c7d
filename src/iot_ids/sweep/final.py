"""After the search, train the best configuration and the untuned one with several seeds and test each run once."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from optuna.trial import FrozenTrial

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.config import resolve_and_check
from iot_ids.experiment.run import run
from iot_ids.sweep.job import ReadySweep
from iot_ids.sweep.study import Worker
from iot_ids.tracking import Run

TUNED, UNTUNED = "true", "false"


def final_runs(
    sweep: ReadySweep, best: FrozenTrial, worker: Worker, parent: Run, check: Callable[[], None]
) -> dict[str, list[str]]:
    """Make the final runs and return their ids by the tag `tuned`; empty without `final_seeds`.

    Whatever their seed, they all use the split of the search; another split would test on rows that the search used
    for validation. Finished runs are not repeated. If the untuned configuration is the best, it runs only once. `check`
    raises KeyboardInterrupt if an interruption is pending.

    Raises:
        UserError: some of the runs failed; the others are finished and stay.
    """
    configurations: dict[str, Mapping[str, Any]] = {TUNED: best.params}
    if _differs(sweep, best):
        configurations[UNTUNED] = sweep.untuned
    found: dict[str, list[str]] = {tuned: [] for tuned in configurations}
    failures = []
    for seed in sweep.job.settings.seeds:
        for tuned, parameters in configurations.items():
            tags = {
                "tuned": tuned,
                "sweep": worker.study.study_name,
                "sweep.trials": str(len(worker.trials())),
                tracking.PARENT: parent.id,
                tracking.WORKER: worker.id,
            }
            more = [f"seed={seed}", f"split_seed={sweep.config.drawn_by}", "tracking.skip_finished=true"]
            try:
                found[tuned].append(run(sweep.job.composed(parameters, *more), brief=True, tags=tags))
            except UserError as error:
                check()  # an interruption may have caused this error
                print(f"seed {seed}: {error}", file=sys.stderr)
                failures.append(seed)
    if found[TUNED]:
        tracking.supersede(parent, found[TUNED])
    if failures:
        raise UserError(f"{len(failures)} final runs failed, see above; repeat the command to run them again")
    return found


def _differs(sweep: ReadySweep, best: FrozenTrial) -> bool:
    return resolve_and_check(sweep.job.composed(best.params)) != resolve_and_check(sweep.job.composed(sweep.untuned))
