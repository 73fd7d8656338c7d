"""The table for a paper: needs `\\usepackage{booktabs,graphicx}`, and a font with the dagger, as any has."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.render import cells
from iot_ids.comparison.render.columns import Column
from iot_ids.comparison.render.table import columns, notes, recall_columns

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "†": r"\textdagger{}",
    "…": r"\ldots{}",
    "[": "{[}",
    "]": "{]}",
    '"': "''",
    "`": r"\textasciigrave{}",
}
"""A bracket after `\\\\` would be read as a length."""
COLUMNS = 5
"""Columns, next to the method's name, that can be read on a page's width."""
LONGEST_HEADING = 18
NO_WIDER = r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}"
Columns = Mapping[str, Sequence[str]]
MINUS = re.compile(r"(?<![\w.])-(?=\d)")


def escaped(text: str) -> str:
    """Text as LaTeX prints it; a minus before a digit is a minus, and a star at the start no part of a line's end."""
    plain = "".join(SPECIAL.get(letter, letter) for letter in cells.on_one_line(text))
    return MINUS.sub("$-$", re.sub(r"^\*", "{*}", plain)).replace("--", "-{}-")


def latex(gathered: RunTable, rows: Sequence[Row]) -> str:
    """Scores and recall per class, each in as many tables as a page's width asks for; the notes are below the first."""
    (method, *scores), recalls = columns(gathered), recall_columns(gathered)
    names, title = _texts([method], rows)["method"], cells.title(gathered)
    return (
        "% \\usepackage{booktabs,graphicx}\n"
        + _tables(names, _texts(scores, rows), title, "comparison", " ".join(notes(gathered, rows)))
        + _tables(names, _texts(recalls, rows), f"{title}: recall per class", "recall")
    )


def _texts(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> Columns:
    """The cells by heading."""
    return {column.heading: list(map(column.text, rows)) for column in columns if column.heading and column.text}


def _tables(names: Sequence[str], columns: Columns, title: str, label: str, said: str = "") -> str:
    """The columns over as many tables as they need, about equally many in each."""
    count = -(-len(columns) // COLUMNS)
    size = -(-len(columns) // max(count, 1))
    parts = [dict(list(columns.items())[start : start + size]) for start in range(0, len(columns), size or 1)]
    return "".join(
        _table(
            names,
            part,
            title + (f", {number} of {count}" if count > 1 else ""),
            label + (f"-{number}" if number > 1 else ""),
            said if number == 1 else "",
        )
        for number, part in enumerate(parts, start=1)
    )


def _table(names: Sequence[str], columns: Columns, caption: str, label: str, said: str) -> str:
    body = "\n".join(_line(line) for line in zip(names, *columns.values(), strict=True))
    below = f"\\par\\smallskip\n\\parbox{{\\textwidth}}{{\\footnotesize {escaped(said)}}}\n" if said else ""
    return (
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{escaped(caption)}.}}\n\\label{{tab:{label}}}\n\\smallskip\n"
        f"{NO_WIDER}{{%\n\\begin{{tabular}}{{l{'r' * len(columns)}}}\n\\toprule\n"
        f"method & {' & '.join(map(_heading, columns))} \\\\\n\\midrule\n{body}\n\\bottomrule\n"
        f"\\end{{tabular}}}}\n{below}\\end{{table*}}\n\n"
    )


def _heading(text: str) -> str:
    """Over several lines where it is long."""
    first, *others = map(escaped, textwrap.wrap(text, LONGEST_HEADING))
    broken = "".join(f"\\\\{line}" for line in others)
    return f"\\shortstack[r]{{{first}{broken}}}" if others else first


def _line(texts: Sequence[str]) -> str:
    return f"{' & '.join(map(escaped, texts))} \\\\"
