"""First starts at once on one fresh store: each run is kept, and the dataset's experiment is there once."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

from . import child
from .child import Ended
from .configurations import faults_of
from .kills import MODELS, QUICK, everything
from .stores import runs
from .tally import Attack, Fault

AT_ONCE = 8
AIM = 8
"""64 first starts, eight at a time."""


def attacks(folder: Path) -> list[Attack]:
    """Processes from their start, as users start them."""
    return [Attack(f"first starts, {AT_ONCE} processes at once", AIM, started(folder / "starts"))]


def started(folder: Path, at_once: int = AT_ONCE, forked: bool = False) -> Callable[[Random], list[Fault]]:
    """Attempts on an empty folder; `forked` ones begin sooner after each other."""

    def attempt(draw: Random) -> list[Fault]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lines = [[*QUICK, *MODELS[0], f"seed={seed}"] for seed in range(at_once)]
        if forked:
            begun = [child.begin("train", line, folder) for line in lines]
            ended = [each.ended() for each in begun]
        else:
            processes = [child.fresh("train", line, folder) for line in lines]
            ended = [_ended(process) for process in processes]
        found = [fault for each in ended for fault in faults_of(each)]
        failed = [each.said[-300:] for each in ended if each.code]
        found += [("lost", said) for said in failed[:1]]
        return found + store_faults(folder, at_once) + everything(folder)

    return attempt


def store_faults(folder: Path, expected: int) -> list[Fault]:
    """What is wrong with the store: not as many runs as processes, or several experiments of one name."""
    finished = sum(run.status == "FINISHED" for run in runs(folder))
    found: list[Fault] = [("lost", f"{finished} runs of {expected}")] * (finished < expected)
    found += [("doubled", f"{finished} runs of {expected}")] * (finished > expected)
    with sqlite3.connect(folder / "mlruns" / "mlflow.db") as store:
        (names,) = store.execute("select count(*) from experiments where name = 'simulated'").fetchone()
    return found + [("doubled", f"{names} experiments named simulated")] * (names != 1)


def _ended(process: "subprocess.Popen[str]") -> Ended:
    try:
        said, _ = process.communicate(timeout=10 * child.LONGEST)
        return Ended(process.returncode, said)
    except subprocess.TimeoutExpired:
        process.kill()
        return Ended(None, process.communicate()[0])
