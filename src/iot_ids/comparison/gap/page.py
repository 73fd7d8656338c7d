"""The report for readers and for programs."""

import textwrap
from collections.abc import Mapping, Sequence

import polars as pl

from iot_ids.comparison import cells
from iot_ids.comparison.gap.conditions import Condition, commands
from iot_ids.comparison.gap.runs import Asked
from iot_ids.comparison.gap.scores import Cell, conditions
from iot_ids.comparison.gap.sentence import sentence
from iot_ids.comparison.report import Page
from iot_ids.comparison.runs import simulated
from iot_ids.comparison.table import ends, marked

WITH_INTERVALS = 5
"""So many methods have room for their intervals in a terminal."""
HEADING_WIDTH = 13
INTERVALS = (
    "Intervals: t over seeds with Nadeau and Bengio's variance. Where every seed has the same test rows (unseen "
    "attacks, other networks, later flows) the binomial variance of these is added, and the overlap of training draws "
    "is told by the split's own shares. A single seed, or what never varies: Wilson on the rows."
)


def page(asked: Asked, found: Mapping[tuple[Condition, str], Cell]) -> Page:
    """A line per condition, a column per method; for a terminal, balanced accuracy alone."""
    rows, methods = conditions(found), ranked(found)
    few = len(methods) <= WITH_INTERVALS
    headings = [_broken(name) if few else str(place) for place, name in enumerate(methods, start=1)]
    numbered = "" if few else f" Columns: {'; '.join(f'{at} {name}' for at, name in enumerate(methods, start=1))}."
    return Page(
        f"{'SIMULATED: ' * simulated(asked.runs)}{title(asked)}",
        sentence(found, rows, simulated(asked.runs)),
        ["condition", *methods],
        [[where.words, *(_full(found.get((where, name))) for name in methods)] for where in rows],
        [_meaning(asked) + numbered, INTERVALS, *_missing(asked, rows, found), *map(_said, asked.notes)],
        ["", *headings],
        [[where.words, *(_brief(found.get((where, name)), few) for name in methods)] for where in rows],
    )


def title(asked: Asked) -> str:
    """Whose flows are tested; without SIMULATED."""
    names = {
        run.parameters.get(f"{group}.title")
        for run in asked.runs
        for group in ("dataset", "test_dataset")
        if run.parameters.get(f"{group}.name") == asked.target
    }
    called = next((name for name in names if name), asked.target)
    label = asked.runs[0].parameters["dataset.label"]
    return f"{called}, {label}: what is left when the question gets harder"


def ranked(found: Mapping[tuple[Condition, str], Cell]) -> list[str]:
    """The methods, the best first under the hardest condition that all of them have; else as they come."""
    methods = list(dict.fromkeys(name for _, name in found))
    for where in reversed(conditions(found)):
        if all((where, name) in found for name in methods):
            return sorted(methods, key=lambda name: -found[where, name].balanced.mean)
    return methods


def csv(asked: Asked, found: Mapping[tuple[Condition, str], Cell]) -> pl.DataFrame:
    """One row per condition and method, shares as shares; null where there are no runs."""
    rows = [_numbers(where, name, found.get((where, name))) for where in conditions(found) for name in ranked(found)]
    return marked(pl.DataFrame(rows, infer_schema_length=None), simulated(asked.runs))


def _broken(name: str) -> str:
    return "\n".join(textwrap.wrap(name.replace("_", "_ "), HEADING_WIDTH)).replace("_ ", "_")


def _brief(cell: Cell | None, interval: bool) -> str:
    return cells.share(cell.balanced if cell else None, interval).replace(" [", "\n[")


def _full(cell: Cell | None) -> str:
    if cell is None:
        return cells.NOTHING
    rates = f"found {cells.share(cell.found)}, false {cells.share(cell.false)}"
    own = "" if cell.own is None else f", own {cells.share(cell.own)}"
    return f"{cells.share(cell.balanced)}: {rates}{own}"


def _numbers(where: Condition, name: str, cell: Cell | None) -> dict[str, object]:
    return {
        "condition": where.question.name,
        "trained_on": where.trained_on or None,
        "method": name,
        "seeds": len(cell.seeds) if cell else 0,
        "seed_list": " ".join(map(str, cell.seeds)) if cell else None,
        "unseen_attacks": cell.attacks if cell else None,
        **ends("balanced_accuracy", cell.balanced if cell else None),
        **ends("detection_rate", cell.found if cell else None),
        **ends("false_positive_rate", cell.false if cell else None),
        **ends("own_balanced_accuracy", cell.own if cell else None),
    }


def _meaning(asked: Asked) -> str:
    rate = float(asked.runs[0].parameters.get("evaluate.false_positive_rate", "nan"))
    return (
        "Balanced accuracy in percent, with its 95 % interval: the mean of the attacks found and the normal flows let "
        f"pass, at the threshold that calls {100 * rate:g} % of validation's normal flows attacks; validation is the "
        "training network's. Where unlabelled flows of the tested network were seen, the detector's own answers count. "
        "Found, false and the detector's own decision (own) are in gap.md and gap.csv."
    )


def _missing(asked: Asked, rows: Sequence[Condition], found: Mapping[tuple[Condition, str], Cell]) -> list[str]:
    lacking = [where for where in rows if not any(each == where for each, _ in found)]
    told = commands(lacking, asked.target, simulated(asked.runs))
    return [f"No runs yet: {', '.join(words)}; make some: {command}" for command, words in told.items()]


def _said(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."
