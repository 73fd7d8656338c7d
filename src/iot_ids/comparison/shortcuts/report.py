"""From the store to the report."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from iot_ids.comparison import report, runs
from iot_ids.comparison.gathering import gather
from iot_ids.comparison.report import Report
from iot_ids.comparison.shortcuts.lines import lines
from iot_ids.comparison.shortcuts.page import csv, page
from iot_ids.comparison.shortcuts.plot import plot
from iot_ids.comparison.spec import Compare
from iot_ids.errors import UserError
from iot_ids.track import KeptRun, Store

FILTERS = {name: fact for name, fact in runs.FILTERS.items() if name not in ("duplicates", "protocol")}
ALSO_EQUAL = {
    **{name: fact for name, fact in runs.ALSO_EQUAL.items() if name != "the shortcuts"},
    "the split's settings": runs.settings(lambda run: "split.", but=["split.name", "split.stratified"]),
}
"""What the runs have to agree in: everything but what the shortcuts change."""


def shortcuts(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every method under the clean protocol and with shortcuts; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen took a shortcut, or the runs differ in more than shortcuts.
    """
    store, gathered = gather(stores, settings, aside, refuse_other_flows)
    found, left_out = lines(gathered, settings.replicates, settings.seed)
    if not found:
        raise UserError(
            "report=shortcuts: no run took a shortcut; make some: python -m train -m +experiment=paper_recipe"
        )
    made = page(gathered, found, left_out)
    place = report.folder(gathered.first, settings)
    plotted = partial(plot, gathered, found)
    return store, report.of_page("shortcuts", gathered.runs, place, made, csv(gathered, found), plotted)


def refuse_other_flows(kept: Sequence[KeptRun]) -> None:
    """Raise a UserError where the runs differ in dataset, data, label or split."""
    runs.refuse_mixture(kept, FILTERS, ALSO_EQUAL)
