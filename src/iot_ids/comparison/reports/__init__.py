"""The reports of `python -m compare`. To add one, add a file here; the help, the configuration and the command find it.

The first line of the file reads `The report NAME: SUMMARY`, with the file's own name in backquotes; `--help` prints the
summary. The function `make(stores, settings, copies)` returns the store to log into and the finished `Report`; `copies`
is a folder for copies of the runs' artifacts. Modules with another first line only help a report.

A report is imported when it is made: `--help` and a mistyped name are answered at once.
"""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iot_ids.comparison.render.page import Report
    from iot_ids.comparison.spec import Compare
    from iot_ids.tracking import Store

FIRST_LINE = re.compile(r'"""The report `(?P<name>\w+)`: (?P<summary>[^"\n]+)')


def summaries() -> dict[str, str]:
    """Return the summary of every report by its name."""
    files = sorted((file for folder in __path__ for file in Path(folder).glob("*.py")), key=lambda file: file.stem)
    found = {file.stem: FIRST_LINE.match(_first_line(file)) for file in files}
    return {name: match["summary"].rstrip(".") for name, match in found.items() if match and match["name"] == name}


def maker(name: str) -> "Callable[[dict[str, Store], Compare, Path], tuple[Store, Report]]":
    """Import the report `name` and return its function `make`."""
    make: Callable[[dict[str, Store], Compare, Path], tuple[Store, Report]]
    make = import_module(f"{__name__}.{name}").make
    return make


def _first_line(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return lines.readline()
