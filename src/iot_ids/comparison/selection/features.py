"""How many features a run really used."""

from pathlib import Path

import polars as pl

from iot_ids import track
from iot_ids.comparison.gathering import Method, folder_of
from iot_ids.track import KeptRun, Store


def used(store: Store, method: Method, folder: Path) -> int | None:
    """The most of any seed, since columns may be constant in one split alone; None where no run's file says."""
    counts = [count for record in method.records if (count := _of_run(store, record.run, folder)) is not None]
    return max(counts, default=None)


def _of_run(store: Store, run: KeptRun, folder: Path) -> int | None:
    """`selector.k` where there is one, for a run that cannot keep so many is refused; else what its file lists."""
    if (k := run.parameters.get("selector.k", "")).isdigit():
        return int(k)
    file = track.fetch(store, run.id, "selected_features.csv", folder_of(folder, run))
    try:
        return None if file is None else int(pl.read_csv(file)["selected"].sum())
    except pl.exceptions.PolarsError:
        return None
