"""From a raw CSV of the paper's size to tensors.

Ours is all that `python -m train` does before training: hashing, reading with every row accounted for, removing
duplicates, splitting, selecting and scaling. The baselines are pandas with scikit-learn, as an experienced user would
write it, and Polars reading the same columns and doing nothing else. Memory is each process's peak beyond its imported
libraries (ours also imports PyTorch). With a warm cache, under 0.5 s is required and 0.1 s desired. The flows are
simulated, in BoT-IoT's format.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.child import held_mib, measured, peak_mib
from benchmarks.figure import Figure

ROWS = 688_521
"""The number of rows in the reproduced paper."""
FEATURES, SHARE, SEED = 8, 0.2, 42
Once = Callable[[], Any]


def measure(rounds: int) -> list[Figure]:
    """Measure time and memory of each way in its own process, in alternation.

    Both are counted from imported libraries to arrays; ours include the file's hash and the account of every row.
    """
    ways = ("ours", "polars", "pandas", "warm")
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as aside:
        file = Path(aside) / "flows.csv"
        measured(__name__, "write", file)
        measured(__name__, "warm", file)  # fills the cache
        for _ in range(rounds):
            for way in ways:
                found[way].append(measured(__name__, way, file))

    def values(way: str, key: str) -> list[float]:
        return [each[key] for each in found[way]]

    what, ours, kept = f"raw CSV, {ROWS:,} rows, to tensors", values("ours", "seconds"), values("warm", "seconds")
    theirs = values("pandas", "seconds")
    peaks = values("ours", "mib"), values("pandas", "mib")
    return [
        Figure(what, "s", ours, "pandas + scikit-learn", theirs, False, least=2.5, aim=4),
        Figure(f"{what}: peak memory", "MiB", peaks[0], "pandas + scikit-learn", peaks[1], False, least=1 / 0.7),
        Figure(
            what, "s", ours, "bare Polars, reading alone", values("polars", "seconds"), False, least=1 / 3, aim=2 / 3
        ),
        Figure(f"{what}, warm cache", "s", kept, "pandas + scikit-learn", theirs, False),
    ]


def _write(file: Path) -> None:
    from iot_ids.data.simulation.flows import simulate, write_csv

    write_csv(simulate(ROWS, seed=0), file)


@contextmanager
def _ours(file: Path, *cache: str) -> Iterator[Once]:
    """Time `prepare` as `python -m train` calls it, after a first call that imports everything."""
    from hydra import compose, initialize_config_dir

    from iot_ids.common.paths import CONF
    from iot_ids.config import register, resolve
    from iot_ids.experiment import steps

    register()

    def configured(*dataset: str) -> Any:
        method = ["+experiment=gru_pearson", "model=naive_bayes", f"selector.k={FEATURES}", f"seed={SEED}"]
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return resolve(compose("train", [*method, *dataset]))

    steps.prepare(configured("dataset.rows=2000", "cache=off"))
    config = configured("dataset=bot_iot", f"dataset.path={file}", *cache)
    yield lambda: steps.prepare(config)


@contextmanager
def _polars(file: Path) -> Iterator[Once]:
    import polars as pl

    columns = _columns()
    numbers = {*columns["numeric"], "stime", "ltime"}
    names = file.open().readline().strip().split(",")
    schema = {name: pl.Float32() if name in numbers else pl.String() for name in names}
    wanted = [name for role in ("numeric", "categorical", "identifiers", "labels") for name in columns[role]]
    yield lambda: pl.scan_csv(file, schema=schema).select(wanted).collect(engine="streaming")


@contextmanager
def _pandas(file: Path) -> Iterator[Once]:
    """Do the same cleaning, splitting, scaling and selection as an experienced user would write it."""
    import numpy as np
    import pandas as pd
    from sklearn.feature_selection import r_regression
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import MinMaxScaler

    columns = _columns()
    numeric, names, labels = columns["numeric"], columns["categorical"], columns["labels"]
    wanted = [*numeric, *names, *columns["identifiers"], *labels]
    kinds = dict.fromkeys(numeric, "float32") | dict.fromkeys([*names, *labels, "saddr", "daddr"], "category")

    def prepare() -> list[Any]:
        flows = pd.read_csv(file, usecols=wanted, dtype=kinds | dict.fromkeys(columns["ports"], "category"))
        flows = flows[np.isfinite(flows[numeric]).all(axis=1) & flows[labels].notna().all(axis=1)]
        flows = flows.drop_duplicates([*numeric, *names, *labels])
        flows = flows.assign(y=flows["category"].cat.codes)
        rest, _ = train_test_split(flows, test_size=SHARE, stratify=flows["y"], random_state=SEED)
        train, validation = train_test_split(rest, test_size=SHARE, stratify=rest["y"], random_state=SEED)
        parts = [
            pd.get_dummies(part[[*numeric, *names]], columns=names, dtype="float32") for part in (train, validation)
        ]
        indicators = [(train["y"] == code).to_numpy() for code in sorted(train["y"].unique())]
        scores = np.max([np.abs(r_regression(parts[0], each)) for each in indicators], axis=0)
        chosen = parts[0].columns[np.argsort(-scores, kind="stable")[:FEATURES]]
        scaler = MinMaxScaler().fit(parts[0][chosen])
        return [np.ascontiguousarray(scaler.transform(part[chosen]), dtype="float32") for part in parts]

    yield prepare


def _columns() -> dict[str, list[str]]:
    import yaml

    from iot_ids.common.paths import CONF

    return dict(yaml.safe_load((CONF / "dataset" / "bot_iot.yaml").read_text())["columns"])


def _main(way: str, file: Path) -> None:
    if way == "write":
        _write(file)
        print("{}")
        return
    warm = _ours(file, f"cache.path={file.parent / 'cache'}") if way == "warm" else None
    ways = {"ours": lambda: _ours(file, "cache=off"), "polars": lambda: _polars(file), "pandas": lambda: _pandas(file)}
    with warm or ways[way]() as once:
        before, start = held_mib(), time.perf_counter()
        kept = once()
        seconds = time.perf_counter() - start
    del kept
    print(json.dumps({"seconds": seconds, "mib": peak_mib() - before}))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
