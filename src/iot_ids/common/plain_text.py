"""A terminal on which what users named is printed as they wrote it, in a width that can be read."""

import os
import shutil

from rich.console import Console

FEWEST_COLUMNS, FEWEST_LINES = 40, 4


def plain_console(width: int | None = None, soft_wrap: bool = False) -> Console:
    """A console for words of any kind: `[/]` and `:bug:` are text. What COLUMNS and LINES cannot mean is not heeded."""
    size = shutil.get_terminal_size()
    if width is None and "COLUMNS" in os.environ:  # rich would take COLUMNS=0 at its word, and print nothing
        width = max(size.columns, FEWEST_COLUMNS)
    height = max(size.lines, FEWEST_LINES) if "LINES" in os.environ else None
    return Console(width=width, height=height, soft_wrap=soft_wrap, markup=False, emoji=False)
