"""What tells the runs of this report apart: the shortcuts they took, and the outlier rule of those that took none."""

from dataclasses import dataclass

from iot_ids.comparison.gathering import Method
from iot_ids.shortcuts import OURS, PAPERS, TRANSDUCTIVE, WORDS

VARIED = ("split.stratified", "scaler.before_split", "outliers.", "dataset.duplicates", "dataset.identifiers")
"""Beginnings of the parameters behind the shortcuts."""


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
        rule = "" if self.outliers == "none" else f", outliers={self.outliers} on train alone"
        if not self.shortcuts:
            return f"clean{rule}"
        if set(PAPERS) <= set(self.shortcuts):
            return "all of the paper's shortcuts" + f" + {OURS}" * (OURS in self.shortcuts)
        taken = " + ".join(name.replace("_", " ") for name in self.shortcuts)
        return taken if "outliers_before_split" in self.shortcuts else f"{taken}{rule}"

    @property
    def order(self) -> tuple[int, list[int]]:
        """Clean first, then single shortcuts, then several together."""
        return len(self.shortcuts), [list(WORDS).index(name) for name in self.shortcuts] or [not self.reference]


def condition(method: Method) -> Condition | None:
    """Where a method stands in the report; None for a protocol or a duplicates setting that no shortcut names."""
    parameters, tags = method.parameters, method.records[0].run.tags
    if tags.get("protocol") == TRANSDUCTIVE:
        return None
    named = tags.get("protocol.shortcuts", "").split(",")
    taken = tuple(name for name in WORDS if name in named)
    clean = tags.get("protocol", "clean") == "clean" and parameters.get("dataset.duplicates", "distinct") == "distinct"
    return Condition(taken, parameters.get("outliers.name", "none")) if taken or clean else None
