"""The report's table as numbers: every model with all its features, then with every selection."""

from collections.abc import Mapping
from dataclasses import dataclass

from iot_ids.comparison.gathering import Gathered, Method
from iot_ids.comparison.scores import Row, difference, joint_draws, scored
from iot_ids.comparison.statistics import Difference
from iot_ids.comparison.variants import closest, variants

WITHOUT = "all"
"""The selector that leaves nothing out but constant columns."""


@dataclass(frozen=True)
class Line:
    """One model with one selection; `difference` is that of macro-F1 to the same model without selection."""

    model: str
    selector: str
    features: int | None
    """Encoded columns that it used, the most of any seed; None where no file says."""
    row: Row
    difference: Difference | None = None

    @property
    def without(self) -> bool:
        """Whether nothing was selected."""
        return self.selector == WITHOUT


def lines(
    gathered: Gathered, features: Mapping[str, int | None], replicates: int, seed: int
) -> tuple[list[Line], list[str]]:
    """Every model that was run with a selection, and the names of the models that were run without alone.

    Args:
        gathered: the methods.
        features: how many a method used, by its name.
        replicates: of the bootstrap, where it is used.
        seed: of that bootstrap.
    """
    joint = joint_draws(gathered, replicates, seed)
    found: list[Line] = []
    unselected: list[str] = []
    for model, methods in variants(gathered.methods, ["selector."]).items():
        if all(map(_without, methods)):
            unselected.append(model)
            continue
        references = list(filter(_without, methods))
        for method in sorted(methods, key=lambda each: (not _without(each), _selector(each), features[each.name] or 0)):
            reference = None if _without(method) else closest(method, references)
            distance = None if reference is None else difference(gathered, method, reference, joint, seed)
            row = scored(gathered, method, joint, replicates, seed)
            found.append(Line(model, _selector(method), features[method.name], row, distance))
    return found, unselected


def _selector(method: Method) -> str:
    return method.parameters.get("selector.name", "?")


def _without(method: Method) -> bool:
    return _selector(method) == WITHOUT
