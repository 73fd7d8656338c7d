"""What every report is: something to print, files to write, and a folder named after what was compared."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from iot_ids.comparison import cells, shown
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.spec import Compare

LONGEST_FOLDER = 200


@dataclass(frozen=True)
class Report:
    """`files` maps a file's name to what writes it; each appears whole or not at all."""

    gathered: Gathered
    show: Callable[[Console], None]
    files: Mapping[str, Callable[[Path], None]]


@dataclass(frozen=True)
class Page:
    """A report that answers one question in one sentence. `brief` are lines for a terminal, where `lines` are wide."""

    title: str
    sentence: str
    headings: Sequence[str]
    lines: Sequence[Sequence[str]]
    notes: Sequence[str]
    brief_headings: Sequence[str] = ()
    brief: Sequence[Sequence[str]] = ()
    words: int = 1
    """So many first columns are words, and broken where the terminal is narrow; the others are numbers, and never."""


def markdown(page: Page) -> str:
    """The sentence, the table, the notes."""
    parts = [f"# {cells.plain(page.title)}", cells.plain(page.sentence), cells.grid(page.headings, page.lines)]
    return "\n\n".join([*parts, *map(cells.plain, page.notes)]) + "\n"


def show(page: Page, console: Console) -> None:
    """Print the table within the console's width, the sentence and the notes."""
    grid = shown.table(page.title)
    headings = page.brief_headings or page.headings
    for heading in headings[: page.words]:
        grid.add_column(heading, overflow="fold")
    for heading in headings[page.words :]:
        grid.add_column(heading, justify="right", no_wrap=True)
    for line in page.brief or page.lines:
        grid.add_row(*map(shown.literal, line))
    console.print()
    console.print(grid)
    console.print()
    console.print(page.sentence, style="bold", highlight=False, markup=False)
    for note in page.notes:
        console.print(note, highlight=False, markup=False)


def folder(gathered: Gathered, settings: Compare) -> Path:
    """`comparison/`, then dataset, label and split, and whatever else tells this comparison from another.

    That is a setting for duplicates that is not `distinct`, a protocol that is not `clean`, the beginning of the data's
    hash and the conditions where they were asked for, and the report where it is not the table.
    """
    parameters, duplicates = gathered.first.parameters, gathered.first.parameters["dataset.duplicates"]
    protocol = gathered.first.tags.get("protocol", "clean")
    varied = settings.report == "shortcuts"  # which has several protocols and settings for duplicates in one table
    parts = [
        parameters["dataset.name"],
        parameters["dataset.label"],
        parameters["split.name"],
        *[duplicates] * (duplicates != "distinct" and not varied),
        *[protocol] * (protocol != "clean" and not varied),
        *filter(None, [settings.data]),
        *settings.where,
        *[settings.report] * (settings.report != "table"),
    ]
    return Path("comparison") / re.sub(r"[^\w.-]", "_", "-".join(parts))[:LONGEST_FOLDER]
