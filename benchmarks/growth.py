"""Time and memory against rows: releases in the official format, in files of a million rows, prepared and trained on.

A point is one process: `experiment.prepare`, then one epoch of the GRU. The straight line through the two smaller sizes
says what the largest should take, and what the whole set would. Asked for: at most 6 GiB at 10 million rows, better 3.

![Seconds and peak memory against rows, with the line through the smaller sizes](images/growth.png)
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.child import HOUSE, measured, peak_mib
from benchmarks.figure import Figure

MILLIONS = (1.0, 3.7, 10.0)
WHOLE_SET = 73.4
"""Millions of rows in the whole of BoT-IoT."""
FILE_ROWS = 1_000_000
PLOT = HOUSE / "docs" / "images" / "growth.png"
Points = dict[float, list[dict[str, Any]]]


def measure(rounds: int) -> list[Figure]:
    """Seconds and memory per million rows at the largest size, against the smallest: 1 is a straight line through 0."""
    points: Points = {millions: [] for millions in MILLIONS}
    with tempfile.TemporaryDirectory() as aside:
        for index in range(round(MILLIONS[-1] * 1e6 / FILE_ROWS)):
            measured(__name__, "write", aside, index)
        for _ in range(rounds):
            for millions in MILLIONS:
                points[millions].append(measured(__name__, "train", aside, millions))
    _plot(points)
    small, _, large = MILLIONS

    def each(key: str, millions: float) -> list[float]:
        return [point[key] / millions for point in points[millions]]

    return [
        Figure(f"{what}, {large:g} million rows", unit, each(key, large), f"{small:g} million", each(key, small), False)
        for what, unit, key in (
            ("preparing", "s per million rows", "prepare"),
            ("one epoch of the GRU", "s per million rows", "fit"),
            ("peak memory", "MiB per million rows", "mib"),
        )
    ]


def _plot(points: Points) -> None:
    """Medians as dots, the line through the smaller two, and what it says of the whole set."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(9, 3.2), layout="constrained")
    titles = {"prepare": "preparing, s", "fit": "one epoch of the GRU, s", "mib": "peak memory, MiB"}
    for axes, (key, title) in zip(canvas.subplots(1, 3), titles.items(), strict=True):
        middle = {
            millions: sorted(point[key] for point in found)[len(found) // 2] for millions, found in points.items()
        }
        (first, low), (second, high), _ = middle.items()
        slope = (high - low) / (second - first)
        axes.plot([0, MILLIONS[-1]], [low - slope * first, low + slope * (MILLIONS[-1] - first)], ":", color="grey")
        axes.plot(list(middle), list(middle.values()), "o")
        axes.set_title(
            f"{title}\n{WHOLE_SET:g} million: {low + slope * (WHOLE_SET - first):,.0f} (projected)", fontsize=9
        )
        axes.set_xlabel("million rows, SIMULATED")
        axes.set_ylim(bottom=0)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(PLOT, dpi=150)


def _write(folder: Path, index: int) -> dict[str, Any]:
    from iot_ids.data.simulate import simulate, write_csv

    write_csv(simulate(FILE_ROWS, seed=index), folder / f"flows_{index}.csv")
    return {}


def _train(folder: Path, millions: float) -> dict[str, Any]:
    from hydra import compose, initialize_config_dir

    from iot_ids import experiment
    from iot_ids.config import register, resolved
    from train import CONF

    register()
    whole, rest = divmod(round(millions * 1e6), FILE_ROWS)
    files = [folder / f"flows_{index}.csv" for index in range(whole + bool(rest))]
    rows = {f"flows_{whole}.csv": rest} if rest else {}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        words = ["+experiment=gru_pearson", "dataset=bot_iot", "cache=off", "trainer.max_epochs=1"]
        config = resolved(compose("train", [*words, f"dataset.path=[{','.join(map(str, files))}]"]))
    config.dataset.format.first_rows = rows
    start = time.perf_counter()
    prepared = experiment.prepare(config)
    middle, peak = time.perf_counter(), peak_mib()
    experiment.fit(prepared, lambda *_: None)
    seconds = {"prepare": middle - start, "fit": time.perf_counter() - middle}
    return {**seconds, "prepared_mib": peak, "mib": peak_mib(), "train_rows": len(prepared.train.y)}


if __name__ == "__main__":
    way, place, number = sys.argv[1:]
    done = _write(Path(place), int(number)) if way == "write" else _train(Path(place), float(number))
    print(json.dumps(done))
