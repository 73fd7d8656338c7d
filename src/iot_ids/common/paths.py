"""Paths of the package and of the shipped configuration."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
CONF = next(folder for folder in (PACKAGE / "conf", PACKAGE.parents[1] / "conf") if folder.is_dir())
"""Inside the package in a wheel, at the top of the repository in a checkout."""
ADDED = ("condition", "experiment", "selection", "shortcut", "sweep")
"""Groups that the default run does not have: chosen with a plus, also several at once."""
