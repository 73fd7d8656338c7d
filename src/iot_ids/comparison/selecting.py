"""Selects the runs of one table: those that the user asked for, that have results, and that may be compared."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from iot_ids.common.errors import UserError
from iot_ids.common.text import list_first
from iot_ids.comparison.spec import Compare
from iot_ids.tracking import KeptRun, spelled

NEEDED_METRICS = (
    "test/accuracy",
    "test/balanced_accuracy",
    "test/f1_macro",
    "test/mcc",
    "test/majority_accuracy",
    "data/train_rows",
    "data/test_rows",
)
NAMED = 4
"""Left-out runs that are named one by one; the others are counted."""
LONGEST_VALUE, HASH_SHOWN = 100, 12
HASH = re.compile("[0-9a-f]{64}")
Fact = Callable[[KeptRun], str]


def parameter(name: str) -> Fact:
    """A parameter's value; `none` where a run has none of that name."""
    return lambda run: run.parameters.get(name, "none")


def _tag(name: str) -> Fact:
    return lambda run: run.tags.get(name, "none")


def taxonomy(parameters: Mapping[str, str]) -> str:
    """What the parameters about the learned label begin with."""
    return f"dataset.labels.{spelled(parameters.get('dataset.label'))}."


def normal_class(parameters: Mapping[str, str]) -> str | None:
    """The class that is no attack; None, or `None`, where the label has none."""
    return parameters.get(f"{taxonomy(parameters)}normal")


def settings(prefix: Fact, but: Sequence[str] = ()) -> Fact:
    """All parameters under a prefix, as one text."""

    def text(run: KeptRun) -> str:
        start = prefix(run)
        inside = {key: value for key, value in run.parameters.items() if key.startswith(start) and key not in but}
        return ", ".join(f"{key}={value}" for key, value in sorted(inside.items()))

    return text


FILTERS: dict[str, Fact] = {
    "dataset": parameter("dataset.name"),
    "test_dataset": parameter("test_dataset.name"),
    "label": parameter("dataset.label"),
    "split": parameter("split.name"),
    "duplicates": parameter("dataset.duplicates"),
    "protocol": _tag("protocol"),
    "data": _tag("data.sha256"),
}
"""What the user can ask for by name; runs that differ in any of these are never in one table."""
ALSO_EQUAL: dict[str, Fact] = {
    "the test file": _tag("data.test_sha256"),
    "the other network's duplicates": parameter("test_dataset.duplicates"),
    "the split's settings": settings(lambda run: "split.", but=["split.name", "split.attack"]),
    "the split's seed": lambda run: f"split_seed={run.parameters.get('split_seed', 'None')}",
    "the unseen attack": settings(lambda run: "split.attack"),
    "the classes": settings(lambda run: taxonomy(run.parameters)),
    "the shortcuts": _tag("protocol.shortcuts"),
    "the files' first rows": settings(lambda run: "dataset.format.first_rows."),
}
"""Further facts that must agree; only `where` can choose among them."""
REPORTS = {
    "the shortcuts": "what each shortcut is worth: iot-ids compare report=shortcuts",
    "the unseen attack": "attacks never seen, all of them in one table: iot-ids compare report=unseen",
}
"""The report that accepts runs which differ in this fact."""


def chosen(runs: Iterable[KeptRun], settings: Compare) -> list[KeptRun]:
    """Return the training runs that meet every filter; a run with a tag `kind`, such as a comparison, is not one.

    Raises:
        UserError: a filter leaves nothing.
    """
    left = [run for run in runs if "kind" not in run.tags]
    for name, fact in FILTERS.items():
        if (wanted := getattr(settings, name)) is not None:
            left = _only(left, name, wanted, fact, beginning=name == "data")
    if settings.tuned is not None:
        left = _only(left, "tuned", str(settings.tuned).lower(), _tag("tuned"))
    for condition in settings.where:
        name, wanted = condition.split(":", 1)
        left = _only(left, name, wanted, parameter(name))
    return left


def usable(runs: Iterable[KeptRun], needed: Sequence[str] = NEEDED_METRICS) -> tuple[list[KeptRun], list[str]]:
    """Return the finished runs that have every metric, and one sentence per reason for leaving out others."""
    good: list[KeptRun] = []
    left_out: dict[str, list[KeptRun]] = {}
    for run in runs:
        if reason := _flaw(run, needed):
            left_out.setdefault(reason, []).append(run)
        else:
            good.append(run)
    return good, [f"left out, {reason}: {named(them)}" for reason, them in left_out.items()]


def refuse_mixture(
    runs: Sequence[KeptRun], filters: Mapping[str, Fact] = FILTERS, also: Mapping[str, Fact] = ALSO_EQUAL
) -> None:
    """Raise a UserError where the runs do not belong in one table; it says what differs and what to type.

    Args:
        runs: those that the user chose.
        filters: the facts of `FILTERS` in which they have to agree.
        also: those of `ALSO_EQUAL`.
    """
    found = differences(runs, filters) or differences(runs, also)
    if not found:
        return
    refusal = [
        "these runs do not belong in one table, since they differ in",
        *found,
        f"choose by adding, for example: {_suggestion(runs, filters)}",
    ]
    refusal += [told for name, told in REPORTS.items() if name in also and differences(runs, {name: also[name]})]
    raise UserError("\n".join(refusal))


def latest_per_seed(runs: Iterable[KeptRun]) -> tuple[list[KeptRun], list[str]]:
    """Return the latest run of each configuration and seed, and a sentence about the runs that it replaces."""
    latest: dict[tuple[str, str], KeptRun] = {}
    repeated: list[KeptRun] = []
    for run in sorted(runs, key=lambda run: run.start):
        key = (run.tags["config.fingerprint"], run.parameters["seed"])
        if key in latest:
            repeated.append(latest[key])
        latest[key] = run
    said = [f"repeated with the same seed, only the latest run counts; left out: {named(repeated)}"] if repeated else []
    return list(latest.values()), said


def networks(run: KeptRun) -> str:
    """Name the network tested on, and the one trained on if it is another."""
    trained = run.parameters.get("dataset.title", run.parameters.get("dataset.name", "?"))
    tested = run.parameters.get("test_dataset.title", run.parameters.get("test_dataset.name"))
    return trained if tested is None else f"trained on {trained}, tested on {tested}"


def simulated(runs: Iterable[KeptRun]) -> bool:
    """Return whether any rows were generated."""
    return any(run.tags.get("data.origin") == "generated" for run in runs)


def named(runs: Sequence[KeptRun]) -> str:
    """List the first few runs by name and id, and count the others."""
    return list_first((f"{run.name} ({run.id[:8]})" for run in runs), NAMED)


def _flaw(run: KeptRun, needed: Sequence[str]) -> str | None:
    """Why a run cannot be compared; None where it can."""
    if run.status != "FINISHED":
        return f"status {run.status}"
    if "config.fingerprint" not in run.tags or not run.parameters.get("seed", "").isdigit():
        return "not a run of this project's training"
    missing = [name for name in needed if not math.isfinite(run.metrics.get(name, math.nan))]
    return f"without {', '.join(missing)}" if missing else None


def _only(runs: list[KeptRun], name: str, wanted: str, fact: Fact, beginning: bool = False) -> list[KeptRun]:
    left = [run for run in runs if (fact(run).startswith(wanted) if beginning else fact(run) == wanted)]
    if runs and not left:
        raise UserError(f"{name}={wanted}: no run has this value; there are {_counted(runs, fact)}")
    return left


def differences(runs: Sequence[KeptRun], facts: Mapping[str, Fact]) -> list[str]:
    """A line for each fact in which runs differ: its name, and how many runs have which value."""
    return [f"  {name}: {_counted(runs, fact)}" for name, fact in facts.items() if len({fact(run) for run in runs}) > 1]


def _counted(runs: Sequence[KeptRun], fact: Fact) -> str:
    """`random (35 runs), official (1 run)`."""
    counts = Counter(map(fact, runs)).most_common()
    return ", ".join(f"{_short(value)} ({count} run{'s' * (count > 1)})" for value, count in counts)


def _short(value: str) -> str:
    """A hash by its beginning, any other long value cut."""
    return value[:HASH_SHOWN] if HASH.fullmatch(value) else value[:LONGEST_VALUE]


def _suggestion(runs: Sequence[KeptRun], filters: Mapping[str, Fact]) -> str:
    """Suggest overrides that leave one table: for each difference, the value that most runs have."""
    words, left = [], list(runs)
    for name, fact in filters.items():
        counts = Counter(map(fact, left))
        value = counts.most_common(1)[0][0]
        if len(counts) > 1:
            words.append(f"{name}={_short(value)}")
        left = [run for run in left if fact(run) == value]
    for fact in (ALSO_EQUAL[f"the {what}"] for what in ("split's settings", "split's seed", "unseen attack")):
        typable = [text for text in map(fact, left) if "[" not in text]
        if len(set(map(fact, left))) > 1 and typable:
            chosen = Counter(typable).most_common(1)[0][0]
            words.append(f"'where=[{chosen.replace(' ', '').replace('=', ':')}]'")
            break
    return " ".join(words) or "'where=[NAME:VALUE]' with a parameter that tells them apart"
