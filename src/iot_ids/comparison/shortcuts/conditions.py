"""What tells the runs of this report apart: the shortcuts they took, and the outlier rule of those that took none."""

from dataclasses import dataclass

from iot_ids.comparison.gathering import Method

WORDS = {
    "outliers_before_split": "outliers before the split",
    "scaling_before_split": "scaling before the split",
    "unstratified": "unstratified",
    "exact_duplicates": "exact duplicates",
}
"""The tag `protocol.shortcuts` names these, joined by commas."""
VARIED = ("split.stratified", "scaler.before_split", "outliers.", "dataset.duplicates")
"""Beginnings of the parameters behind them."""


@dataclass(frozen=True)
class Condition:
    """`shortcuts` in the order of WORDS; empty under the clean protocol."""

    shortcuts: tuple[str, ...]
    outliers: str = "none"

    @property
    def reference(self) -> bool:
        """Whether this is the clean protocol with nothing dropped."""
        return not self.shortcuts and self.outliers == "none"

    @property
    def words(self) -> str:
        """As the table's rows are called."""
        if not self.shortcuts:
            return "clean" if self.reference else f"clean, outliers={self.outliers} on train alone"
        if set(self.shortcuts) == set(WORDS):
            return "all of the paper's"
        return " + ".join(WORDS.get(name, name) for name in self.shortcuts)

    @property
    def order(self) -> tuple[int, list[int]]:
        """Clean first, then single shortcuts, then several together."""
        known = list(WORDS)
        places = [known.index(name) if name in known else len(known) for name in self.shortcuts]
        return len(self.shortcuts), places or [not self.reference]


def condition(method: Method) -> Condition | None:
    """Where a method stands in the report; None for a clean run with other duplicates, which no shortcut names."""
    parameters, tags = method.parameters, method.records[0].run.tags
    outliers = parameters.get("outliers.name", "none")
    if tags.get("protocol", "clean") != "clean":
        taken = set(filter(None, tags.get("protocol.shortcuts", "").split(",")))
        known = [name for name in WORDS if name in taken]
        return Condition((*known, *sorted(taken.difference(known))), outliers)
    return Condition((), outliers) if parameters.get("dataset.duplicates", "distinct") == "distinct" else None
