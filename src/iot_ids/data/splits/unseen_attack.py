"""Attacks that training has never seen: all their rows are test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iot_ids.common.errors import UserError
from iot_ids.common.imports import Later
from iot_ids.data.checks import taxonomy
from iot_ids.data.splits.base import Parts, Split
from iot_ids.data.splits.random import random_split

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from iot_ids.data import label as labels
    from iot_ids.data.schema import Dataset
else:
    np, labels = Later("numpy"), Later("iot_ids.data.label")


@dataclass
class UnseenAttackSplit(Split):
    """Attacks that neither train nor validation holds. The other classes are drawn as by RandomSplit.

    All rows of the left-out attacks are test rows, along with the usual share of every other class.
    """

    attack: Any
    """The class that is left out, or a list of classes."""
    label: str
    """The key of `dataset.labels` whose classes `attack` names; what is learned may be another, such as `binary`."""
    test: float
    """Share of the rows of every other class."""
    validation: float
    """Share of those rows that are not test."""

    @property
    def attack_label(self) -> str:
        """The label whose classes `attack` names."""
        return self.label

    def left_out(self, dataset: Dataset) -> list[str]:
        """Return the classes that `attack` names.

        Raises:
            UserError: it names none, one twice, an unknown one or the normal class; the dataset does not know `label`,
                or that has no normal class.
        """
        chosen = taxonomy(dataset, self.label, "split.label")
        named = self.attack if isinstance(self.attack, list | tuple) else [self.attack]
        attacks = [name for name in chosen.classes if name != chosen.normal]
        if chosen.normal is None:
            raise UserError(f"split=unseen_attack: label {self.label} of dataset={dataset.name} has no normal class")
        if not named or len(set(map(str, named))) < len(named) or not set(named) <= set(attacks):
            raise UserError(
                f"split.attack={self.attack} has to be one of the attacks of dataset={dataset.name}, or a list of "
                f"some: {', '.join(attacks)}"
            )
        if len(named) == len(attacks):
            raise UserError(
                f"split.attack={self.attack} leaves out every attack: train would have one class; leave out fewer"
            )
        return list(named)

    def check(self, dataset: Dataset, test_dataset: Dataset | None) -> None:
        """Raise a UserError where `left_out` does, without a normal class, or where another network is tested."""
        self.left_out(dataset)
        if taxonomy(dataset).normal is None:
            raise UserError(
                f"split=unseen_attack: dataset.label={dataset.label} has no normal class; choose another label"
            )
        if test_dataset is not None:
            raise UserError("split=unseen_attack and test_dataset ask two questions at once; leave out one of them")

    def split(self, flows: pl.DataFrame, dataset: Dataset, seed: int) -> Parts:
        """Draw the rows of every other class as `random_split` does, by KIND; add all rows of the attacks to test.

        Equal seeds draw equal rows whatever `dataset.label` is learned.

        Raises:
            UserError: an attack has no rows, or what `left_out` and `random_split` refuse.
        """
        attacks = self.left_out(dataset)
        _refuse_absent(flows, attacks, dataset)
        unseen = flows[labels.KIND].is_in(attacks).to_numpy()
        known = np.flatnonzero(~unseen)
        drawn = random_split(flows[labels.KIND].gather(known), self.test, self.validation, seed)
        test = np.sort(np.concatenate([known[drawn.test], np.flatnonzero(unseen)]))
        return Parts(known[drawn.train], known[drawn.validation], test)


def _refuse_absent(flows: pl.DataFrame, attacks: Sequence[str], dataset: Dataset) -> None:
    counts = dict(flows[labels.KIND].value_counts(sort=True).iter_rows())
    if absent := [name for name in attacks if name not in counts]:
        present = ", ".join(f"{name}: {count:,}" for name, count in counts.items())
        raise UserError(f"split.attack: dataset={dataset.name} has no rows of {', '.join(absent)}; it has {present}")
