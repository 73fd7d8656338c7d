"""Which runs the report is made of: all that test on one dataset, in every store, and what they have to agree in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iot_ids import track
from iot_ids.comparison import runs
from iot_ids.comparison.gap.conditions import Condition, condition, placed
from iot_ids.comparison.gathering import store_of
from iot_ids.comparison.names import DESCRIPTIVE
from iot_ids.comparison.spec import Compare
from iot_ids.errors import UserError
from iot_ids.track import KeptRun, Store

LABEL = "binary"
COMPARED = ("split.", "dataset.", "test_dataset.")
NOT_COMPARED = ("split.attack", *(f"{group}{name}" for group in COMPARED[1:] for name in DESCRIPTIVE))


@dataclass(frozen=True)
class Asked:
    """The runs by condition, the easiest first; where each is kept; and what was left out."""

    target: str
    by_condition: Mapping[Condition, Sequence[KeptRun]]
    stores: Mapping[str, Store]
    """By a run's id."""
    notes: Sequence[str]

    @property
    def runs(self) -> list[KeptRun]:
        """All of them."""
        return [run for them in self.by_condition.values() for run in them]


def asked(stores: dict[str, Store], settings: Compare) -> Asked:
    """Every run that `settings` choose and that answers a question about the dataset.

    Raises:
        UserError: several datasets and none named, a setting that the report varies itself, no run, or runs that do not
            belong together.
    """
    _refuse_varied(settings)
    if settings.dataset is None:
        store_of(stores, None)  # which refuses several
    target = settings.dataset or next(iter(stores))
    kept = {name: track.kept_runs(store) for name, store in stores.items()}
    chosen = _chosen([run for them in kept.values() for run in them], target, settings)
    by_condition, odd = placed(chosen, lambda run: condition(run, target))
    usable, notes = _usable(by_condition)
    if odd:
        notes.append(f"left out, of another split, protocol or setting for duplicates: {runs.named(odd)}")
    every = [run for them in usable.values() for run in them]
    if not every:
        said = f"report=gap: no finished run on dataset={target} asks one of its questions; {_make(target)}"
        raise UserError("\n".join([said, *notes]))
    also = {"the false-positive rate asked for": runs.settings(lambda run: "evaluate.false_positive_rate")}
    runs.refuse_mixture(every, {"data": tested_data}, also)
    return Asked(target, usable, {run.id: stores[name] for name, them in kept.items() for run in them}, notes)


def tested_data(run: KeptRun) -> str:
    """The hash of the files that the test rows come from."""
    return run.tags.get("data.test_sha256", run.tags.get("data.sha256", "none"))


def _refuse_varied(settings: Compare) -> None:
    for name in ("test_dataset", "split", "duplicates", "protocol"):
        if (value := getattr(settings, name)) is not None:
            raise UserError(f"{name}={value}: report=gap sets {name} itself, row by row; leave it out")


def _chosen(every: Sequence[KeptRun], target: str, settings: Compare) -> list[KeptRun]:
    there = [
        run
        for run in every
        if "kind" not in run.tags and target in (run.parameters.get("dataset.name"), _test_dataset(run))
    ]
    if not there:
        raise UserError(f"report=gap: the store holds no run on dataset={target}; {_make(target)}")
    label = settings.label or LABEL
    if not any(run.parameters.get("dataset.label") == label for run in there):
        raise UserError(f"report=gap: no run on dataset={target} has dataset.label={label}; {_make(target)}")
    filters = Compare(label=label, where=settings.where, tuned=settings.tuned)
    chosen = runs.chosen([run for run in there if _test_dataset(run) in (None, target)], filters)
    return [run for run in chosen if tested_data(run).startswith(settings.data or "")]


def _make(target: str) -> str:
    return f"make some: python -m train -m +experiment=gap dataset={target}"


def _test_dataset(run: KeptRun) -> str | None:
    return run.parameters.get("test_dataset.name")


def _usable(by_condition: Mapping[Condition, Sequence[KeptRun]]) -> tuple[dict[Condition, list[KeptRun]], list[str]]:
    """The runs with all metrics, the latest of each seed, and a sentence per reason for those that are left out."""
    good: list[KeptRun] = []
    notes: list[str] = []
    by_metrics: dict[Sequence[str], list[KeptRun]] = {}
    for where, them in by_condition.items():
        by_metrics.setdefault(where.question.metrics, []).extend(them)
    for metrics, them in by_metrics.items():
        whole, flawed = runs.usable(them, [*runs.NEEDED_METRICS, *metrics])
        latest, repeated = runs.latest_per_seed(whole)
        good, notes = good + latest, [*notes, *flawed, *repeated]
    left = {where: [run for run in them if run in good] for where, them in by_condition.items()}
    usable = {where: them for where, them in left.items() if them}
    for where, them in usable.items():
        _refuse_different(where, them)
    return usable, notes


def _refuse_different(where: Condition, them: Sequence[KeptRun]) -> None:
    """Raise a UserError where the runs of a condition differ in data, split, or anything of the dataset but its place.

    What `protocol=transductive` switches on, or the seed, is the method's, and may differ.
    """
    keys = {key for run in them for key in run.parameters if key.startswith(COMPARED) and key not in NOT_COMPARED}
    fixed = {"data": runs.FILTERS["data"], "the split's seed": runs.ALSO_EQUAL["the split's seed"]}
    facts = {**fixed, **{key: runs.parameter(key) for key in sorted(keys)}}
    if differences := runs.differences(them, facts):
        raise UserError(
            "\n".join(
                [
                    f"report=gap: these runs, all {where.words}, do not belong in one row, since they differ in",
                    *differences,
                    "choose by adding 'where=[NAME:VALUE]', or delete the runs that are not meant",
                ]
            )
        )
