"""Check names of classes: they become keys and metrics in MLflow, columns, cells, and words on plots."""

import posixpath
import unicodedata

LONGEST = 100
"""MLflow allows a key 250 characters; the rest is for what comes before and after the name."""
QUOTES = "\"'`"
OTHER_COLUMNS = ("label", "origin")
"""The other columns of a run's confusion matrix."""
BREAKING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of characters that are not printed, break a line, or change its direction."""


def fault_of(name: str) -> str | None:
    """Describe what is wrong with the name of a label or a class; None if nothing is."""
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
        return f"has {len(name)} characters; at most {LONGEST} are allowed"
    return None


def fault_of_class(name: str) -> str | None:
    """As `fault_of`, for the name of a class, which heads a column."""
    return "is the name of another column of the confusion matrix" if name in OTHER_COLUMNS else fault_of(name)
