"""What every report is: something to print, files to write, and a folder named after what was compared."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Console

from iot_ids.comparison.render import cells
from iot_ids.comparison.render import console as shown
from iot_ids.comparison.spec import Compare
from iot_ids.tracking import KeptRun

LONGEST_FOLDER = 200


@dataclass(frozen=True)
class Report:
    """What was made of `runs`. `files` maps a file's name to what writes it; each appears whole or not at all.

    `folder` is where they go unless the user says otherwise.
    """

    runs: Sequence[KeptRun]
    folder: Path
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


def of_page(
    name: str, runs: Sequence[KeptRun], folder: Path, page: Page, table: pl.DataFrame, plot: Callable[[Path], None]
) -> Report:
    """The report `name`: a page to print, and the same as Markdown, its numbers as CSV, and a plot."""
    files = {
        f"{name}.md": lambda path: cells.write_text(path, markdown(page)),
        f"{name}.csv": lambda path: cells.write_csv(path, table),
        f"{name}.png": plot,
    }
    return Report(runs, folder, lambda console: show(page, console), files)


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
    console.print(page.sentence, style="bold", highlight=False)
    for note in page.notes:
        console.print(note, highlight=False)


def folder(run: KeptRun, settings: Compare) -> Path:
    """`comparison/`, then dataset, label and split, and whatever else tells this comparison from another.

    That is the network that was tested on where it is another, a setting for duplicates that is not `distinct`, a
    protocol that is not `clean`, the beginning of the data's hash and the conditions where they were asked for, and the
    report where it is not the table.
    """
    parameters, duplicates = run.parameters, run.parameters["dataset.duplicates"]
    protocol = run.tags.get("protocol", "clean")
    varied = settings.report == "shortcuts"  # which has several protocols and settings for duplicates in one table
    parts = [
        parameters["dataset.name"],
        *[f"to-{parameters[name]}" for name in ["test_dataset.name"] if name in parameters],
        parameters["dataset.label"],
        parameters["split.name"],
        *[duplicates] * (duplicates != "distinct" and not varied),
        *[protocol] * (protocol != "clean" and not varied),
        *filter(None, [settings.data]),
        *settings.where,
        *[settings.report] * (settings.report != "table"),
    ]
    return named_folder(parts)


def named_folder(parts: Sequence[str]) -> Path:
    """A folder in `comparison/`, named after `parts`."""
    return Path("comparison") / re.sub(r"[^\w.-]", "_", "-".join(parts))[:LONGEST_FOLDER]
