"""The sentences under the table: what the intervals are, what was tested, what was left out, what is quoted."""

from collections.abc import Sequence

from iot_ids.comparison import cells
from iot_ids.comparison.claims import FOOTNOTE, MARK
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.scores import Row
from iot_ids.comparison.statistics import FEWEST_SEEDS


def notes(gathered: Gathered, rows: Sequence[Row]) -> list[str]:
    """Everything that has to be said with the table."""
    said = ["Shares in percent; in brackets the 95 % interval. Ranked by macro-F1.", _intervals(gathered)]
    said += _seen(rows)
    said += [_tests(gathered, rows)] if len(gathered.methods) > 1 else []
    said += [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]
    return said + [f"{MARK} {FOOTNOTE}"] * any(row.claim for row in rows)


def _intervals(gathered: Gathered) -> str:
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


def _tests(gathered: Gathered, rows: Sequence[Row]) -> str:
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
