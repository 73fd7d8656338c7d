"""The report for readers and for programs."""

from collections.abc import Sequence

import polars as pl

from iot_ids.comparison import cells
from iot_ids.comparison.gathering import Gathered, Method
from iot_ids.comparison.report import Page
from iot_ids.comparison.runs import named
from iot_ids.comparison.shortcuts.lines import MEASURES, Line
from iot_ids.comparison.shortcuts.sentence import sentence
from iot_ids.comparison.table import ends, marked
from iot_ids.shortcuts import OURS, protocol

HEADINGS = ["method", "protocol", "accuracy", "to clean", "macro-F1", "to clean", "test rows", "seen", "seeds"]
BRIEF_HEADINGS = ["", "acc.", "to clean", "macro-F1", "to clean", "test rows", "seen", "seeds"]
NOTES = (
    "Shares in percent; in brackets the 95 % interval. Seen: test rows whose used columns equal a training row's.",
    "Differences to clean: paired by seed, corrected resampled t. Most shortcuts change which rows are tested, so each "
    "describes what it does to the number that is reported; it is no test on the same rows.",
    "An outlier rule acts even where it is learned on train alone: what learning it before the split adds is told by "
    "setting the two rows beside each other.",
)


def page(gathered: Gathered, lines: Sequence[Line], left_out: Sequence[Method]) -> Page:
    """A line per method and condition; for a terminal, without the intervals of the scores."""
    return Page(
        f"{cells.flows(gathered)}: what each shortcut is worth",
        sentence(lines, gathered.simulated),
        HEADINGS,
        [[line.method, *_cells(line, interval=True)] for line in lines],
        [*NOTES, *_note_on_ours(lines), *_more_notes(gathered, left_out)],
        BRIEF_HEADINGS,
        _brief(lines),
    )


def csv(gathered: Gathered, lines: Sequence[Line]) -> pl.DataFrame:
    """Shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    table = pl.DataFrame([_numbers(line) for line in lines], infer_schema_length=None)
    return marked(table, gathered.simulated)


def _brief(lines: Sequence[Line]) -> list[list[str]]:
    """Each method's name stands once, above its lines."""
    brief: list[list[str]] = []
    for before, line in zip([None, *lines], lines, strict=False):
        if before is None or before.method != line.method:
            brief.append([line.method, *[""] * (len(BRIEF_HEADINGS) - 1)])
        brief.append(_cells(line, interval=False))
    return brief


def _cells(line: Line, interval: bool) -> list[str]:
    measured = [
        text
        for name in MEASURES
        for text in (cells.share(line.row.scores[name], interval), cells.difference(line.differences.get(name)))
    ]
    counts = [cells.count(round(line.test_rows)), cells.seen(line.row), str(len(line.row.seeds))]
    return [line.words, *measured, *counts]


def _numbers(line: Line) -> dict[str, object]:
    numbers: dict[str, object] = {
        "method": line.method,
        "protocol": protocol(line.condition.shortcuts),
        "shortcuts": ",".join(line.condition.shortcuts) or None,
        "outliers": line.condition.outliers,
        "seeds": len(line.row.seeds),
        "seed_list": " ".join(map(str, line.row.seeds)),
        "test_rows": line.test_rows,
        "seen_rows": line.row.seen,
        "seen_share": line.row.seen_share,
    }
    for name in MEASURES:
        found = line.differences.get(name)
        numbers |= ends(name, line.row.scores[name])
        numbers |= ends(f"difference_{name}", found.estimate if found else None)
        numbers["common_seeds"] = found.seeds if found else None
    return numbers


def _more_notes(gathered: Gathered, left_out: Sequence[Method]) -> list[str]:
    said = [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]
    runs = [record.run for method in left_out for record in method.records]
    why = "Left out, clean runs of methods that took no shortcut, or with duplicates kept"
    return [*said, f"{why}: {named(runs)}."] if runs else said


def _note_on_ours(lines: Sequence[Line]) -> list[str]:
    """What a reader must not take for the paper's."""
    if not any(OURS in line.condition.shortcuts for line in lines):
        return []
    return [
        "Identifiers: addresses, ports, times and running numbers used as features. No shortcut of the paper's: an "
        "ablation of ours, on the same test rows, that shows what they would inflate."
    ]
