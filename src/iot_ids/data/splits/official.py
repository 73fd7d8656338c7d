"""The split that a dataset's publishers made: its test file tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iot_ids.common.imports import Later
from iot_ids.data.splits.base import Parts, Split
from iot_ids.data.splits.random import random_split

if TYPE_CHECKING:
    import polars as pl

    from iot_ids.data import label
    from iot_ids.data.schema import Dataset
else:
    label = Later("iot_ids.data.label")


@dataclass
class OfficialSplit(Split):
    """The dataset's own test file is the test set; its train file is divided, stratified, into train and validation."""

    validation: float
    """Share of the train file's rows."""

    test_elsewhere = True

    def split(self, flows: pl.DataFrame, dataset: Dataset, seed: int) -> Parts:
        """Draw train and validation from the train file's rows; the test part stays empty."""
        return random_split(flows[label.CLASS], 0.0, self.validation, seed)
