"""The numbers of the report `gap`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iot_ids.comparison.loading import aligned, by_method, confusion
from iot_ids.comparison.names import shortened
from iot_ids.comparison.reports.gap_questions import OWN, RATES, Asked, Condition, missing
from iot_ids.comparison.reports.unseen_numbers import (
    FALSE,
    FOUND,
    NORMAL_ROWS,
    ROWS,
    by_attack,
    common_seeds,
    test_to_train,
)
from iot_ids.comparison.selecting import normal_class
from iot_ids.comparison.stats.seeds import Estimate, Proportion, summed
from iot_ids.tracking import KeptRun

PLACE = ("split.", "dataset.", "test_dataset")
"""Beginnings of the parameters that say which flows are trained on and tested."""
VARIED = (*PLACE, "adapt.")
"""Beginnings of the parameters that make a condition."""
CORE = ("model.", "selector.", "trainer.")
"""Beginnings of those that say which method a transductive run belongs to."""


def methods(asked: Asked) -> dict[str, list[KeptRun]]:
    """The runs by method, whatever their condition.

    A transductive recipe belongs to the method with its model, selector and training: what else it sets, it sets to
    look at the other network's flows. Where that method has several, each is a method of its own.
    """
    clean = [run for where, them in asked.by_condition.items() if not _transductive(where) for run in them]
    others = [run for where, them in asked.by_condition.items() if _transductive(where) for run in them]
    named = by_method(clean, VARIED)
    groups = dict(zip(shortened(list(named)), named.values(), strict=True)) if named else {}
    owner = {_core(them[0]): name for name, them in reversed(groups.items())}
    recipes = by_method(others, PLACE)
    count = Counter(_core(them[0]) for them in recipes.values())
    for name, them in recipes.items():
        core = _core(them[0])
        if core in owner and count[core] == 1:
            groups[owner[core]].extend(them)
        else:
            groups[f"{name} (transductive alone)"] = them
    return groups


def _transductive(where: Condition) -> bool:
    return where.question.name == "transductive"


def _core(run: KeptRun) -> frozenset[tuple[str, str]]:
    return frozenset(item for item in run.parameters.items() if item[0].startswith(CORE))


@dataclass(frozen=True)
class Cell:
    """One method under one condition, at the threshold that validation gave, or where the question says so by its own
    answers; means over seeds, and over attacks."""

    balanced: Estimate
    """The mean of what is found and of what is rightly let pass: 0.5 is a coin."""
    found: Estimate
    false: Estimate
    own: Estimate | None
    """Balanced accuracy of the detector's own answers; None where what counts are unseen attacks."""
    seeds: Sequence[int]
    attacks: int
    """How many unseen attacks, or families, it is the mean of; 0 where there are none."""


@dataclass(frozen=True)
class TestRows:
    """How many of a run's test rows are attacks, and how many are normal."""

    attack: int
    normal: int


def scores(asked: Asked, aside: Path) -> dict[tuple[Condition, str], Cell]:
    """Every method under every condition that it has runs of; `aside` takes copies of the runs' artifacts.

    A method that lacks one of the unseen attacks that others have, or has no seed in common between them, has no cell.
    """
    place = {run.id: where for where, them in asked.by_condition.items() for run in them}
    rows = {where: _test_rows(asked, them, aside) for where, them in asked.by_condition.items()}
    found: dict[tuple[Condition, str], Cell] = {}
    for name, them in methods(asked).items():
        for where, all_runs in asked.by_condition.items():
            mine = [run for run in them if place[run.id] == where]
            if where.question.attack:
                cell = _of_attacks(mine, len(by_attack(all_runs)))
            else:
                cell = _of_test_rows(where, mine, rows[where])
            if cell is not None:
                found[where, name] = cell
    return found


def _of_attacks(runs: Sequence[KeptRun], attacks: int) -> Cell | None:
    """The mean over the attacks; the unseen rows are the same for every seed, the normal ones are drawn by it."""
    groups = list(by_attack(runs).values())
    seeds = common_seeds(groups)
    if len(groups) < attacks or not seeds:
        return None
    them = [[group[seed] for seed in seeds] for group in groups]
    share = 1 / len(them)
    found = [Proportion(_values(group, FOUND), round(_mean(group, ROWS)), share, same_rows=True) for group in them]
    false = [Proportion(_values(group, FALSE), round(_mean(group, NORMAL_ROWS)), share) for group in them]
    ratio = test_to_train([run for group in them for run in group])
    return _cell(found, false, None, ratio, seeds, len(them))


def _of_test_rows(where: Condition, runs: Sequence[KeptRun], rows: TestRows | None) -> Cell | None:
    if not runs or rows is None:
        return None
    them = sorted(runs, key=lambda run: int(run.parameters["seed"]))
    same = where.question.same_rows

    def shares(names: tuple[str, str]) -> tuple[list[Proportion], list[Proportion]]:
        counts = (rows.attack, rows.normal)
        found, false = (
            [Proportion(_values(them, name), count, same_rows=same)] for name, count in zip(names, counts, strict=True)
        )
        return found, false

    ratio = held_out(where, them)
    own = summed(_balanced(*shares(OWN)), ratio, 0.5)
    return _cell(
        *shares(OWN if where.question.own else RATES), own, ratio, [int(run.parameters["seed"]) for run in them], 0
    )


def held_out(where: Condition, runs: Sequence[KeptRun]) -> float:
    """Rows held out over rows trained on, which says how far the training draws of two seeds overlap.

    Another network's test rows are none of the rows that the training rows were drawn from, so that the split's own
    shares count there. A temporal split trains every seed on the same rows: 0.
    """
    if where.question.name == "temporal":
        return 0.0
    if not where.trained_on:
        return test_to_train(runs)
    test, validation = (float(runs[0].parameters.get(f"split.{part}", 0)) for part in ("test", "validation"))
    return (test or (1 - test) * validation) / ((1 - test) * (1 - validation))


def _cell(
    found: Sequence[Proportion],
    false: Sequence[Proportion],
    own: Estimate | None,
    ratio: float,
    seeds: Sequence[int],
    attacks: int,
) -> Cell:
    balanced = summed(_balanced(found, false), ratio, 0.5)
    return Cell(balanced, summed(found, ratio), summed(false, ratio), own, seeds, attacks)


def _balanced(found: Sequence[Proportion], false: Sequence[Proportion]) -> list[Proportion]:
    """(found + 1 - false) / 2, without the half."""
    return [part.times(0.5) for part in found] + [part.times(-0.5) for part in false]


def _test_rows(asked: Asked, runs: Sequence[KeptRun], aside: Path) -> TestRows | None:
    """Of the first run whose confusion matrix can be read; None where no run's can."""
    for run in runs:
        table = confusion(asked.stores[run.id], run, aside)
        normal = normal_class(run.parameters)
        if table is None or normal not in table["label"]:
            continue
        classes = table["label"].to_list()
        counts = aligned(table, classes).sum(axis=1)
        normals = int(counts[classes.index(normal)])
        return TestRows(int(counts.sum()) - normals, normals)
    return None


def _values(runs: Sequence[KeptRun], name: str) -> list[float]:
    return [run.metrics[name] for run in runs]


def _mean(runs: Sequence[KeptRun], name: str) -> float:
    return float(np.mean(_values(runs, name)))


def conditions(found: Mapping[tuple[Condition, str], Cell]) -> list[Condition]:
    """The rows: every condition that has a cell, and every expected question that has none, the easiest first."""
    there = list(dict.fromkeys(where for where, _ in found))
    return sorted([*there, *missing(there)], key=lambda where: where.order)
