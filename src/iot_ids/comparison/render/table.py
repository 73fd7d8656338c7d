"""The table with all its columns, for readers (Markdown) and for programs (CSV)."""

from collections.abc import Sequence

import polars as pl

from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.paper_claims import FOOTNOTE, MARK
from iot_ids.comparison.render import cells
from iot_ids.comparison.stats.seeds import FEWEST_SEEDS, Estimate
from iot_ids.metrics.metrics import TITLES


def csv(gathered: RunTable, rows: Sequence[Row]) -> pl.DataFrame:
    """One row per method, shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    table = pl.DataFrame([_numbers(gathered, row) for row in rows], infer_schema_length=None)
    return marked(table, gathered.simulated)


def marked(table: pl.DataFrame, simulated: bool) -> pl.DataFrame:
    """Says SIMULATED in a first column where the rows were generated."""
    return table.select(pl.lit("SIMULATED").alias("origin"), pl.all()) if simulated else table


def markdown(gathered: RunTable, rows: Sequence[Row]) -> str:
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


def score_cells(gathered: RunTable, row: Row) -> list[tuple[str, str]]:
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


def shown_measures(gathered: RunTable) -> list[str]:
    """The measures in the table's order; without a normal class there are no rates."""
    rates = ("detection_rate", "false_positive_rate")
    return [name for name in TITLES if gathered.normal is not None or name not in rates]


def _numbers(gathered: RunTable, row: Row) -> dict[str, object]:
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


def notes(gathered: RunTable, rows: Sequence[Row]) -> list[str]:
    """Everything that has to be said with the table."""
    said = ["Shares in percent; in brackets the 95 % interval. Ranked by macro-F1.", _intervals(gathered)]
    said += _seen(rows)
    said += [_tests(gathered, rows)] if len(gathered.methods) > 1 else []
    said += [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]
    return said + [f"{MARK} {FOOTNOTE}"] * any(row.claim for row in rows)


def _intervals(gathered: RunTable) -> str:
    fewest = min(len(method.records) for method in gathered.methods)
    if gathered.answers is not None and len(gathered.by_seed) > 1:
        text = "Intervals: bootstrap over seeds and test rows, which are the same for every seed."
        text += " Few seeds make them too narrow." if fewest < FEWEST_SEEDS else ""
        return text + (" A method with one seed: over test rows alone." if fewest == 1 else "")
    if gathered.answers is not None:
        return "Intervals: bootstrap over the test rows alone; one seed says nothing of other seeds."
    text = "Intervals: t over seeds with Nadeau and Bengio's variance, since the random splits share rows."
    return text + (" A method with one seed: bootstrap over its test rows alone." if fewest == 1 else "")


def _seen(rows: Sequence[Row]) -> list[str]:
    """Who is judged on rows that stand in train; nothing where nobody is, or nobody counted."""
    most = max(rows, key=lambda row: row.seen_share or 0.0)
    if not most.seen_share:
        return []
    return [
        "Seen: test rows whose features, as far as the method reads them, stand in train as well; up to "
        f"{cells.seen(most)} ({most.name})."
    ]


def _tests(gathered: RunTable, rows: Sequence[Row]) -> str:
    rivals = [row for row in rows if row.difference is not None]
    tested = [row for row in rivals if row.p is not None]
    test = "corrected resampled t-test" if gathered.answers is None else "paired bootstrap"
    how = f"Differences to the best are paired by seed ({test}, two-sided, Holm-corrected over {len(tested)} tests"
    warning = "The best was chosen on these same test rows."
    if len({tuple(row.seeds) for row in rows if row.seeds}) > 1:
        warning += " A difference is over the seeds that both methods have; their means are over all that each has."
    if not tested:
        return (
            f"No stars: with fewer than {FEWEST_SEEDS} common seeds a difference to the best has an interval and is "
            f"not tested. {warning}"
        )
    untested = len(gathered.methods) - 1 - len(tested)
    rest = f" {untested} not tested: fewer than {FEWEST_SEEDS} common seeds." if untested else ""
    return f"{how}; * below 0.05).{rest} {warning}"
