"""The table with all its columns, for readers (Markdown) and for programs (CSV)."""

from collections.abc import Sequence

import polars as pl

from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.paper_claims import FOOTNOTE, MARK
from iot_ids.comparison.render import cells
from iot_ids.comparison.render.columns import Column, difference, ends, frame, headings, seeds, seen, texts
from iot_ids.comparison.stats.seeds import FEWEST_SEEDS
from iot_ids.metrics.metrics import TITLES, recall


def columns(gathered: RunTable) -> list[Column[Row]]:
    """Return every column but the recalls, the method's name first."""
    ranked_by, *others = (_measure(name) for name in shown_measures(gathered))
    return [
        Column("method", lambda row: row.name, lambda row: {"method": row.name, "constant": row.constant}),
        Column(numbers=lambda row: seeds(row.seeds)),
        ranked_by,
        Column("difference to the best macro-F1", cells.to_best),
        *others,
        Column(numbers=_tested),
        Column(
            "accuracy the paper claims",
            lambda row: row.claim or cells.NOTHING,
            lambda row: {"paper_claims_percent": row.claim.replace(MARK, "") or None},
        ),
        Column("seeds", lambda row: cells.NOTHING if row.constant else str(len(row.seeds))),
        Column("test rows seen in train", cells.seen, seen),
        Column(
            "seconds to fit", lambda row: cells.seconds(row.fit_seconds), lambda row: {"fit_seconds": row.fit_seconds}
        ),
        Column(
            "seconds to predict",
            lambda row: cells.seconds(row.predict_seconds),
            lambda row: {"predict_seconds": row.predict_seconds},
        ),
        Column("parameters", lambda row: cells.count(row.parameters), lambda row: {"parameters": row.parameters}),
        Column("tuned", lambda row: row.tuned or cells.NOTHING, lambda row: {"tuned": row.tuned or None}),
    ]


def recall_columns(gathered: RunTable) -> list[Column[Row]]:
    """Return a column per class; one without test rows is in the CSV file only."""
    return [_recall(name, rows) for name, rows in cells.rows_per_class(gathered).items()]


def _measure(name: str) -> Column[Row]:
    return Column(TITLES[name], lambda row: cells.score(row, name), lambda row: ends(name, row.scores.get(name)))


def _recall(label: str, rows: int) -> Column[Row]:
    name = recall(label)
    return Column(
        f"{label} (n = {rows:,})" if rows else None,
        (lambda row: cells.score(row, name)) if rows else None,
        lambda row: ends(name, row.scores.get(name)) | {f"rows/{label}": rows},
    )


def _tested(row: Row) -> dict[str, object]:
    p = row.difference.p if row.difference else None
    return difference(row.difference) | {"p_uncorrected": p, "p_holm": row.p}


def csv(gathered: RunTable, rows: Sequence[Row]) -> pl.DataFrame:
    """One row per method, shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    return frame([*columns(gathered), *recall_columns(gathered)], rows, gathered.simulated)


def markdown(gathered: RunTable, rows: Sequence[Row]) -> str:
    """Title, scores, recall per class, and the notes."""
    scores = columns(gathered)
    parts = [
        f"# {cells.plain(cells.title(gathered))}",
        _grid(scores, rows),
        "## Recall per class",
        _grid([scores[0], *recall_columns(gathered)], rows),
        *map(cells.plain, notes(gathered, rows)),
    ]
    return "\n\n".join(parts) + "\n"


def _grid(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
    return cells.grid(headings(columns), [texts(columns, row) for row in rows])


def shown_measures(gathered: RunTable) -> list[str]:
    """The measures in the table's order; without a normal class there are no rates."""
    rates = ("detection_rate", "false_positive_rate")
    return [name for name in TITLES if gathered.normal is not None or name not in rates]


def notes(gathered: RunTable, rows: Sequence[Row]) -> list[str]:
    """Everything that has to be said with the table."""
    said = ["Shares in percent; in brackets the 95 % interval. Ranked by macro-F1.", _intervals(gathered)]
    said += _seen(rows)
    said += [_tests(gathered, rows)] if len(gathered.methods) > 1 else []
    said += [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]
    return said + [f"{MARK} {FOOTNOTE}"] * any(row.claim for row in rows)


def _intervals(gathered: RunTable) -> str:
    fewest = min(len(method.records) for method in gathered.methods)
    if gathered.predictions is not None and len(gathered.by_seed) > 1:
        text = "Intervals: bootstrap over seeds and test rows, which are the same for every seed."
        text += " Few seeds make them too narrow." if fewest < FEWEST_SEEDS else ""
        return text + (" For a method with one seed: over its test rows only." if fewest == 1 else "")
    if gathered.predictions is not None:
        return "Intervals: bootstrap over the test rows only; one seed says nothing about other seeds."
    text = "Intervals: t over seeds with Nadeau and Bengio's variance, since the random splits share rows."
    return text + (" For a method with one seed: bootstrap over its test rows only." if fewest == 1 else "")


def _seen(rows: Sequence[Row]) -> list[str]:
    """Name the method with the most test rows that occur in train; nothing if there are none, or none were counted."""
    most = max(rows, key=lambda row: row.seen_share or 0.0)
    if not most.seen_share:
        return []
    return [
        "Seen: percentage of test rows that equal a training row in every feature that the method reads; up to "
        f"{cells.seen(most)} ({most.name})."
    ]


def _tests(gathered: RunTable, rows: Sequence[Row]) -> str:
    rivals = [row for row in rows if row.difference is not None]
    tested = [row for row in rivals if row.p is not None]
    test = "corrected resampled t-test" if gathered.predictions is None else "paired bootstrap"
    how = f"Differences to the best are paired by seed ({test}, two-sided, Holm-corrected over {len(tested)} tests"
    warning = "The best was chosen on these same test rows."
    if len({tuple(row.seeds) for row in rows if row.seeds}) > 1:
        warning += " A difference is over the seeds that both methods have; a mean is over all seeds of its method."
    if not tested:
        return (
            f"No stars: with fewer than {FEWEST_SEEDS} common seeds, a difference to the best has an interval but is "
            f"not tested. {warning}"
        )
    untested = len(gathered.methods) - 1 - len(tested)
    rest = f" {untested} not tested: fewer than {FEWEST_SEEDS} common seeds." if untested else ""
    return f"{how}; * below 0.05).{rest} {warning}"
