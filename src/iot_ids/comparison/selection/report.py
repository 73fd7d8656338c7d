"""From the store to the report."""

from functools import partial
from pathlib import Path

from iot_ids.comparison import report
from iot_ids.comparison.gathering import gather
from iot_ids.comparison.report import Report
from iot_ids.comparison.selection.features import used
from iot_ids.comparison.selection.lines import lines
from iot_ids.comparison.selection.page import csv, page
from iot_ids.comparison.selection.plot import plot
from iot_ids.comparison.spec import Compare
from iot_ids.errors import UserError
from iot_ids.track import Store


def selection(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every model with and without selection; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen selects features, or the runs do not belong in one table.
    """
    store, gathered = gather(stores, settings, aside)
    features = {method.name: used(store, method, aside) for method in gathered.methods}
    found, unselected = lines(gathered, features, settings.replicates, settings.seed)
    if not found:
        raise UserError(
            "report=selection: no run selects features; make some: python -m train -m +experiment=selection"
        )
    made = page(gathered, found, unselected)
    place = report.folder(gathered.first, settings)
    plotted = partial(plot, gathered, found)
    return store, report.of_page("selection", gathered.runs, place, made, csv(gathered, found), plotted)
