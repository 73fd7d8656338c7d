"""Time and memory by number of rows: preparing flows in the official format, a million per file, and training on them.

Each point is one process: `prepare`, not counting imports, then one epoch of the GRU. The straight line through the two
smaller sizes predicts the largest one and the whole data set. Required: at most 6 GiB for 10 million rows; desired: 3.

![Seconds and peak memory against rows, with the line through the smaller sizes](images/growth.png)
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.child import HOUSE, measured, peak_mib
from benchmarks.figure import Figure

MILLIONS = (1.0, 3.7, 10.0)
WHOLE_SET = 73.4
"""Millions of rows in all of BoT-IoT."""
FILE_ROWS = 1_000_000
PLOT = HOUSE / "docs" / "images" / "growth.png"
MEASURES = {
    "prepare": ("preparing", "s"),
    "fit": ("one epoch of the GRU", "s"),
    "mib": ("peak memory", "MiB"),
}


def measure(rounds: int) -> list[Figure]:
    """Measure seconds and memory per million rows at the larger sizes against the smallest: 1 means linear growth."""
    points: dict[float, list[dict[str, Any]]] = {millions: [] for millions in MILLIONS}
    with tempfile.TemporaryDirectory() as aside:
        for index in range(round(MILLIONS[-1] * 1e6 / FILE_ROWS)):
            measured(__name__, "write", aside, index)
        for _ in range(rounds):
            for millions in MILLIONS:
                points[millions].append(measured(__name__, "train", aside, millions))
    per_million = {
        key: [[point[key] / millions for point in found] for millions, found in points.items()] for key in MEASURES
    }
    _plot({key: [median(values) for values in found] for key, found in per_million.items()})
    return [
        Figure(
            f"{what}, {millions:g} million rows",
            f"{unit} per million rows",
            per_million[key][at],
            f"{MILLIONS[0]:g} million",
            per_million[key][0],
            more_is_better=False,
        )
        for key, (what, unit) in MEASURES.items()
        for at, millions in enumerate(MILLIONS[1:], start=1)
    ]


def _plot(per_million: dict[str, list[float]]) -> None:
    """Plot the medians, the line through the two smaller sizes, and its prediction for the whole data set."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(9, 3.2), layout="constrained")
    for axes, (key, (what, unit)) in zip(canvas.subplots(1, 3), MEASURES.items(), strict=True):
        values = [each * millions for each, millions in zip(per_million[key], MILLIONS, strict=True)]
        slope = (values[1] - values[0]) / (MILLIONS[1] - MILLIONS[0])
        start = values[0] - slope * MILLIONS[0]
        axes.plot([0, MILLIONS[-1]], [start, start + slope * MILLIONS[-1]], ":", color="grey")
        axes.plot(MILLIONS, values, "o")
        axes.set_title(
            f"{what}, {unit}\n{WHOLE_SET:g} million: {start + slope * WHOLE_SET:,.0f} (projected)", fontsize=9
        )
        axes.set_xlabel("million rows, SIMULATED")
        axes.set_ylim(bottom=0)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(PLOT, dpi=150)


def _write(folder: Path, index: int) -> dict[str, Any]:
    from iot_ids.data.simulation.flows import simulate, write_csv

    write_csv(simulate(FILE_ROWS, seed=index), folder / f"flows_{index}.csv")
    return {}


def _train(folder: Path, millions: float) -> dict[str, Any]:
    from hydra import compose, initialize_config_dir

    from iot_ids.common.paths import CONF
    from iot_ids.config import register, resolve
    from iot_ids.experiment import steps

    register()
    whole, rest = divmod(round(millions * 1e6), FILE_ROWS)
    files = [folder / f"flows_{index}.csv" for index in range(whole + bool(rest))]
    rows = {f"flows_{whole}.csv": rest} if rest else {}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        words = ["+experiment=gru_pearson", "dataset=bot_iot", "cache=off", "trainer.max_epochs=1"]
        config = resolve(compose("train", [*words, f"dataset.path=[{','.join(map(str, files))}]"]))
    config.dataset.format.first_rows = rows
    prepared = steps.prepare(config)
    start = time.perf_counter()
    steps.fit(prepared, lambda *_: None)
    return {"prepare": prepared.seconds, "fit": time.perf_counter() - start, "mib": peak_mib()}


if __name__ == "__main__":
    way, place, number = sys.argv[1:]
    done = _write(Path(place), int(number)) if way == "write" else _train(Path(place), float(number))
    print(json.dumps(done))
