"""The table with all its columns, for readers (Markdown) and for programs (CSV)."""

from collections.abc import Sequence

import polars as pl

from iot_ids.comparison import cells
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.measures import TITLES
from iot_ids.comparison.notes import notes
from iot_ids.comparison.scores import Row
from iot_ids.comparison.statistics import Estimate


def csv(gathered: Gathered, rows: Sequence[Row]) -> pl.DataFrame:
    """One row per method, shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    table = pl.DataFrame([_numbers(gathered, row) for row in rows], infer_schema_length=None)
    return marked(table, gathered.simulated)


def marked(table: pl.DataFrame, simulated: bool) -> pl.DataFrame:
    """Says SIMULATED in a first column where the rows were generated."""
    return table.select(pl.lit("SIMULATED").alias("origin"), pl.all()) if simulated else table


def markdown(gathered: Gathered, rows: Sequence[Row]) -> str:
    """Title, scores, recall per class, and the notes."""
    scores = [[row.name, *(text for _, text in score_cells(gathered, row))] for row in rows]
    headings = ["method", *(heading for heading, _ in score_cells(gathered, rows[0]))]
    recalls = cells.recall_columns(gathered)
    found = [[row.name, *(cells.score(row, name) for name in recalls)] for row in rows]
    parts = [
        f"# {cells.plain(cells.title(gathered))}",
        cells.grid(headings, scores),
        "## Recall per class",
        cells.grid(["method", *recalls.values()], found),
        *(f"{cells.plain(note)}" for note in notes(gathered, rows)),
    ]
    return "\n\n".join(parts) + "\n"


def score_cells(gathered: Gathered, row: Row) -> list[tuple[str, str]]:
    """Every column but the name and the recalls, as heading and text."""
    measures = [(TITLES[name], cells.score(row, name)) for name in shown_measures(gathered)]
    return [
        *measures[:1],
        ("difference to the best macro-F1", cells.to_best(row)),
        *measures[1:],
        ("accuracy the paper claims", row.claim or cells.NOTHING),
        ("seeds", cells.NOTHING if row.constant else str(len(row.seeds))),
        ("test rows seen in train", cells.seen(row)),
        ("seconds to fit", cells.seconds(row.fit_seconds)),
        ("seconds to predict", cells.seconds(row.predict_seconds)),
        ("parameters", cells.count(row.parameters)),
        ("tuned", row.tuned or cells.NOTHING),
    ]


def shown_measures(gathered: Gathered) -> list[str]:
    """The measures in the table's order; without a normal class there are no rates."""
    rates = ("detection_rate", "false_positive_rate")
    return [name for name in TITLES if gathered.normal is not None or name not in rates]


def _numbers(gathered: Gathered, row: Row) -> dict[str, object]:
    numbers: dict[str, object] = {
        "method": row.name,
        "constant": row.constant,
        "seeds": len(row.seeds),
        "seed_list": " ".join(map(str, row.seeds)),
    }
    for name in shown_measures(gathered):
        numbers |= ends(name, row.scores.get(name))
    numbers |= ends("difference", row.difference.estimate if row.difference else None)
    numbers |= {
        "common_seeds": row.difference.seeds if row.difference else None,
        "p_uncorrected": row.difference.p if row.difference else None,
        "p_holm": row.p,
        "paper_claims_percent": row.claim.replace("†", "") or None,
        "seen_rows": row.seen,
        "seen_share": row.seen_share,
        "fit_seconds": row.fit_seconds,
        "predict_seconds": row.predict_seconds,
        "parameters": row.parameters,
        "tuned": row.tuned or None,
    }
    for name, rows in cells.rows_per_class(gathered).items():
        numbers |= ends(f"recall/{name}", row.scores.get(f"recall/{name}")) | {f"rows/{name}": rows}
    return numbers


def ends(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """A measure with `_low` and `_high`; None where there is no number."""
    values = (None,) * 3 if estimate is None else (estimate.mean, estimate.low, estimate.high)
    known = (None if value is None or value != value else value for value in values)
    return dict(zip((name, f"{name}_low", f"{name}_high"), known, strict=True))
