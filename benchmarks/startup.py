"""What `python -m train` takes besides reading and fitting, in seconds.

The whole command's time, from the shell and back, less the run's own `time/prepare_seconds` and `time/fit_seconds`:
imports, the store, the test rows, the audit, plots and the kept model. The opponent is a Python that imports the same
libraries and ends. Asked for: under 12 s, better under 6 s. The flows are the simulated ones.
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
    """The first run, which creates a store, and the second, which finds it."""
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
    """One training in `folder`: its seconds, less reading and fitting."""
    seconds, said = _timed(folder, "-m", "train", "+experiment=gru_pearson", "cache=off")
    found = re.search(r"^run ([0-9a-f]{32})$", said, re.MULTILINE)
    assert found, said
    store = sqlite3.connect(folder / "mlruns" / "mlflow.db")
    wanted = "key in ('time/prepare_seconds', 'time/fit_seconds')"
    rows = store.execute(f"select value from latest_metrics where run_uuid = ? and {wanted}", [found[1]]).fetchall()
    store.close()
    return seconds - sum(float(value) for (value,) in rows)


def _timed(folder: Path, *words: str) -> tuple[float, str]:
    """Seconds and output of one Python."""
    start = time.perf_counter()
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"MPLBACKEND": "agg"}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return time.perf_counter() - start, done.stdout
