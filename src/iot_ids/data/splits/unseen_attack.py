"""Attacks that training has never seen: all their rows are test rows."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.checks import left_out
from iot_ids.data.label import KIND
from iot_ids.data.schema import Dataset, UnseenAttackSplit
from iot_ids.data.splits.base import Parts, random_split


def unseen_split(flows: pl.DataFrame, dataset: Dataset, split: UnseenAttackSplit, seed: int) -> Parts:
    """Draw the rows of every other class as `random_split` does, by KIND; add all rows of the attacks to test.

    Equal seeds draw equal rows whatever `dataset.label` is learned.

    Raises:
        UserError: an attack has no rows, or what `left_out` and `random_split` refuse.
    """
    attacks = left_out(dataset, split)
    _refuse_absent(flows, attacks, dataset)
    unseen = flows[KIND].is_in(attacks).to_numpy()
    known = np.flatnonzero(~unseen)
    drawn = random_split(flows[KIND].gather(known), split.test, split.validation, seed)
    test = np.sort(np.concatenate([known[drawn.test], np.flatnonzero(unseen)]))
    return Parts(known[drawn.train], known[drawn.validation], test)


def _refuse_absent(flows: pl.DataFrame, attacks: Sequence[str], dataset: Dataset) -> None:
    there = dict(flows[KIND].value_counts(sort=True).iter_rows())
    if absent := [name for name in attacks if name not in there]:
        counts = ", ".join(f"{name}: {count:,}" for name, count in there.items())
        raise UserError(f"split.attack: dataset={dataset.name} has no rows of {', '.join(absent)}; it has {counts}")
