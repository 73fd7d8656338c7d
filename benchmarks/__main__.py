"""`python -m benchmarks [subject ...] [rounds=5]`: measure, keep the figures, write the page and the plot."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from benchmarks import page, plot
from benchmarks.kept import Section, read, write
from benchmarks.machine import machine, now, versions

ROUNDS = 5
FOLDER = Path(__file__).parent


def subjects() -> dict[str, ModuleType]:
    """Import every module of this package that has a `measure`, by name."""
    names = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("__"))
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "measure")}


def main(words: list[str]) -> None:
    """Measure the subjects named in `words`, or all; the earlier figures of other subjects stay on the page."""
    known = subjects()
    rounds = [word.removeprefix("rounds=") for word in words if word.startswith("rounds=")]
    chosen = [word for word in words if not word.startswith("rounds=")] or list(known)
    if unknown := [word for word in chosen if word not in known]:
        sys.exit(f"{unknown[0]}: no such subject; choose from {', '.join(known)}")
    if rounds and not (rounds[-1].isdecimal() and int(rounds[-1])):
        sys.exit(f"rounds={rounds[-1]} must be a whole number above 0")
    sections, with_what = read(), versions()  # first, because writing the page makes the checkout dirty
    for name in chosen:
        print(f"measuring {name}", flush=True)
        began, beside, subject = now(), machine(), known[name]
        figures = subject.measure(int(rounds[-1]) if rounds else ROUNDS)
        sections[name] = Section(began, beside, with_what, getattr(subject, "missing", list)(), figures)
        write(sections)
    texts = {name: known[name].__doc__ or name for name in known if name in sections}
    page.write(sections, texts)
    plot.write(sections, texts)


if __name__ == "__main__":
    main(sys.argv[1:])
