"""Predicting with a saved GRU, whole files with `python -m score` and single flows, against MLflow's way for both."""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.child import held_mib, measured, peak_mib
from benchmarks.figure import Figure

ROWS = 688_521
CALLS = 300
"""Single flows to predict, after as many for warming up."""
THREADS = 1
"""For single flows: more threads would only wait for each other."""


def measure(rounds: int) -> list[Figure]:
    """Time each way in its own process, in alternation, with the paper's model after one epoch on simulated flows."""
    ways = ("files", "files_mlflow", "single", "single_mlflow")
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as aside:
        measured(__name__, "make", aside)
        for _ in range(rounds):
            for way in ways:
                found[way].append(measured(__name__, way, aside))

    def figure(what: str, unit: str, way: str, key: str, opponent: str, more: bool) -> Figure:
        ours, theirs = ([each[key] for each in found[name]] for name in (way, f"{way}_mlflow"))
        return Figure(what, unit, ours, opponent, theirs, more)

    files, one = f"scoring a CSV of {ROWS:,} rows", f"one flow at a time, {THREADS} thread"
    pandas = "pandas.read_csv and MLflow's predict"
    return [
        figure(files, "flows/s", "files", "flows_per_second", pandas, True),
        figure(f"{files}: peak memory", "MiB", "files", "mib", pandas, False),
        figure(f"{one}, p50", "ms", "single", "p50", "MLflow's predict", False),
        figure(f"{one}, p99", "ms", "single", "p99", "MLflow's predict", False),
    ]


def _make(folder: Path) -> dict[str, Any]:
    from hydra import compose, initialize_config_dir

    from iot_ids import tracking
    from iot_ids.common.paths import CONF
    from iot_ids.config import register, resolve
    from iot_ids.data.simulation.flows import simulate, write_csv
    from iot_ids.experiment import steps

    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        words = ["+experiment=gru_pearson", "dataset.rows=20000", "cache=off", "trainer.max_epochs=1"]
        config = resolve(compose("train", words))
    fitted = steps.fit(steps.prepare(config), lambda *_: None)
    tracking.save_model(fitted.detector, folder / "model")
    write_csv(simulate(ROWS, seed=0), folder / "flows.csv")
    return {}


def _files(folder: Path) -> dict[str, Any]:
    from iot_ids.serving import scoring

    detector = scoring.load_detector(folder / "model")
    before = held_mib()
    done = scoring.score(detector, scoring.layouts_of(detector, str(folder / "flows.csv")), folder / "ours.parquet")
    return {"flows_per_second": done.flows_per_second, "mib": peak_mib() - before}


def _files_mlflow(folder: Path) -> dict[str, Any]:
    import pandas

    model, before, start = _served(folder), held_mib(), time.perf_counter()
    model.predict(pandas.read_csv(folder / "flows.csv")).to_parquet(folder / "theirs.parquet")
    return {"flows_per_second": ROWS / (time.perf_counter() - start), "mib": peak_mib() - before}


def _single(folder: Path) -> dict[str, Any]:
    import polars as pl
    import torch

    from iot_ids.serving import scoring

    torch.set_num_threads(THREADS)
    detector = scoring.load_detector(folder / "model")
    flows = pl.read_csv(folder / "flows.csv", n_rows=2 * CALLS, infer_schema_length=None)
    return _latencies([lambda row=row: detector.probabilities(row) for row in flows.iter_slices(1)])


def _single_mlflow(folder: Path) -> dict[str, Any]:
    import pandas
    import torch

    torch.set_num_threads(THREADS)
    model, flows = _served(folder), pandas.read_csv(folder / "flows.csv", nrows=2 * CALLS)
    return _latencies([lambda at=at: model.predict(flows.iloc[at : at + 1]) for at in range(len(flows))])


def _served(folder: Path) -> Any:
    import mlflow

    import iot_ids.tracking  # noqa: F401  which keeps MLflow from reporting its use

    return mlflow.pyfunc.load_model(str(folder / "model"))


def _latencies(calls: list[Any]) -> dict[str, Any]:
    """Return p50 and p99 of the second half of the calls, in milliseconds."""
    seconds = []
    for call in calls:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    late = sorted(seconds[CALLS:])
    return {"p50": 1000 * late[len(late) // 2], "p99": 1000 * late[len(late) * 99 // 100]}


WAYS = {
    "make": _make,
    "files": _files,
    "files_mlflow": _files_mlflow,
    "single": _single,
    "single_mlflow": _single_mlflow,
}

if __name__ == "__main__":
    print(json.dumps(WAYS[sys.argv[1]](Path(sys.argv[2]))))
