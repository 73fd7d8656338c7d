"""The report's columns: runs that agree in everything but what makes a condition are one method."""

from collections import Counter

from iot_ids.comparison.gap.conditions import Condition
from iot_ids.comparison.gap.runs import Asked
from iot_ids.comparison.names import shortened
from iot_ids.comparison.variants import by_method
from iot_ids.track import KeptRun

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
