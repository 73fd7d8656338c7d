"""After the search: the best configuration and the untuned one, trained with several seeds, and tested once each."""

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
    """The ids of the final runs, by the tag `tuned`; none where no final seeds were asked for.

    They share the split of the search, whatever their seed: with another one, rows that validation chose by would be
    tested. What is finished already is not run again. Where the untuned configuration is the best, it is run once.
    `check` raises an interruption that was heard.

    Raises:
        UserError: runs failed; the others were made.
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
            except UserError as mistake:
                check()  # an interruption may have become this error
                print(f"seed {seed}: {mistake}", file=sys.stderr)
                failures.append(seed)
    if found[TUNED]:
        tracking.supersede(parent, found[TUNED])
    if failures:
        raise UserError(f"{len(failures)} final runs failed, see above; the same command runs them again")
    return found


def _differs(sweep: ReadySweep, best: FrozenTrial) -> bool:
    return resolve_and_check(sweep.job.composed(best.params)) != resolve_and_check(sweep.job.composed(sweep.untuned))
