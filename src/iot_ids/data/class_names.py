"""Which names a class may have: it becomes a key and a metric of MLflow, a column, a cell, and a word on a plot."""

import posixpath
import unicodedata

LONGEST = 100
"""Of the 250 characters that MLflow lets a key have; the rest is for what stands before and after the name."""
QUOTES = "\"'`"
OTHER_COLUMNS = ("label", "origin")
"""What stands beside the classes' columns in a run's confusion matrix."""
BREAKING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what is no printed character, or breaks a line, or turns its direction."""


def fault_of(name: str) -> str | None:
    """What is wrong with a label's or a class's name, in words; None where it is sound."""
    if not name.strip():
        return "is blank"
    if any(unicodedata.category(letter) in BREAKING for letter in name):
        return "holds a line break, or another character that cannot be printed"
    if name != name.strip():
        return "begins or ends with a blank"
    if any(quote in name for quote in QUOTES):
        return "holds a quotation mark"
    if name.startswith("/") or posixpath.normpath(name) != name or ".." in name.split("/") or name == ".":
        return "reads as a path: no slash at its ends, no two in a row, no . or .. as a part"
    if len(name) > LONGEST:
        return f"has {len(name)} characters; {LONGEST} are the most"
    return None


def fault_of_class(name: str) -> str | None:
    """The same of a class's name alone, which heads a column."""
    return "is the name of another column of the confusion matrix" if name in OTHER_COLUMNS else fault_of(name)
