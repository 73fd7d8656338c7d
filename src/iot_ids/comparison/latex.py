"""The table for a paper: needs `\\usepackage{booktabs,graphicx}`, and a font with the dagger, as any has."""

from collections.abc import Sequence

from iot_ids.comparison import cells
from iot_ids.comparison.gathering import Gathered
from iot_ids.comparison.notes import notes
from iot_ids.comparison.scores import Row
from iot_ids.comparison.table import score_cells

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
}
"""A bracket after `\\\\` would be read as a length."""


def escaped(text: str) -> str:
    """Text as LaTeX prints it; a minus before a digit is a minus."""
    return "".join(SPECIAL.get(letter, letter) for letter in text).replace("\n", " ")


def latex(gathered: Gathered, rows: Sequence[Row]) -> str:
    """Two tables: scores, and recall per class. The notes are the first one's caption."""
    headings = ["method", *(heading for heading, _ in score_cells(gathered, rows[0]))]
    scores = [[row.name, *(text for _, text in score_cells(gathered, row))] for row in rows]
    recalls = cells.recall_columns(gathered)
    found = [[row.name, *(cells.score(row, name) for name in recalls)] for row in rows]
    title = cells.title(gathered)
    caption = f"{title}. {' '.join(notes(gathered, rows))}"
    return (
        "% \\usepackage{booktabs,graphicx}\n"
        + _floating(headings, scores, caption, "comparison")
        + "\n"
        + _floating(["method", *recalls.values()], found, f"{title}: recall per class.", "recall")
    )


def _floating(headings: Sequence[str], lines: Sequence[Sequence[str]], caption: str, label: str) -> str:
    body = "\n".join(_line(line) for line in lines)
    return (
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{escaped(caption)}}}\n\\label{{tab:{label}}}\n"
        f"\\resizebox{{\\textwidth}}{{!}}{{%\n\\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}\n\\toprule\n"
        f"{_line(headings)}\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}}}\n\\end{{table*}}\n"
    )


def _line(texts: Sequence[str]) -> str:
    return f"{' & '.join(map(escaped, texts))} \\\\"
