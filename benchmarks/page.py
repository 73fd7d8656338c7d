"""Write docs/benchmarks.md from the stored figures."""

from collections.abc import Mapping
from statistics import median

from benchmarks.figure import Figure
from benchmarks.kept import DOCS, Section

FILE = DOCS / "benchmarks.md"
HEAD = """# Benchmarks

`make bench` measured everything on this page and wrote it; `python -m benchmarks training rounds=5` measures one
subject again and keeps the rest. Our code and the baseline are timed in alternation, in one run on one machine. The
columns are medians over the rounds; the ratio is the median of the rounds' ratios, with the lowest and the highest, and
is above 1 where our code is better. On another machine the ratios should hold better than the times; on a busy machine
neither does.

![The ratio of every figure, its range over the rounds, and the ratio required](images/benchmarks.png)
"""
TABLE = "| what | ours | baseline | ratio | at least | aim |\n|---|---|---|---|---|---|\n"


def write(sections: Mapping[str, Section], texts: Mapping[str, str]) -> None:
    """Write the page: one section per subject, introduced by its module's docstring."""
    FILE.write_text("\n".join([HEAD, *(_section(sections[name], text) for name, text in texts.items())]))


def _section(section: Section, text: str) -> str:
    title, _, rest = text.strip().partition("\n")
    rounds = max((len(figure.ours) for figure in section.figures), default=0)
    parts = [
        f"## {title.rstrip('.')}",
        rest.strip(),
        TABLE + "\n".join(map(_row, section.figures)) if section.figures else "",
        "\n".join(section.missing),
        f"*{section.when} UTC, {rounds} rounds. {section.machine}. {section.versions}.*",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _row(figure: Figure) -> str:
    ratios = figure.ratios
    asked = [f"{ratio:g} x" if ratio is not None else "" for ratio in (figure.least, figure.aim)]
    cells = [
        figure.what,
        f"{amount(median(figure.ours))} {figure.unit}",
        f"{figure.opponent}: {amount(median(figure.theirs))} {figure.unit}",
        f"**{figure.ratio:.2f}** [{min(ratios):.2f}, {max(ratios):.2f}]",
        *asked,
    ]
    return f"| {' | '.join(cells)} |"


def amount(value: float) -> str:
    """Format a number with three significant digits and thousands separators."""
    return f"{float(f'{value:.3g}'):,.10g}"
