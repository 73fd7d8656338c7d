"""The report's columns: runs that agree in everything but what makes a condition are one method."""

from iot_ids.comparison.gap.conditions import Condition
from iot_ids.comparison.gap.runs import Asked
from iot_ids.comparison.names import shortened
from iot_ids.comparison.variants import by_method
from iot_ids.track import KeptRun

VARIED = ("split.", "dataset.", "test_dataset", "adapt.")
"""Beginnings of the parameters that make a condition."""
CORE = ("model.", "selector.", "trainer.")
"""Beginnings of those that say which method a transductive run belongs to."""


def methods(asked: Asked) -> dict[str, list[KeptRun]]:
    """The runs by method, whatever their condition.

    A transductive run belongs to the method with its model, selector and training: what else it sets, it sets to look
    at the other network's flows.
    """
    clean = [run for where, them in asked.by_condition.items() if not _transductive(where) for run in them]
    others = [run for where, them in asked.by_condition.items() if _transductive(where) for run in them]
    named = by_method(clean, VARIED)
    groups = dict(zip(shortened(list(named)), named.values(), strict=True)) if named else {}
    owner = {_core(them[0]): name for name, them in reversed(groups.items())}
    strange = []
    for run in others:
        if _core(run) in owner:
            groups[owner[_core(run)]].append(run)
        else:
            strange.append(run)
    return {**groups, **{f"{name} (transductive alone)": them for name, them in by_method(strange, VARIED).items()}}


def _transductive(where: Condition) -> bool:
    return where.question.name == "transductive"


def _core(run: KeptRun) -> frozenset[tuple[str, str]]:
    return frozenset(item for item in run.parameters.items() if item[0].startswith(CORE))
