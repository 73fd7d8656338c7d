"""A console that prints user-supplied names verbatim, at a readable width."""

import os
import shutil

from rich.console import Console

FEWEST_COLUMNS, FEWEST_LINES = 40, 4


def plain_console(width: int | None = None, soft_wrap: bool = False) -> Console:
    """Return a console without markup: `[/]` and `:bug:` are text. Useless values of COLUMNS and LINES are raised."""
    size = shutil.get_terminal_size()
    if width is None and "COLUMNS" in os.environ:  # rich would take COLUMNS=0 literally, and print nothing
        width = max(size.columns, FEWEST_COLUMNS)
    height = max(size.lines, FEWEST_LINES) if "LINES" in os.environ else None
    return Console(width=width, height=height, soft_wrap=soft_wrap, markup=False, emoji=False)
