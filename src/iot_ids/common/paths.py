"""Paths of the package and of the shipped configuration."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_IN_A_WHEEL, _IN_A_CHECKOUT = PACKAGE / "conf", PACKAGE.parents[1] / "conf"
CONF = _IN_A_CHECKOUT if _IN_A_CHECKOUT.is_dir() else _IN_A_WHEEL
"""Inside the package in a wheel, at the top of the repository in a checkout. The copy of the code beside a kept model
has neither: it composes nothing, and must import all the same."""
ADDED = ("condition", "experiment", "selection", "shortcut", "sweep")
"""Groups that the default run does not have: chosen with a plus, also several at once."""
