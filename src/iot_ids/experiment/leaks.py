"""Leak on purpose: the paper's shortcuts and an ablation of ours, off unless asked for and tagged on every run.

As the paper describes it, outliers are removed and features are scaled before the split, so that the test rows
influence what they are tested on; the split is not stratified; and only fully identical rows count as duplicates. To
measure what each is worth, they can be switched on one by one. Our ablation turns identifiers (addresses, ports, times,
record numbers) into features, to show how much they inflate the scores. None of this is part of the clean protocol. Two
functions below read the test rows before the model is trained; nothing else in the project does.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.config import Config
from iot_ids.data.clean import typed, without
from iot_ids.data.load import Loaded, Test
from iot_ids.data.schema import Identifiers
from iot_ids.features.encode import Encoder
from iot_ids.features.pipeline import Rule, check_classes_remain


def with_identifiers(config: Config, loaded: Loaded) -> tuple[Config, Loaded]:
    """Under `dataset.identifiers=allow`, make features of the identifiers in the training files; else change nothing.

    Numbers, such as ports, become numeric features, -1 if missing; all others become categorical, `missing` if missing.
    They also stay declared as identifiers: the audit needs to tell them apart, and a saved detector to know that a row
    without one can be scored. A column absent from an official test file counts as missing in all of its rows.

    Raises:
        UserError: the files have no identifiers.
    """
    dataset = config.dataset
    if dataset.identifiers is Identifiers.forbid:
        return config, loaded
    there = [name for name in dataset.columns.identifiers if name in loaded.train.columns]
    if not there:
        raise UserError(
            f"dataset.identifiers=allow: dataset={dataset.name} has no identifiers in these files; leave it at forbid"
        )
    numbers = [name for name in there if loaded.train[name].dtype.is_numeric()]
    names = [name for name in there if name not in numbers]
    columns = replace(
        dataset.columns,
        numeric=[*dataset.columns.numeric, *numbers],
        categorical=[*dataset.columns.categorical, *names],
    )

    def filled(flows: pl.DataFrame) -> pl.DataFrame:
        absent = (pl.lit(None, pl.String).alias(name) for name in there if name not in flows.columns)
        return typed(flows.lazy().with_columns(*absent), columns, dataset.format.missing).collect()

    def read_test() -> Test:
        test = loaded.read_test()
        return replace(test, flows=filled(test.flows))

    return replace(config, dataset=replace(dataset, columns=columns)), replace(
        loaded, train=filled(loaded.train), validation=filled(loaded.validation), read_test=read_test
    )


def without_outliers(loaded: Loaded, rule: Rule, numeric: Sequence[str]) -> Loaded:
    """Drop the outliers of `rule`, with bounds computed on all rows; this reads the test rows before training.

    Train, validation and test all lose rows; `cleaning` counts them in total and by part. The rows are dropped after
    the split instead of before it. A split ignores the features, so the odds are the same (up to about one row per
    class if it is stratified), and the remaining rows stay in their parts, so runs with one seed can be compared in
    pairs.

    Raises:
        UserError: a class loses all its training rows, or a part all its rows.
    """
    test = loaded.read_test()
    parts = {"train": loaded.train, "validation": loaded.validation, "test": test.flows}
    kept = pl.Series(rule(Encoder(tuple(numeric), ()).transform(pl.concat(parts.values()))))
    check_classes_remain(loaded.train, kept[: loaded.train.height].to_numpy())
    left, start = {}, 0
    for name, flows in parts.items():
        left[name] = flows.filter(kept[start : start + flows.height])
        start += flows.height
        if left[name].is_empty():
            raise UserError(f"outliers.before_split=true drops all {flows.height:,} {name} rows; use a wider rule")
    cleaning = without(loaded.cleaning, "outlier by a rule on all rows", int((~kept).sum()), *left.values()) | {
        "outliers_before_split": {name: parts[name].height - left[name].height for name in parts}
    }
    test = replace(test, flows=left["test"])
    return replace(
        loaded, train=left["train"], validation=left["validation"], cleaning=cleaning, read_test=lambda: test
    )


def every_row(loaded: Loaded) -> pl.DataFrame:
    """Join train, validation and test rows in one table; this reads the test rows before training."""
    return pl.concat([loaded.train, loaded.validation, loaded.read_test().flows])
