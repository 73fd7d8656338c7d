"""From the store to the report."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from iot_ids import track
from iot_ids.comparison import cells, report, runs
from iot_ids.comparison.gathering import belonging, store_of
from iot_ids.comparison.names import shortened
from iot_ids.comparison.report import Report
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.table import marked
from iot_ids.comparison.unseen.lines import NEEDED, lines
from iot_ids.comparison.unseen.page import csv, page
from iot_ids.comparison.unseen.plot import plot
from iot_ids.comparison.unseen.taken_for import found_of_each, taken_for
from iot_ids.comparison.variants import by_method
from iot_ids.errors import UserError
from iot_ids.spreadsheet import guarded
from iot_ids.track import KeptRun, Store

ALSO_EQUAL = {
    **{name: fact for name, fact in runs.ALSO_EQUAL.items() if name != "the unseen attack"},
    "the false-positive rate asked for": runs.settings(lambda run: "evaluate.false_positive_rate"),
}
"""What the runs have to agree in besides FILTERS: everything but the attack that was left out."""


def unseen(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every method and every attack that training has not seen; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen left an attack out, or the runs differ in more than that.
    """
    store = store_of(stores, settings.dataset)
    there = [run for run in track.kept_runs(store) if run.parameters.get("split.name") == "unseen_attack"]
    if not there:
        raise UserError(
            "report=unseen: no run left an attack out; make some: python -m train -m +experiment=unseen_attacks"
        )
    kept, notes = belonging(runs.chosen(there, settings), refuse_other_flows, [*runs.NEEDED_METRICS, *NEEDED])
    named = by_method(kept, ["split.attack"])
    methods = dict(zip(shortened(list(named)), named.values(), strict=True))
    taken, found, parameters = taken_for(store, methods, aside), lines(methods), kept[0].parameters
    each = found_of_each(taken, parameters.get(f"dataset.labels.{parameters['dataset.label']}.normal", ""))
    made = report.of_page(
        "unseen",
        kept,
        report.folder(kept[0], settings),
        page(found, kept, each, notes),
        csv(found, runs.simulated(kept)),
        partial(plot, found, kept),
    )
    answers = guarded(marked(taken, runs.simulated(kept))).write_csv()
    files = {**made.files, "unseen_taken_for.csv": lambda path: cells.write_text(path, answers)}
    return store, replace(made, files=files)


def refuse_other_flows(kept: Sequence[KeptRun]) -> None:
    """Raise a UserError where the runs differ in dataset, data, label or anything but the attack that was left out."""
    runs.refuse_mixture(kept, also=ALSO_EQUAL)
