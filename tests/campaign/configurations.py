"""Random configurations: each ends with exit code 0, or with one message and no run left RUNNING."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from iot_ids.common.paths import ADDED

from . import child
from .bits import kept
from .child import Ended
from .forms import form, written
from .keys import COSTLY, choices, keys
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
WORDS = ("model", "=", "==3", "+x=1", "++x.y=1", "~model", "~seed", "model=", "seed", "+model=gru", "x=1", "model.=3",
         "-m", "--multirun", "--cfg", "--nothing", "@", "model@x=gru", "'", "[", "model=gru,knn", "seed=1,2",
         "--config-dir=x")  # fmt: skip


def attacks(folder: Path) -> list[Attack]:
    """Trainings, comparisons and scorings."""
    return [
        Attack("configurations: train", AIM, configured(folder, "train", training)),
        Attack("configurations: compare", AIM, configured(folder, "compare", comparison, with_runs)),
        Attack("configurations: score", AIM, configured(folder, "score", scoring, with_model)),
    ]


Run = Callable[[str, list[str], Path], Ended]


def configured(
    folder: Path,
    program: str,
    words_of: Callable[[Random], list[str]],
    furnish: Callable[[Path], None] = lambda _: None,
    run: Run = child.run,
) -> Callable[[Random], list[Fault]]:
    """Attempts on a command with random words, mostly in a folder that was furnished; `run` is what is under attack."""

    def attempt(draw: Random) -> list[Fault]:
        place = folder / "configured"
        if not place.exists():
            place.mkdir()
            if draw.random() < 0.8:
                furnish(place)
        words = words_of(draw)
        ended = run(program, words, place)
        found = [(kind, f"{program} {' '.join(words)}: {said}") for kind, said in faults_of(ended)]
        found += still_running(place)
        if draw.random() < 0.05 or found:
            shutil.rmtree(place)  # a first start again
        return found

    return attempt


def with_runs(place: Path) -> None:
    """Put a store with three runs there."""
    for words in (["seed=1"], ["seed=2"], ["seed=1", "selector=pearson", "selector.k=3"]):
        child.run("train", [*QUICK, *words], place)


def with_model(place: Path) -> None:
    """Put a model there, and flows."""
    for name, content in kept("naive_bayes").items():
        (place / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "model" / name).write_bytes(content)
    written(form("bot_iot_10_best"), place / "flows.csv")


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


def training(draw: Random) -> list[str]:
    """One to four draws after `python -m train`, on few rows."""
    return QUICK + [word for _ in range(draw.choice([1, 1, 2, 3, 4])) for word in _words(draw)]


def _words(draw: Random) -> list[str]:
    """A choice of a group, or a key with a value: half of the values are of its type, the others hostile."""
    way = draw.random()
    if way < 0.05:
        return [draw.choice(WORDS)]
    if way < 0.3:
        group = draw.choice(list(choices()))
        choice = draw.choice([*choices()[group], draw.choice(VALUES)])
        return [f"{draw.choice(['+', '']) if group in ADDED else ''}{group}={choice}"]
    key = draw.choice(keys()[draw.choice(list(keys()))])
    if key.values and draw.random() < 0.5:
        return [*key.needs, f"{key.name}={draw.choice(key.values)}"]
    values = VALUES[:5] if key.name in COSTLY else VALUES
    return [*key.needs, f"{draw.choice(['', '', '', '++'])}{key.name}={draw.choice(values)}"]


def comparison(draw: Random) -> list[str]:
    """Words after `python -m compare`."""
    names = ("dataset", "test_dataset", "label", "split", "duplicates", "protocol", "data", "tuned", "where", "report",
             "run", "folder", "replicates", "seed", "log", "tracking.uri", "tracking.artifacts")  # fmt: skip
    values = ("simulated", "table", "selection", "shortcuts", "unseen", "gap", "[seed=1]", "[x]", *VALUES)
    return [f"{draw.choice(names)}={draw.choice(values)}" for _ in range(draw.choice([0, 1, 2, 3]))]


def scoring(draw: Random) -> list[str]:
    """Words after `python -m score`."""
    right = {"model": "model", "path": "flows.csv", "out": draw.choice(["out.parquet", "out.csv"])}
    values = ("mlruns", "flows.csv", "model", ".", "out.parquet", "tmp/x.csv", "flows.csv/x.csv", "", "*", "[", "~",
              "..", "a" * 300 + ".csv", *VALUES)  # fmt: skip
    words = [
        f"{key}={value if draw.random() < 0.7 else draw.choice(values)}"
        for key, value in right.items()
        if draw.random() < 0.95
    ]
    more = [f"unreadable_share={draw.choice(VALUES)}", f"trust={draw.choice(VALUES)}", draw.choice(VALUES)]
    return words + [each for each in more if draw.random() < 0.15]
