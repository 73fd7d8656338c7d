"""Commands killed at random moments; then the next one opens the same folder, and everything is looked at.

Right is: nothing RUNNING, each trial and run there once, every answer whole or absent, the cache's rows the right ones,
and nothing left behind that the next opening has not swept.
"""

import json
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import optuna
import polars as pl

from iot_ids.sweep import storage
from iot_ids.sweep.study import counts

from . import child
from .bits import kept
from .configurations import faults_of
from .forms import form, written
from .stores import incomplete, leftovers, runs, still_running
from .tally import Attack, Fault

AIM = 250
"""Of each of four commands: 1,000 kills."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
QUICK = ["trainer=cpu", "trainer.max_epochs=2", "evaluate.replicates=20", "cache.path=cache", "dataset.rows=300"]
SKIPPED = "tracking.skip_finished=true"
"""Opens the store and the cache as every training does, and ends there: the first training has its seed."""
WHOLE = 0.1
"""Of the trainings after a kill, the share that goes on to its end."""
MODELS = (["model=naive_bayes"], ["model=gru", "model.hidden_size=4", "selector=pearson", "selector.k=4"])
TRIALS, FINAL_SEEDS, SCORED_ROWS = 3, 1, 10_000
SWEEP = ["-m", *QUICK, "hydra/sweeper=optuna", "model=naive_bayes", "model.var_smoothing=tag(log,interval(1e-9,1e-1))",
         f"hydra.sweeper.n_trials={TRIALS}", f"hydra.sweeper.final_seeds={FINAL_SEEDS}"]  # fmt: skip


def attacks(folder: Path) -> list[Attack]:
    """One of each command that takes long enough to be killed."""
    return [
        Attack("kills: train", AIM, trained(folder / "train")),
        Attack("kills: cache", AIM, cached(folder / "cache")),
        Attack("kills: score", AIM, scored(folder / "score")),
        Attack("kills: sweep", AIM, swept(folder / "sweep")),  # the longest last, with the time that the others leave
    ]


@dataclass
class Place:
    """A folder for one command, which is run there unharmed before it is killed, to know how long it takes.

    `first` are the words of a run before that one, where it would not find what later ones do.
    """

    folder: Path
    program: str
    words: list[str]
    first: tuple[str, ...] = ()
    seconds: float = 0.0

    def ready(self) -> Path:
        """The folder, with what the first run makes."""
        if not self.seconds:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.first:
                self.unharmed(*self.first)
            start = time.monotonic()
            self.unharmed()
            self.seconds = time.monotonic() - start
        return self.folder

    def unharmed(self, *more: str) -> list[Fault]:
        """The command to its end, which is the next opening after a kill; what is wrong with how it ended."""
        ended = child.run(self.program, [*self.words, *more], self.folder)
        return faults_of(ended) or [("lost", f"{self.program} fails: {ended.said[-300:]}")] * bool(ended.code)

    def killed(self, draw: Random, *more: str) -> list[Fault]:
        """The command with a signal at some moment; what is wrong with how it ended."""
        begun = child.begin(self.program, [*self.words, *more], self.ready())
        begun.kill_after(draw.random() * self.seconds * 1.1, draw.choice(SIGNALS))
        ended = begun.ended()
        begun.out.unlink(missing_ok=True)
        died = ended.code is not None and -ended.code in SIGNALS
        return [] if died and not ended.traceback else faults_of(ended)


def trained(folder: Path) -> Callable[[Random], list[Fault]]:
    """Attempts on a training; the next one opens the same store and cache, and now and then trains to its end."""
    place = Place(folder, "train", [*QUICK, *MODELS[0]], first=("seed=1",))

    def attempt(draw: Random) -> list[Fault]:
        place.ready()
        before = {run.id for run in runs(folder)}
        found = place.killed(draw, *draw.choice(MODELS), f"seed={draw.randrange(1000)}")
        whole = draw.random() < WHOLE
        found += place.unharmed(f"seed={draw.randrange(1000)}" if whole else SKIPPED)
        more = len([run for run in runs(folder) if run.id not in before])
        if more not in (whole, 1 + whole):
            found.append(("doubled" if more > whole else "lost", f"{more} runs of {1 + whole} commands"))
        return found + everything(folder)

    return attempt


def everything(folder: Path) -> list[Fault]:
    """What is wrong in a folder where nobody is at work."""
    return still_running(folder) + incomplete(folder) + leftovers(folder)


def swept(folder: Path) -> Callable[[Random], list[Fault]]:
    """Attempts on a sweep of a study of its own; the same command again ends it."""
    place = Place(folder, "train", SWEEP, first=("hydra.sweeper.study_name=first",))

    def attempt(draw: Random) -> list[Fault]:
        study = f"hydra.sweeper.study_name=s{draw.randrange(10**9)}"
        found = place.killed(draw, study) + place.unharmed(study)
        return found + trials_faults(folder, study.partition("=")[2]) + everything(folder)

    return attempt


def trials_faults(folder: Path, study: str) -> list[Fault]:
    """What is wrong with the trials of an ended study, and with their runs."""
    kept = optuna.load_study(study_name=study, storage=storage.opened(str(folder / "mlruns" / "optuna.journal")))
    trials = [trial for trial in kept.get_trials(deepcopy=False) if counts(trial)]
    states = [trial.state.name for trial in trials]
    found: list[Fault] = [("running", f"trials {states}")] * ("RUNNING" in states)
    if len(trials) < TRIALS:
        found.append(("lost", f"{len(trials)} trials of {TRIALS}: {states}"))
    if len(trials) > TRIALS or len({json.dumps(trial.params) for trial in trials}) < len(trials):
        found.append(("doubled", f"{len(trials)} trials of {TRIALS}: {states}"))
    below = [run for run in runs(folder) if run.tags.get("sweep") == study and "kind" not in run.tags]
    tested = [run for run in below if run.status == "FINISHED"]
    if len(tested) != 2 * FINAL_SEEDS:
        found.append(("doubled" if len(tested) > 2 * FINAL_SEEDS else "lost", f"{len(tested)} final runs"))
    return found


def cached(folder: Path) -> Callable[[Random], list[Fault]]:
    """Attempts on the filling and the clearing of the cache; what it serves next are the right rows."""
    filling = Place(folder, f"{__package__}.fill", ["flows.csv", "cache"])
    clearing = Place(folder, "iot_ids.cli.clear_cache", ["cache"])

    def attempt(draw: Random) -> list[Fault]:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "flows.csv").exists():
            written(form("bot_iot_10_best", 3000), folder / "flows.csv")
        clearing.ready()
        filling.ready()
        shutil.rmtree(folder / "cache") if draw.random() < 0.5 else None
        other = child.begin(clearing.program, clearing.words, folder) if draw.random() < 0.3 else None
        found = draw.choice([filling, filling, clearing]).killed(draw)
        if other is not None:
            found += faults_of(other.ended())
            other.out.unlink(missing_ok=True)
        found += rows_faults(folder)
        return found + leftovers(folder)

    return attempt


def rows_faults(folder: Path) -> list[Fault]:
    """What is wrong with the rows that the cache serves, or fills itself with."""
    said = child.run(f"{__package__}.fill", ["flows.csv", "cache"], folder)
    right = child.run(f"{__package__}.fill", ["flows.csv"], folder) if not _RIGHT else None
    _RIGHT.extend([right.said] if right else [])
    return faults_of(said) or [("silent", f"other rows: {said.said}")] * (said.said != _RIGHT[0])


_RIGHT: list[str] = []
"""What the reading without a cache says; the file is the same each time."""


def scored(folder: Path) -> Callable[[Random], list[Fault]]:
    """Attempts on `score`: the table is there whole, or it is not there."""
    place = Place(folder, "score", ["model=model", "path=flows.csv", "out=out.parquet"])

    def attempt(draw: Random) -> list[Fault]:
        out = folder / "out.parquet"
        _prepare_scoring(folder)
        place.ready()
        whole = pl.read_parquet(out)
        out.unlink()
        found = place.killed(draw)
        if out.exists() and not pl.read_parquet(out).equals(whole):
            found.append(("silent", "a table that is not whole"))
        found += place.unharmed()
        if not pl.read_parquet(out).equals(whole):
            found.append(("lost", "other answers after a kill"))
        known = {"flows.csv", "model", "out.parquet", "tmp"}
        left = sorted(path.name for path in folder.iterdir() if path.name not in known)
        return found + leftovers(folder) + [("leftover", f"{left}")] * bool(left)

    return attempt


def _prepare_scoring(folder: Path) -> None:
    if (folder / "model").exists():
        return
    for name, content in kept("naive_bayes").items():
        (folder / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "model" / name).write_bytes(content)
    written(form("bot_iot_10_best", SCORED_ROWS), folder / "flows.csv")
