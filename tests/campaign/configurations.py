"""Random configurations: each ends with exit code 0, or with one message and no run left RUNNING."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from omegaconf import OmegaConf

from iot_ids.common.paths import CONF

from . import child
from .child import Ended
from .forms import composed
from .stores import still_running
from .tally import Attack, Fault

AIM = 1_000
QUICK = [
    "dataset.rows=300",
    "trainer=cpu",
    "trainer.max_epochs=1",
    "evaluate.replicates=20",
    "cache=off",
    "model=naive_bayes",
]
VALUES = (
    "0", "-1", "1", "2", "3.5", "1e-9", "1e300", "nan", "inf", "-inf", "null", "true", "False", "''", "[]", "{}",
    "[1,2]", "{a: 1}", "x", "'[/]'", "'[bold]'", "'a b'", "'a/b'", "'..'", "ü", "'\\'\"'", "'x:y'", "'%s{0}$'",
    "${seed}", "${nothing}", "???", "9" * 30, "a" * 300, "'tab\there'", "=1", "*", "'null'", "1_000", "0x10",
)  # fmt: skip
NOT_TOUCHED = ("trainer.max_epochs", "dataset.rows", "trainer.batch_size", "evaluate.replicates")
"""Numbers that only decide how long it takes; values between 0 and 3 of them are drawn all the same."""
WORDS = ("model", "=", "==3", "+x=1", "++x.y=1", "~model", "~seed", "model=", "seed", "+model=gru", "x=1", "model.=3",
         "-m", "--multirun", "--cfg", "--nothing", "@", "model@x=gru", "'", "[", "model=gru,knn", "seed=1,2",
         "--config-dir=x")  # fmt: skip


def attacks(folder: Path) -> list[Attack]:
    """Trainings, comparisons and scorings."""
    return [
        Attack("configurations: train", AIM, configured(folder, "train", training)),
        Attack("configurations: compare", AIM, configured(folder, "compare", comparison)),
        Attack("configurations: score", AIM, configured(folder, "score", scoring)),
    ]


Run = Callable[[str, list[str], Path], Ended]


def configured(
    folder: Path, program: str, words_of: Callable[[Random], list[str]], run: Run = child.run
) -> Callable[[Random], list[Fault]]:
    """Attempts on a command with random words; `run` is what is under attack."""

    def attempt(draw: Random) -> list[Fault]:
        place = folder / "configured"
        place.mkdir(exist_ok=True)
        words = words_of(draw)
        ended = run(program, words, place)
        found = [(kind, f"{program} {' '.join(words)}: {said}") for kind, said in faults_of(ended)]
        found += still_running(place)
        if draw.random() < 0.05 or found:
            shutil.rmtree(place)  # a first start again
        return found

    return attempt


def faults_of(ended: Ended) -> list[Fault]:
    """What is wrong with how a command ended."""
    if ended.code is None:
        return [("hung", "killed after two minutes")]
    if ended.traceback:
        return [("traceback", ended.said[-300:])]
    if ended.code < 0:
        return [("traceback", f"died of signal {-ended.code}")]
    if not ended.said.strip():
        return [("silent", f"exit code {ended.code} without a word")]
    return []


@cache
def keys() -> list[str]:
    """Every key of the configuration, of the default run and with other choices of the groups."""
    found = set[str]()
    for model in ("gru", "random_forest", "svm"):
        config = composed(f"model={model}", "split=temporal", "selector=pearson", "outliers=iqr", "dataset=simulated")
        found |= set(_flat(OmegaConf.to_container(config), ""))  # type: ignore[arg-type]
    return sorted(key for key in found if not key.startswith("dataset.about"))


def _flat(values: dict[str, object], prefix: str) -> list[str]:
    nested = [_flat(value, f"{prefix}{key}.") for key, value in values.items() if isinstance(value, dict)]
    return [*(f"{prefix}{key}" for key in values), *(key for some in nested for key in some)]


@cache
def choices() -> dict[str, list[str]]:
    """The groups and their choices."""
    groups = {str(path.parent.relative_to(CONF)) for path in CONF.rglob("*/*.yaml")}
    return {group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in sorted(groups)}


def training(draw: Random) -> list[str]:
    """One to four words after `python -m train`, on few rows."""
    return QUICK + [_word(draw) for _ in range(draw.choice([1, 1, 2, 3, 4]))]


def _word(draw: Random) -> str:
    way = draw.random()
    if way < 0.05:
        return draw.choice(WORDS)
    if way < 0.4:
        group = draw.choice(list(choices()))
        choice = draw.choice([*choices()[group], draw.choice(VALUES)])
        return f"{draw.choice(['+', '']) if group in ('experiment', 'condition', 'sweep') else ''}{group}={choice}"
    key = draw.choice(keys())
    values = VALUES[:5] if key in NOT_TOUCHED else VALUES
    return f"{draw.choice(['', '', '', '++'])}{key}={draw.choice(values)}"


def comparison(draw: Random) -> list[str]:
    """Words after `python -m compare`, in a folder whose store has some runs or none."""
    names = ("dataset", "test_dataset", "label", "split", "duplicates", "protocol", "data", "tuned", "where", "report",
             "run", "folder", "replicates", "seed", "log", "tracking.uri", "tracking.artifacts")  # fmt: skip
    values = ("simulated", "table", "selection", "shortcuts", "unseen", "gap", "[seed=1]", "[x]", *VALUES)
    return [f"{draw.choice(names)}={draw.choice(values)}" for _ in range(draw.choice([0, 1, 2, 3]))]


def scoring(draw: Random) -> list[str]:
    """Words after `python -m score`."""
    values = (
        "mlruns",
        "flows.csv",
        ".",
        "out.parquet",
        "tmp/x.csv",
        "flows.csv/x.csv",
        "\0"[:0],
        "a" * 300 + ".csv",
        "*",
        "[",
        "~",
        "..",
    )
    return [f"{key}={draw.choice(values)}" for key in ("model", "path", "out") if draw.random() < 0.9]
