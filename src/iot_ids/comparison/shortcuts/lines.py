"""The report's table as numbers: every method under the clean protocol, then with each shortcut."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iot_ids.comparison.gathering import Gathered, Method
from iot_ids.comparison.scores import Row, difference, scored
from iot_ids.comparison.shortcuts.conditions import VARIED, Condition, condition
from iot_ids.comparison.statistics import Difference
from iot_ids.comparison.variants import closest, variants

MEASURES = ("accuracy", "f1_macro")


@dataclass(frozen=True)
class Line:
    """One method under one condition; `differences` by measure, to the same method's clean runs where there are any."""

    method: str
    condition: Condition
    words: str
    row: Row
    test_rows: float
    differences: dict[str, Difference]


def lines(gathered: Gathered, replicates: int, seed: int) -> tuple[list[Line], list[Method]]:
    """Every method that was run with a shortcut, and the runs that were left out since they belong to none.

    Args:
        gathered: the methods.
        replicates: of the bootstrap that gives a single run its interval.
        seed: of that bootstrap.
    """
    found: list[Line] = []
    left_out: list[Method] = []
    for name, methods in variants(gathered.methods, VARIED).items():
        placed = {id(each): where for each in methods if (where := condition(each)) is not None}
        if not any(where.shortcuts for where in placed.values()):
            left_out += methods
            continue
        left_out += [each for each in methods if id(each) not in placed]
        there = sorted((each for each in methods if id(each) in placed), key=lambda each: placed[id(each)].order)
        references = [each for each in there if placed[id(each)].reference]
        words = _words(there, [placed[id(each)] for each in there])
        for method, called in zip(there, words, strict=True):
            reference = None if method in references else closest(method, references)
            rows = [record.run.metrics["data/test_rows"] for record in method.records]
            row = scored(gathered, method, None, replicates, seed)
            differences = _differences(gathered, method, reference, seed)
            found.append(Line(name, placed[id(method)], called, row, float(np.mean(rows)), differences))
    return found, left_out


def _words(methods: Sequence[Method], conditions: Sequence[Condition]) -> list[str]:
    """What the conditions are called; where two are called alike, the fingerprint tells them apart."""
    count = Counter(each.words for each in conditions)
    prints = [method.records[0].run.tags["config.fingerprint"] for method in methods]
    return [
        each.words if count[each.words] == 1 else f"{each.words} {fingerprint[:6]}"
        for each, fingerprint in zip(conditions, prints, strict=True)
    ]


def _differences(gathered: Gathered, method: Method, reference: Method | None, seed: int) -> dict[str, Difference]:
    """Never by a bootstrap of common rows: a shortcut changes which rows are tested."""
    if reference is None:
        return {}
    found = {name: difference(gathered, method, reference, None, seed, name) for name in MEASURES}
    return {name: each for name, each in found.items() if each is not None}
