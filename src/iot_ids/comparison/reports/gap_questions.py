"""The questions of the report `gap`, and the runs that answer each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from iot_ids import tracking
from iot_ids.common.errors import UserError
from iot_ids.comparison import selecting as runs
from iot_ids.comparison.loading import store_of
from iot_ids.comparison.names import DESCRIPTIVE
from iot_ids.comparison.reports.unseen_numbers import NEEDED as OF_UNSEEN
from iot_ids.comparison.reports.unseen_numbers import unseen
from iot_ids.comparison.spec import Compare
from iot_ids.tracking import KeptRun, Store

RATES = ("operating/detection_rate", "operating/false_positive_rate")
OWN = ("test/detection_rate", "test/false_positive_rate")

TRAIN = "python -m train -m +experiment="
OTHER = f"{TRAIN}gap +condition=distinct dataset=OTHER dataset.path=FILE +dataset@test_dataset={{target}}"


@dataclass(frozen=True)
class Question:
    """One kind of test.

    `command` makes its runs on a dataset, `{target}`. A row without runs is shown where it is `expected`.
    """

    name: str
    words: str
    command: str
    expected: bool = True
    attack: bool = False
    """Whether what is found are attacks that training has not seen."""
    same_rows: bool = False
    """Whether the test rows, or the attacks among them, are the same for every seed."""
    own: bool = False
    """Whether the detector's own answers count, since its threshold is not validation's."""

    @property
    def metrics(self) -> Sequence[str]:
        """The metrics that a run must have."""
        if self.attack:
            return OF_UNSEEN
        return OWN if self.own else (*RATES, *OWN)


QUESTIONS = (
    Question("repeats", "repeats kept", f"{TRAIN}gap dataset={{target}} dataset.path=FILE"),
    Question("grouped", "equal flows on one side", f"{TRAIN}gap dataset={{target}} dataset.path=FILE"),
    Question("distinct", "distinct flows", f"{TRAIN}gap dataset={{target}} dataset.path=FILE"),
    Question(
        "temporal",
        "later flows",
        f"{TRAIN}gap +condition=temporal dataset={{target}} dataset.path=FILE",
        expected=False,
        same_rows=True,
    ),
    Question(
        "unseen",
        "unseen attack, mean over attacks",
        f"{TRAIN}unseen_attacks dataset={{target}} dataset.path=FILE",
        attack=True,
        same_rows=True,
    ),
    Question(
        "family",
        "unseen family",
        f"{TRAIN}unseen_attacks dataset={{target}} dataset.path=FILE",
        attack=True,
        same_rows=True,
    ),
    Question("transfer", "trained on another network", f"{OTHER} test_dataset.path=FILE", same_rows=True),
    Question(
        "transductive", "the same, the tested flows seen without labels", "", expected=False, same_rows=True, own=True
    ),
)
BY_NAME = {question.name: question for question in QUESTIONS}


@dataclass(frozen=True)
class Condition:
    """A question, and the network that was trained on where it is another."""

    question: Question
    trained_on: str = ""

    @property
    def words(self) -> str:
        """As the table's rows are called."""
        if not self.trained_on:
            return self.question.words
        seen = ", the tested flows seen without labels" if self.question.name == "transductive" else ""
        return f"trained on {self.trained_on}{seen}"

    @property
    def order(self) -> tuple[int, str]:
        """The easiest first."""
        return QUESTIONS.index(self.question), self.trained_on


def condition(run: KeptRun, target: str) -> Condition | None:
    """Return the question about the dataset `target` that a run answers; None if it answers none of them."""
    if "protocol.shortcuts" in run.tags:
        return None
    parameters, protocol = run.parameters, run.tags.get("protocol", "clean")
    trained, tested = parameters.get("dataset.name", ""), parameters.get("test_dataset.name")
    if tested == target and trained != target:
        name = {"clean": "transfer", "transductive": "transductive"}.get(protocol)
        return Condition(BY_NAME[name], trained) if name else None
    if tested is not None or trained != target or protocol != "clean":
        return None
    name = _in_domain(run)
    return Condition(BY_NAME[name]) if name else None


def _in_domain(run: KeptRun) -> str | None:
    """Return the question that a run answers which was trained and tested on one network."""
    split, duplicates = run.parameters.get("split.name"), run.parameters.get("dataset.duplicates")
    if split == "random":
        return {"keep": "repeats", "distinct": "distinct"}.get(str(duplicates))
    if split == "grouped" and run.parameters.get("split.by") == "features" and duplicates == "keep":
        return "grouped"
    if split == "unseen_attack":
        return "family" if unseen(run).family else "unseen"
    return "temporal" if split == "temporal" else None


def placed(
    runs: Sequence[KeptRun], place: Callable[[KeptRun], Condition | None]
) -> tuple[dict[Condition, list[KeptRun]], list[KeptRun]]:
    """Group the runs by condition, the easiest first; also return those that have none."""
    found: dict[Condition, list[KeptRun]] = {}
    left_out: list[KeptRun] = []
    for run in runs:
        where = place(run)
        if where is None:
            left_out.append(run)
        else:
            found.setdefault(where, []).append(run)
    return dict(sorted(found.items(), key=lambda item: item[0].order)), left_out


def missing(there: Sequence[Condition]) -> list[Condition]:
    """Return the expected questions that no condition of `there` asks."""
    asked = {where.question for where in there}
    return [Condition(question) for question in QUESTIONS if question.expected and question not in asked]


def commands(without: Sequence[Condition], target: str, generated: bool) -> dict[str, list[str]]:
    """Return the commands that make the missing runs, with their conditions; generated flows need no path."""
    words: dict[str, list[str]] = {}
    for where in without:
        command = where.question.command.format(target=target)
        if generated:
            command = command.replace(f"={target} dataset.path=FILE", f"={target}").replace(
                " test_dataset.path=FILE", ""
            )
        words.setdefault(command, []).append(where.words)
    return words


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
    """Return every run that `settings` choose and that answers a question about the dataset.

    Raises:
        UserError: several datasets and none named, a setting that the report varies itself, no run, or runs that do not
            belong together.
    """
    _refuse_varied(settings)
    if settings.dataset is None:
        store_of(stores, None)  # which refuses several
    target = settings.dataset or next(iter(stores))
    kept = {name: tracking.kept_runs(store) for name, store in stores.items()}
    chosen = _chosen([run for them in kept.values() for run in them], target, settings)
    by_condition, odd = placed(chosen, lambda run: condition(run, target))
    usable, notes = _usable(by_condition)
    if odd:
        notes.append(f"left out, with another split, protocol or setting for duplicates: {runs.named(odd)}")
    every = [run for them in usable.values() for run in them]
    if not every:
        said = f"report=gap: no finished run on dataset={target} answers one of its questions; {_make(target)}"
        raise UserError("\n".join([said, *notes]))
    also = {"the false-positive rate asked for": runs.settings(lambda run: "evaluate.false_positive_rate")}
    runs.refuse_mixture(every, {"data": tested_data}, also)
    return Asked(target, usable, {run.id: stores[name] for name, them in kept.items() for run in them}, notes)


def tested_data(run: KeptRun) -> str:
    """Return the hash of the files that the test rows come from."""
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
