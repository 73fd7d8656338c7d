"""What every unseen attack was taken for, by the runs' `unseen.csv`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from iot_ids import track
from iot_ids.comparison.gathering import folder_of
from iot_ids.comparison.unseen.attacks import unseen
from iot_ids.spreadsheet import unguarded
from iot_ids.track import KeptRun, Store

SCHEMA = {
    "unseen": pl.String,
    "method": pl.String,
    "attack": pl.String,
    "taken_for": pl.String,
    "rows": pl.Int64,
    "share": pl.Float64,
}


def taken_for(store: Store, methods: Mapping[str, Sequence[KeptRun]], folder: Path) -> pl.DataFrame:
    """unseen, method, attack, taken_for, rows (of all seeds together), share (of the attack's rows).

    A run whose file cannot be read is left out; without any the table is empty.

    Args:
        store: of the runs.
        methods: the runs by their method's name.
        folder: takes copies of their files.
    """
    tables = [
        table.select(pl.lit(unseen(run).words).alias("unseen"), pl.lit(name).alias("method"), *list(SCHEMA)[2:5])
        for name, runs in methods.items()
        for run in runs
        if (table := _of_run(store, run, folder)) is not None
    ]
    if not tables:
        return pl.DataFrame(schema=SCHEMA)
    whole = (
        pl.concat(tables)
        .group_by("unseen", "method", "attack", "taken_for", maintain_order=True)
        .agg(pl.col("rows").sum())
    )
    share = pl.col("rows") / pl.col("rows").sum().over("unseen", "method", "attack")
    order = ["unseen", "method", "attack", "rows", "taken_for"]
    return whole.with_columns(share.alias("share")).sort(order, descending=[False, False, False, True, False])


def _of_run(store: Store, run: KeptRun, folder: Path) -> pl.DataFrame | None:
    file = track.fetch(store, run.id, "unseen.csv", folder_of(folder, run))
    try:
        table = None if file is None else unguarded(pl.read_csv(file, schema_overrides=SCHEMA))
    except pl.exceptions.PolarsError:
        return None
    return table if table is not None and set(list(SCHEMA)[2:5]) <= set(table.columns) else None


def found_of_each(table: pl.DataFrame, normal: str) -> dict[tuple[str, str], str]:
    """What was left out and the method, to the share found of each attack: `DDoS 98.10, DoS 40.20`, in percent."""
    found = table.group_by("unseen", "method", "attack", maintain_order=True).agg(
        pl.col("share").filter(pl.col("taken_for") != normal).sum()
    )
    texts: dict[tuple[str, str], list[str]] = {}
    for row in found.iter_rows(named=True):
        texts.setdefault((row["unseen"], row["method"]), []).append(f"{row['attack']} {100 * row['share']:.2f}")
    return {key: ", ".join(them) for key, them in texts.items()}
