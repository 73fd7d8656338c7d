"""Load runs from the store and group them into methods: everything that a report is computed from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.common.text import unescape_formulas
from iot_ids.comparison import selecting as runs
from iot_ids.comparison.names import SAYS_NOTHING, TUNED, method_names
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.stats import bootstrap
from iot_ids.tracking import KeptRun, Store


@dataclass(frozen=True, eq=False)
class Record:
    """One run and the confusion matrix of its test rows, `(classes, classes)`, true rows, predicted columns."""

    run: KeptRun
    matrix: NDArray[np.int64]

    @property
    def seed(self) -> int:
        """The only thing in which the runs of a method differ."""
        return int(self.run.parameters["seed"])


@dataclass(frozen=True)
class Method:
    """Runs that differ only in their seed, by ascending seed; `columns` are theirs in the joint predictions."""

    name: str
    records: Sequence[Record]
    columns: Sequence[int] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that the runs share, and the first one's seed."""
        return dict(self.records[0].run.parameters)

    @property
    def seeds(self) -> list[int]:
        """All different, ascending."""
        return [record.seed for record in self.records]


@dataclass(frozen=True)
class RunTable:
    """Methods that belong in one table. `predictions` is None unless all runs have the same test rows."""

    methods: Sequence[Method]
    classes: list[str]
    normal: str | None
    predictions: bootstrap.Predictions | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def first(self) -> KeptRun:
        """Any run: they agree on dataset, data, label, split, duplicates and protocol."""
        return self.methods[0].records[0].run

    @property
    def runs(self) -> list[KeptRun]:
        """All of them."""
        return [record.run for method in self.methods for record in method.records]

    @property
    def simulated(self) -> bool:
        """Whether the rows were generated."""
        return runs.simulated([self.first])

    @property
    def by_seed(self) -> dict[int, Record]:
        """One run per seed: what is the same for all methods, such as the labels of the test rows."""
        return {record.seed: record for method in self.methods for record in method.records}


def load_runs(
    stores: dict[str, Store],
    settings: Compare,
    folder: Path,
    refuse: Callable[[Sequence[KeptRun]], None] = runs.refuse_mixture,
) -> tuple[Store, RunTable]:
    """Read and group the runs that `settings` choose.

    Args:
        stores: every dataset's.
        settings: which runs.
        folder: takes copies of their artifacts.
        refuse: raises where runs do not belong together.

    Raises:
        UserError: nothing is left to compare, or the runs do not belong in one table.
    """
    store = store_of(stores, settings.dataset)
    kept, notes = belonging(runs.chosen(tracking.kept_runs(store), settings), refuse)
    tables = {run.id: confusion(store, run, folder) for run in kept}
    lost = [run for run in kept if tables[run.id] is None]
    if lost:
        notes.append(f"left out, confusion_matrix.csv cannot be read: {runs.named(lost)}")
    matrices = {run.id: table for run in kept if (table := tables[run.id]) is not None}
    if not matrices:
        raise UserError("\n".join(["no run's confusion_matrix.csv can be read", *notes]))
    classes = list(dict.fromkeys(name for table in matrices.values() for name in table["label"]))
    records = [Record(run, aligned(matrices[run.id], classes)) for run in kept if run.id in matrices]
    predictions, readable = _joint_predictions(store, records, classes, folder)
    if unread := [record.run for record in records if record not in readable]:
        notes.append(f"left out, predictions.parquet cannot be read: {runs.named(unread)}")
    return store, group(readable, classes, predictions, notes)


def belonging(
    them: Sequence[KeptRun], refuse: Callable[[Sequence[KeptRun]], None], needed: Sequence[str] = runs.NEEDED_METRICS
) -> tuple[list[KeptRun], list[str]]:
    """The latest usable run of each configuration and seed, and a sentence per reason for those that are left out.

    Args:
        them: the runs that the user chose.
        refuse: raises where they do not belong together.
        needed: the metrics that a run has to have.

    Raises:
        UserError: nothing is left, or whatever `refuse` refuses.
    """
    kept, notes = runs.usable(them, needed)
    if not kept:
        raise UserError("\n".join(["there is no finished run with test metrics to compare", *notes]))
    refuse(kept)
    kept, again = runs.latest_per_seed(kept)
    return kept, notes + again


def group(
    records: Sequence[Record], classes: list[str], predictions: bootstrap.Predictions | None, notes: Sequence[str] = ()
) -> RunTable:
    """Group the runs by fingerprint. The runs of `predictions`, if given, are in the order of `records`."""
    groups: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        groups.setdefault(record.run.tags["config.fingerprint"], []).append(place)
    places = [sorted(them, key=lambda place: records[place].seed) for them in groups.values()]
    names = method_names([_described([records[at].run for at in them]) for them in places], list(groups))
    methods = [Method(name, [records[at] for at in them], them) for name, them in zip(names, places, strict=True)]
    parameters = records[0].run.parameters
    normal = runs.normal_class(parameters)
    commits = {record.run.tags.get("git.commit", "unknown") for record in records}
    said = [f"the runs were made by {len(commits)} versions of the code (git.commit)"] if len(commits) > 1 else []
    return RunTable(methods, classes, normal if normal in classes else None, predictions, [*notes, *said])


def aligned(table: pl.DataFrame, classes: Sequence[str]) -> NDArray[np.int64]:
    """Extend a run's `confusion_matrix.csv` to `classes`; a class that it does not have gets zeros."""
    own = table["label"].to_list()
    places = [classes.index(name) for name in own]
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    matrix[np.ix_(places, places)] = table.select(own).to_numpy()
    return matrix


def store_of(stores: dict[str, Store], dataset: str | None) -> Store:
    """Return the store of `dataset`, or the only one.

    Raises:
        UserError: there is none, or there are several and none was named.
    """
    there = ", ".join(sorted(stores))
    if not stores:
        raise UserError("the store holds no runs; make some: python -m train")
    if dataset is None and len(stores) > 1:
        typed = "\n".join(f"  iot-ids compare dataset={name}" for name in sorted(stores))
        raise UserError(f"the store holds runs of several datasets: {there}\ntype one of\n{typed}")
    if dataset is not None and dataset not in stores:
        raise UserError(f"dataset={dataset}: the store holds no runs of it; there are {there}")
    return stores[dataset or next(iter(stores))]


def kept_table(
    store: Store, run: KeptRun, name: str, folder: Path, types: Mapping[str, type[pl.DataType]] | None = None
) -> pl.DataFrame | None:
    """Read one of the CSV files that a run kept; None where it cannot be read. `folder` takes the copy."""
    file = tracking.fetch(store, run.id, name, folder)
    try:
        return None if file is None else unescape_formulas(pl.read_csv(file, schema_overrides=types))
    except pl.exceptions.PolarsError:
        return None


def confusion(store: Store, run: KeptRun, folder: Path) -> pl.DataFrame | None:
    """A run's `confusion_matrix.csv`; None where it cannot be read."""
    table = kept_table(store, run, "confusion_matrix.csv", folder, {"label": pl.String})
    return table if table is not None and {"label", *table["label"]} <= set(table.columns) else None


def variants(methods: Sequence[Method], varied: Sequence[str]) -> dict[str, list[Method]]:
    """Group methods by the name of what they share, such as `gru` or `gru, hidden_size=64`.

    Args:
        methods: all there are.
        varied: beginnings of parameters that may differ inside a group; they are not in its name.
    """
    of_run = {id(method.records[0].run): method for method in methods}
    groups = by_method([method.records[0].run for method in methods], varied)
    return {name: [of_run[id(run)] for run in them] for name, them in groups.items()}


def by_method(runs: Sequence[KeptRun], varied: Sequence[str]) -> dict[str, list[KeptRun]]:
    """Group runs in the same way, whatever their seeds."""
    groups: dict[frozenset[tuple[str, str]], list[KeptRun]] = {}
    for run in runs:
        shared = {k: v for k, v in run.parameters.items() if not k.startswith((*SAYS_NOTHING, *varied))}
        groups.setdefault(frozenset(shared.items()), []).append(run)
    fingerprints = [them[0].tags["config.fingerprint"] for them in groups.values()]
    names = method_names([dict(shared) for shared in groups], fingerprints)
    return dict(zip(names, groups.values(), strict=True))


def closest(method: Method, candidates: Sequence[Method]) -> Method | None:
    """Return the candidate with the most seeds in common, the first of equals; None without candidates."""
    return max(candidates, key=lambda each: len(set(each.seeds) & set(method.seeds)), default=None)


def _described(runs: Sequence[KeptRun]) -> dict[str, str]:
    """The parameters of a method's first run, and whether all of its runs are tuned."""
    tuned = all(run.tags.get(TUNED) == "true" for run in runs)
    return {**runs[0].parameters, TUNED: str(tuned).lower()}


def _joint_predictions(
    store: Store, records: Sequence[Record], classes: list[str], folder: Path
) -> tuple[bootstrap.Predictions | None, list[Record]]:
    """Return the predictions of all runs for the same test rows, and the runs in the order of the predictions.

    The predictions are None, and no run is left out, if the test rows differ, as under random splits. Runs of different
    seeds are read first, so that two files are enough to know. Otherwise a run without predictions is left out.
    """
    seen: dict[int, str] = {}
    order = sorted(records, key=lambda record: seen.setdefault(record.seed, record.run.id) != record.run.id)
    truth: pl.DataFrame | None = None
    readable, columns = [], []
    for record in order:
        given = _predictions(store, record.run, classes, folder)
        if given is None:
            continue
        if truth is not None and not truth.equals(given.drop("answer")):
            return None, list(records)
        truth = given.drop("answer")
        readable.append(record)
        columns.append(given["answer"].to_numpy())
    if truth is None:
        return None, list(records)
    return bootstrap.of_rows(truth["label"].to_numpy(), np.column_stack(columns), len(classes)), readable


def _predictions(store: Store, run: KeptRun, classes: list[str], folder: Path) -> pl.DataFrame | None:
    """Read the test rows, sorted: row_id, and label and answer as codes; None if they cannot be read."""
    file = tracking.fetch(store, run.id, "predictions.parquet", folder)
    if file is None:
        return None
    table = pl.read_parquet(file)
    own = [name.removeprefix("probability/") for name in table.columns if name.startswith("probability/")]
    codes = np.array([classes.index(name) for name in own])
    best = table.select(f"probability/{name}" for name in own).to_numpy().argmax(axis=1)
    labels = table["label"].replace_strict(classes, list(range(len(classes))), return_dtype=pl.Int64)
    return pl.DataFrame({"row_id": table["row_id"], "label": labels, "answer": codes[best]}).sort("row_id")
