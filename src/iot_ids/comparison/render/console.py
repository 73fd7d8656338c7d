"""Prints the table in a terminal, within 100 columns; what does not fit is in the files."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iot_ids.common.text import plain_console
from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.render import cells
from iot_ids.comparison.render.columns import Column, headings, texts
from iot_ids.comparison.render.table import notes

WIDTH = 100
METHODS_BESIDE = 10
"""Methods that have a column in the table of recalls."""


def show(gathered: RunTable, rows: Sequence[Row], console: Console) -> None:
    """Print scores, recall per class, and the notes."""
    console.print()
    console.print(_scores(gathered, rows))
    console.print(_recalls(gathered, rows))
    for note in notes(gathered, rows):
        console.print(note, highlight=False)


def terminal() -> Console:
    """As wide as the terminal, but at most 100 columns, and just that where the output is no terminal."""
    console = plain_console()
    return plain_console(min(WIDTH, console.width) if console.is_terminal else WIDTH)


def _scores(gathered: RunTable, rows: Sequence[Row]) -> Table:
    columns = _columns(gathered)
    scores = table(cells.title(gathered))
    scores.add_column("")
    scores.add_column("method", overflow="fold", min_width=10)
    for heading in headings(columns):
        scores.add_column(heading, justify="right", no_wrap=True)
    for number, row in enumerate(rows, start=1):
        scores.add_row(str(number), literal(row.name), *map(literal, texts(columns, row)))
    return scores


def _columns(gathered: RunTable) -> list[Column[Row]]:
    rates = [_short("found", "detection_rate"), _short("false", "false_positive_rate")]
    return [
        Column("macro-F1", lambda row: cells.score(row, "f1_macro")),
        Column("to best", lambda row: cells.to_best(row, interval=False)),
        _short("acc.", "accuracy"),
        Column("paper", lambda row: row.claim.replace(", ", "\n") or cells.NOTHING),
        _short("bal.", "balanced_accuracy"),
        *rates * (gathered.normal is not None),
        Column("seen", cells.seen),
        Column("seeds", lambda row: cells.NOTHING if row.constant else str(len(row.seeds))),
        Column("fit s", lambda row: cells.seconds(row.fit_seconds)),
    ]


def _short(heading: str, measure: str) -> Column[Row]:
    return Column(heading, lambda row: cells.format_percent(row.scores.get(measure), interval=False))


def _recalls(gathered: RunTable, rows: Sequence[Row]) -> Table:
    """A row per class, a column per method by its number in the table of scores."""
    recalls = table("recall, by the method's number" + _more(rows))
    recalls.add_column("class", overflow="fold", min_width=10)
    recalls.add_column("n", justify="right", no_wrap=True)
    beside = list(rows)[:METHODS_BESIDE]
    for number in range(1, len(beside) + 1):
        recalls.add_column(str(number), justify="right", no_wrap=True)
    for name, count in cells.rows_per_class(gathered).items():
        if count:
            found = (cells.format_percent(row.scores.get(f"recall/{name}"), interval=False) for row in beside)
            recalls.add_row(literal(name), f"{count:,}", *found)
    return recalls


def _more(rows: Sequence[Row]) -> str:
    if (left := len(rows) - METHODS_BESIDE) <= 0:
        return ""
    return (
        f"; those of {METHODS_BESIDE + 1} to {len(rows)} are in table.csv" if left > 1 else "; the last is in table.csv"
    )


def table(title: str) -> Table:
    """An empty table without rules, its title above."""
    return Table(title=Text(title, style="bold"), title_justify="left", box=None, padding=(0, 1, 0, 0), show_edge=False)


def literal(text: str) -> Text:
    """Brackets are brackets, not styles."""
    return Text(text)
