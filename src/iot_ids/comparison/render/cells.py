"""Formats the cells of a table: shares in percent with two decimals, a dash where nothing is known."""

import re
from collections.abc import Sequence
from math import isnan
from pathlib import Path

import polars as pl

from iot_ids.common.atomic import atomic_write
from iot_ids.common.text import escape_formulas
from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.selecting import networks
from iot_ids.comparison.stats.seeds import Difference, Estimate

NOTHING = "-"
MARKDOWN = re.compile(r"[\\|*_<>`~$&#]|(?<=\])[(]|^[\[]|^[-+](?= )|(?<=^\d)[.)](?= )")


def format_percent(estimate: Estimate | None, interval: bool = True, signed: bool = False) -> str:
    """Format a share in percent: `81.20 [80.10, 82.30]`."""
    if estimate is None:
        return NOTHING
    mean, *ends = (
        f"{100 * value:{'+' if signed else ''}.2f}" for value in (estimate.mean, estimate.low, estimate.high)
    )
    return mean if isnan(estimate.low) or not interval else f"{mean} [{', '.join(ends)}]"


def correlation(estimate: Estimate | None) -> str:
    """Format a correlation, which is not in percent: `0.812 [0.801, 0.823]`."""
    if estimate is None:
        return NOTHING
    mean, low, high = (f"{value:.3f}" for value in (estimate.mean, estimate.low, estimate.high))
    return mean if isnan(estimate.low) else f"{mean} [{low}, {high}]"


def score(row: Row, name: str) -> str:
    """A row's measure with its interval."""
    estimate = row.scores.get(name)
    return correlation(estimate) if name == "mcc" else format_percent(estimate)


def to_best(row: Row, interval: bool = True) -> str:
    """A row's distance to the best, with a star where it is significant."""
    if row.difference is None:
        return NOTHING
    return format_percent(row.difference.estimate, interval, signed=True) + row.star


def difference(found: Difference | None, interval: bool = True) -> str:
    """Format a signed difference to a reference; without a star, since it was not tested."""
    return format_percent(found.estimate if found else None, interval, signed=True)


def seen(row: Row) -> str:
    """Format the share of the test rows whose features occur in train."""
    return NOTHING if row.seen_share is None else f"{100 * row.seen_share:.1f}"


def seconds(value: float | None) -> str:
    """Format seconds with three digits, down to milliseconds."""
    if value is None:
        return NOTHING
    if value < 1:
        return "<0.001" if value < 0.0005 else f"{value:.3f}"
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def count(value: int | None) -> str:
    """With commas between thousands."""
    return NOTHING if value is None else f"{value:,}"


def rows_per_class(gathered: RunTable) -> dict[str, int]:
    """Test rows of every class, the mean over splits where they differ."""
    records = list(gathered.by_seed.values())
    total = sum(record.matrix.sum(axis=1) for record in records)
    return {name: round(int(rows) / len(records)) for name, rows in zip(gathered.classes, total, strict=True)}


def flows(gathered: RunTable) -> str:
    """Which flows, called what, split how; SIMULATED first where the rows were generated."""
    parameters = gathered.first.parameters
    simulated = "SIMULATED: " if gathered.simulated else ""
    return f"{simulated}{networks(gathered.first)}, {parameters['dataset.label']}, {parameters['split.name']} split"


def title(gathered: RunTable) -> str:
    """The flows, and what was done about duplicates; the protocol where it is not the clean one."""
    protocol = gathered.first.tags.get("protocol", "clean")
    return f"{flows(gathered)}, duplicates {gathered.first.parameters['dataset.duplicates']}" + (
        f", protocol {protocol}" if protocol != "clean" else ""
    )


def grid(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(map(plain, line))} |" for line in (headings, rule, *lines))


def plain(text: str) -> str:
    """Names may hold what Markdown, or a page's mathematics, would read as its own.

    The brackets of an interval stay, for nothing follows them that would make a link of them.
    """
    return MARKDOWN.sub(r"\\\g<0>", on_one_line(text))


def on_one_line(text: str) -> str:
    """Blanks for line breaks and for whatever else is no printed character."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)


def write_text(path: Path, text: str) -> None:
    """Write a file wholly or not at all. Makes missing folders."""
    with atomic_write(path) as new:
        new.write_text(text, encoding="utf-8")


def write_csv(path: Path, table: pl.DataFrame) -> None:
    """Write a table wholly or not at all, without cells that a spreadsheet would evaluate."""
    write_text(path, escape_formulas(table).write_csv())
