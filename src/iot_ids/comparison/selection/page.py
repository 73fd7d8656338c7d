"""The report for readers and for programs."""

from collections.abc import Sequence

import polars as pl

from iot_ids.comparison import cells
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.report import Page
from iot_ids.comparison.scores import RANKED_BY
from iot_ids.comparison.selection.lines import Line
from iot_ids.comparison.selection.sentence import sentence
from iot_ids.comparison.table import ends, marked

HEADINGS = ["model", "selector", "k", "macro-F1", "to all features", "acc.", "pred. s", "seeds", "seen"]


def page(gathered: Gathered, lines: Sequence[Line], unselected: Sequence[str]) -> Page:
    """A line per model and selection, all features first."""
    return Page(
        f"{cells.title(gathered)}: with and without feature selection",
        sentence(lines, gathered.simulated),
        HEADINGS,
        [_cells(line) for line in lines],
        _notes(gathered, unselected),
        words=2,
    )


def csv(gathered: Gathered, lines: Sequence[Line]) -> pl.DataFrame:
    """Shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    table = pl.DataFrame([_numbers(line) for line in lines], infer_schema_length=None)
    return marked(table, gathered.simulated)


def _cells(line: Line) -> list[str]:
    return [
        line.model,
        line.selector,
        cells.count(line.features),
        cells.score(line.row, RANKED_BY),
        cells.difference(line.difference),
        cells.share(line.row.scores["accuracy"], interval=False),
        cells.seconds(line.row.predict_seconds),
        str(len(line.row.seeds)),
        cells.seen(line.row),
    ]


def _numbers(line: Line) -> dict[str, object]:
    return {
        "model": line.model,
        "selector": line.selector,
        "features": line.features,
        "seeds": len(line.row.seeds),
        "seed_list": " ".join(map(str, line.row.seeds)),
        **ends(RANKED_BY, line.row.scores[RANKED_BY]),
        **ends("accuracy", line.row.scores["accuracy"]),
        **ends("difference", line.difference.estimate if line.difference else None),
        "common_seeds": line.difference.seeds if line.difference else None,
        "predict_seconds": line.row.predict_seconds,
        "fit_seconds": line.row.fit_seconds,
        "seen_rows": line.row.seen,
        "seen_share": line.row.seen_share,
    }


def _notes(gathered: Gathered, unselected: Sequence[str]) -> list[str]:
    paired = "bootstrap over seeds and test rows" if gathered.answers is not None else "corrected resampled t"
    said = [
        "Shares in percent; in brackets the 95 % interval. k: encoded columns used. Seen: test rows whose used columns "
        "equal a training row's; few columns make many rows equal, and what is seen need not be learned.",
        f"Differences: macro-F1 less that of the same model with all features, paired by seed ({paired}). The best "
        "selection is chosen on the test rows that it is judged on, and its interval knows nothing of how many were "
        "tried: both favour selection.",
    ]
    if unselected:
        said.append(f"Left out, run without selection alone: {'; '.join(unselected)}.")
    return said + [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]
