"""Which rows train, validate and test, as `split` says."""

import polars as pl

from iot_ids.data.label import CLASS
from iot_ids.data.schema import Dataset, GroupedSplit, RandomSplit, Split, TemporalSplit, UnseenAttackSplit
from iot_ids.data.splits.base import Parts, random_split
from iot_ids.data.splits.grouped import grouped_split
from iot_ids.data.splits.temporal import temporal_split
from iot_ids.data.splits.unseen_attack import unseen_split


def split_rows(flows: pl.DataFrame, dataset: Dataset, split: Split, seed: int) -> Parts:
    """Row positions of each part; rows in none were left out by the split.

    An official split's test rows are in a file of their own: here its test part is empty.

    Raises:
        UserError: whatever the split's own function refuses.
    """
    if isinstance(split, GroupedSplit):
        return grouped_split(flows, dataset, split, seed)
    if isinstance(split, TemporalSplit):
        return temporal_split(flows, dataset, split)
    if isinstance(split, UnseenAttackSplit):
        return unseen_split(flows, dataset, split, seed)
    test, stratified = (split.test, split.stratified) if isinstance(split, RandomSplit) else (0.0, True)
    return random_split(flows[CLASS], test, split.validation, seed, stratified)
