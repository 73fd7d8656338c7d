"""The paper's table and chart of results per class, for any one run: F1, precision and recall, and their averages."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.common.text import mark_simulated
from iot_ids.comparison.loading import aligned, confusion
from iot_ids.comparison.paper_claims import FOOTNOTE, MARK
from iot_ids.comparison.render import cells
from iot_ids.comparison.selecting import networks
from iot_ids.metrics.metrics import per_class
from iot_ids.plots import run as plots
from iot_ids.tracking import KeptRun, Store

MEASURES = ("f1", "precision", "recall")
PRINTED = {
    "normal": ("95.70", "96.70", "94.60"),
    "DoS": ("99.75", "99.45", "99.99"),
    "DDoS": ("99.99", "99.98", "99.96"),
    "weighted average": ("99.97", "99.97", "99.97"),
}
"""F1, precision and recall in percent, as the paper prints them; its classes are those of `dataset.label=paper`."""


def find(stores: dict[str, Store], beginning: str) -> tuple[Store, KeptRun]:
    """The run whose id begins so.

    Raises:
        UserError: there is none, or more than one.
    """
    found = [
        (store, run) for store in stores.values() for run in tracking.kept_runs(store) if run.id.startswith(beginning)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"run={beginning}: the ids of several runs begin so: {_named(found[:4])}; give more of one")
    every = [(store, run) for store in stores.values() for run in tracking.kept_runs(store) if "kind" not in run.tags]
    latest = sorted(every, key=lambda each: -each[1].start)[:4]
    raise UserError(f"run={beginning}: no run's id begins so; the latest runs are {_named(latest)}")


def _named(found: Sequence[tuple[Store, KeptRun]]) -> str:
    return ", ".join(f"{run.name} ({run.id})" for _, run in found)


def read(store: Store, run: KeptRun, folder: Path) -> pl.DataFrame:
    """`per_class` of the run's test rows.

    Raises:
        UserError: the run has no confusion matrix.
    """
    table = confusion(store, run, folder)
    if table is None:
        raise UserError(f"run={run.id}: {run.name} ({run.status}) has no confusion_matrix.csv that can be read")
    classes = table["label"].to_list()
    return per_class(aligned(table, classes), classes)


def averaged(report: pl.DataFrame) -> pl.DataFrame:
    """class, rows, found, f1, precision, recall of every class that has test rows, then their weighted average."""
    present = report.filter(pl.col("rows") > 0).select(
        "class", "rows", (pl.col("recall") * pl.col("rows")).round().cast(pl.Int64).alias("found"), *MEASURES
    )
    shares = [(pl.col(name) * pl.col("rows")).sum() / pl.col("rows").sum() for name in MEASURES]
    total = present.select(
        pl.lit("weighted average").alias("class"),
        pl.col("rows", "found").sum(),
        *(share.alias(name) for share, name in zip(shares, MEASURES, strict=True)),
    )
    return pl.concat([present, total])


def markdown(table: pl.DataFrame, run: KeptRun) -> str:
    """The table in percent; beside it what the paper prints, where the classes are the paper's."""
    quoted = run.parameters.get("dataset.label") == "paper"
    lines = [_cells(row, quoted) for row in table.iter_rows(named=True)]
    headings = ["class", "test rows", "found", *(f"{'F1' if name == 'f1' else name}, %" for name in MEASURES)]
    headings += [f"{heading} in the paper{MARK}" for heading in headings[3:]] * quoted
    title = f"# {cells.plain(title_of(run))}"
    return "\n\n".join([title, cells.grid(headings, lines), *[f"{MARK} {FOOTNOTE}"] * quoted]) + "\n"


def write(report: pl.DataFrame, run: KeptRun, folder: Path) -> pl.DataFrame:
    """Write `paper_table.md`, `paper_table.csv` and `paper_chart.png`; return the table."""
    table, simulated = averaged(report), run.tags.get("data.origin") == "generated"
    cells.write_text(folder / "paper_table.md", markdown(table, run))
    cells.write_csv(folder / "paper_table.csv", mark_simulated(table, simulated))
    title = title_of(run).removeprefix("SIMULATED: ")
    plots.per_class(report, folder / "paper_chart.png", title, simulated=simulated)
    return table


def title_of(run: KeptRun) -> str:
    """Which run on what; SIMULATED first where the rows were generated."""
    start = "SIMULATED: " if run.tags.get("data.origin") == "generated" else ""
    return f"{start}{networks(run)}, {run.parameters.get('dataset.label', '?')}: {run.name}, test rows"


def _cells(row: dict[str, object], quoted: bool) -> list[str]:
    ours = [f"{100 * value:.2f}" if isinstance(value := row[name], float) else cells.NOTHING for name in MEASURES]
    theirs = PRINTED.get(str(row["class"]), (cells.NOTHING,) * len(MEASURES)) if quoted else ()
    return [str(row["class"]), f"{row['rows']:,}", f"{row['found']:,}", *ours, *theirs]
