"""The report for readers and for programs."""

from collections.abc import Mapping, Sequence

import polars as pl

from iot_ids.comparison import cells
from iot_ids.comparison.report import Page
from iot_ids.comparison.runs import networks, simulated
from iot_ids.comparison.table import ends, marked
from iot_ids.comparison.unseen.lines import Line
from iot_ids.comparison.unseen.sentence import sentence
from iot_ids.track import KeptRun

HEADINGS = ["left out", "method", "found", "unseen rows", "false", "normal rows", "set on", "seeds", "found of each"]
BRIEF_HEADINGS = ["", "found", "n", "false", "n", "set on", "seeds"]
FAMILIES = (
    "A family is left out as a whole, since twins teach each other: who has seen one half of it knows the other half."
)
INTERVALS = (
    "Intervals: t over seeds with Nadeau and Bengio's variance; for found, plus the binomial variance of the unseen "
    "rows, which are the same for every seed. A single seed, or a share that never varies: Wilson on the rows; for a "
    "mean, the mean of these."
)


def page(
    lines: Sequence[Line], runs: Sequence[KeptRun], each: Mapping[tuple[str, str], str], notes: Sequence[str]
) -> Page:
    """A line per attack and method, families first; for a terminal, under the attack's name.

    Args:
        lines: the numbers.
        runs: all runs behind them.
        each: what `found_of_each` says; shown for families.
        notes: what was left out.
    """
    return Page(
        f"{'SIMULATED: ' * simulated(runs)}{title(runs)}",
        sentence(lines, simulated(runs)),
        HEADINGS,
        [[line.unseen.words, line.method, *_cells(line), _each(line, each)] for line in lines],
        [_meaning(runs), FAMILIES, INTERVALS, *(f"{note[0].upper()}{note[1:]}." for note in notes)],
        BRIEF_HEADINGS,
        _brief(lines),
    )


def title(runs: Sequence[KeptRun]) -> str:
    """Which flows, called what; without SIMULATED."""
    return f"{networks(runs[0])}, {runs[0].parameters['dataset.label']}: attacks that training has not seen"


def csv(lines: Sequence[Line], generated: bool) -> pl.DataFrame:
    """Shares as shares, with `_low` and `_high`; several attacks of a family with a plus between them."""
    return marked(pl.DataFrame([_numbers(line) for line in lines], infer_schema_length=None), generated)


def _brief(lines: Sequence[Line]) -> list[list[str]]:
    brief: list[list[str]] = []
    for before, line in zip([None, *lines], lines, strict=False):
        if before is None or before.unseen != line.unseen:
            brief.append([line.unseen.words, *[""] * (len(BRIEF_HEADINGS) - 1)])
        brief.append([f"  {line.method}", *_cells(line)])
    return brief


def _cells(line: Line) -> list[str]:
    return [
        cells.share(line.found),
        cells.count(line.rows),
        cells.share(line.false),
        cells.count(line.normal_rows),
        cells.count(line.validation_rows),
        str(len(line.seeds)),
    ]


def _each(line: Line, each: Mapping[tuple[str, str], str]) -> str:
    return each.get((line.unseen.words, line.method), cells.NOTHING) if line.unseen.family else cells.NOTHING


def _numbers(line: Line) -> dict[str, object]:
    return {
        "unseen": " + ".join(line.unseen.attacks) or "mean",
        "kind": "family" if line.unseen.family else "single" if line.unseen.attacks else "mean",
        "method": line.method,
        "seeds": len(line.seeds),
        "seed_list": " ".join(map(str, line.seeds)),
        **ends("detection_rate", line.found),
        "unseen_rows": line.rows,
        **ends("false_positive_rate", line.false),
        "test_normal_rows": line.normal_rows,
        "validation_normal_rows": line.validation_rows,
    }


def _meaning(runs: Sequence[KeptRun]) -> str:
    asked = float(runs[0].parameters.get("evaluate.false_positive_rate", "nan"))
    return (
        "Shares in percent; in brackets the 95 % interval. Found: unseen rows called any attack, at the threshold that "
        f"calls {100 * asked:g} % of validation's normal rows attacks (set on: so many). False: normal test rows "
        "called any attack at that threshold; found can be read beside it alone."
    )
