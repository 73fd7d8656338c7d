"""From the stores to the report."""

from functools import partial
from pathlib import Path

from iot_ids.comparison import report
from iot_ids.comparison.gap.page import csv, page
from iot_ids.comparison.gap.plot import plot
from iot_ids.comparison.gap.runs import asked
from iot_ids.comparison.gap.scores import scores
from iot_ids.comparison.report import Report
from iot_ids.comparison.spec import Compare
from iot_ids.errors import UserError
from iot_ids.track import Store


def gap(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every method under every condition, on one dataset; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: whatever `asked` refuses, or no method has all that one condition needs.
    """
    there = asked(stores, settings)
    found = scores(there, aside)
    if not found:
        raise UserError(
            "report=gap: no method has runs of one whole condition: every unseen attack on a common seed, with a "
            "confusion_matrix.csv that can be read"
        )
    label = there.runs[0].parameters["dataset.label"]
    place = report.named_folder([there.target, label, *filter(None, [settings.data]), *settings.where, "gap"])
    made = report.of_page("gap", there.runs, place, page(there, found), csv(there, found), partial(plot, there, found))
    return stores.get(there.target, there.stores[there.runs[0].id]), made
