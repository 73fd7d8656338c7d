"""The questions, from the easiest to the hardest: how a run's test rows differ from those that it was trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iot_ids.comparison.unseen.attacks import unseen
from iot_ids.comparison.unseen.lines import NEEDED as OF_UNSEEN
from iot_ids.track import KeptRun

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
        """What a run needs to have."""
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
    """Which question about the dataset `target` a run answers; None where it answers none of these."""
    if "protocol.shortcuts" in run.tags:
        return None
    parameters, protocol = run.parameters, run.tags.get("protocol", "clean")
    trained, tested = parameters.get("dataset.name", ""), parameters.get("test_dataset.name")
    if tested == target and trained != target:
        name = {"clean": "transfer", "transductive": "transductive"}.get(protocol)
        return Condition(BY_NAME[name], trained) if name else None
    if tested is not None or trained != target or protocol != "clean":
        return None
    name = _at_home(run)
    return Condition(BY_NAME[name]) if name else None


def _at_home(run: KeptRun) -> str | None:
    """The question of a run that was trained and tested on one network."""
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
    """The runs by condition, the easiest first, and those that have none."""
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
    """The questions that a reader expects and that no condition of `there` asks."""
    asked = {where.question for where in there}
    return [Condition(question) for question in QUESTIONS if question.expected and question not in asked]


def commands(lacking: Sequence[Condition], target: str, generated: bool) -> dict[str, list[str]]:
    """What to type for conditions without runs, and what they are called; generated flows need no path."""
    told: dict[str, list[str]] = {}
    for where in lacking:
        command = where.question.command.format(target=target)
        if generated:
            command = command.replace(f"={target} dataset.path=FILE", f"={target}").replace(
                " test_dataset.path=FILE", ""
            )
        told.setdefault(command, []).append(where.words)
    return told
