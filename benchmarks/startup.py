"""Overhead of `python -m train`: all but preparing and fitting, in seconds.

The wall time of the whole command less the run's own `time/prepare_seconds` and `time/fit_seconds`. What remains is
imports, the store, the test rows, the audit, plots and saving the model. The baseline is a Python process that only
imports the same libraries. Under 12 s is required, under 6 s desired. The flows are simulated.
"""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure

LIBRARIES = (
    "hydra, polars, sklearn.metrics, matplotlib.figure, torch, lightning, mlflow.store.tracking.sqlalchemy_store"
)
IMPORTS = "its libraries' imports alone"


def measure(rounds: int) -> list[Figure]:
    """Time a first run, which creates the store, and a second one, which opens it."""
    seconds: dict[str, list[float]] = {"new": [], "there": [], "imports": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            seconds["new"].append(_besides(Path(folder)))
            seconds["imports"].append(_timed(Path(folder), "-c", f"import {LIBRARIES}")[0])
            seconds["there"].append(_besides(Path(folder)))
    return [
        Figure(f"`python -m train`, {what}", "s", seconds[name], IMPORTS, seconds["imports"], more_is_better=False)
        for name, what in (("new", "a new store"), ("there", "a store that is there"))
    ]


def _besides(folder: Path) -> float:
    """Run one training in `folder` and return its seconds less preparing and fitting."""
    seconds, said = _timed(folder, "-m", "train", "+experiment=gru_pearson", "cache=off")
    found = re.search(r"^run ([0-9a-f]{32})$", said, re.MULTILINE)
    assert found, said
    store = sqlite3.connect(folder / "mlruns" / "mlflow.db")
    wanted = "key in ('time/prepare_seconds', 'time/fit_seconds')"
    rows = store.execute(f"select value from latest_metrics where run_uuid = ? and {wanted}", [found[1]]).fetchall()
    store.close()
    return seconds - sum(float(value) for (value,) in rows)


def _timed(folder: Path, *words: str) -> tuple[float, str]:
    """Run Python with `words` and return its seconds and output."""
    start = time.perf_counter()
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"MPLBACKEND": "agg"}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return time.perf_counter() - start, done.stdout
