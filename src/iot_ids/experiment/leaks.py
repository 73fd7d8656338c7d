"""What leaks on purpose: the paper's shortcuts and one of ours, each of which a run has to ask for, and is marked by.

The paper's account puts outlier removal and scaling before the split, so that test rows shape what they are judged by;
draws unstratified; and removes only wholly equal rows. To measure what that is worth, these can be switched on one by
one. Nothing here is part of the clean protocol, and nothing else lets test rows into what is fitted: two of the
functions below read the test rows before the model is trained. What identifiers (addresses, ports, times, running
numbers) would inflate is shown by one more, an ablation of ours: they become features.
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
from iot_ids.features.pipeline import Rule, refuse_emptied_class


def with_identifiers(config: Config, loaded: Loaded) -> tuple[Config, Loaded]:
    """Under `dataset.identifiers=allow`, the identifiers that the training files hold among the features; else both as
    they are.

    Those that are numbers (ports are) become numeric, -1 where there is none; the others categorical, `missing` where
    there is none. They stay declared as identifiers too, by which the audit tells them apart and a kept detector knows
    that a row without one can be judged. An official test file may lack one: then none of its rows has it.

    Raises:
        UserError: the files hold no identifier.
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
        lacking = (pl.lit(None, pl.String).alias(name) for name in there if name not in flows.columns)
        return typed(flows.lazy().with_columns(*lacking), columns, dataset.format.missing).collect()

    def read_test() -> Test:
        test = loaded.read_test()
        return replace(test, flows=filled(test.flows))

    return replace(config, dataset=replace(dataset, columns=columns)), replace(
        loaded, train=filled(loaded.train), validation=filled(loaded.validation), read_test=read_test
    )


def without_outliers(loaded: Loaded, rule: Rule, numeric: Sequence[str]) -> Loaded:
    """`loaded` without the outliers of `rule`, whose bounds come from all rows: the test rows are read here, early.

    Train, validation and test all lose rows; `cleaning` counts them, in all and by part. The rows are dropped after the
    draw, not before it: since the draw looks at no number, the chances are the same (but for a row or so of each class
    in a stratified one), and the rows that stay keep their parts, so that runs of one seed can be compared as pairs.

    Raises:
        UserError: a class loses every training row, or a part every row.
    """
    test = loaded.read_test()
    parts = {"train": loaded.train, "validation": loaded.validation, "test": test.flows}
    kept = pl.Series(rule(Encoder(tuple(numeric), ()).transform(pl.concat(parts.values()))))
    refuse_emptied_class(loaded.train, kept[: loaded.train.height].to_numpy())
    left, start = {}, 0
    for name, flows in parts.items():
        left[name] = flows.filter(kept[start : start + flows.height])
        start += flows.height
        if left[name].is_empty():
            raise UserError(f"outliers.before_split=true drops all {flows.height:,} {name} rows; use a wider rule")
    cleaning = without(loaded.cleaning, "outlier by a rule on all rows", int((~kept).sum()), *left.values()) | {
        "outliers_before_split": {name: parts[name].height - left[name].height for name in parts}
    }
    judged = replace(test, flows=left["test"])
    return replace(
        loaded, train=left["train"], validation=left["validation"], cleaning=cleaning, read_test=lambda: judged
    )


def every_row(loaded: Loaded) -> pl.DataFrame:
    """Train, validation and test rows in one table: the test rows are read here, early."""
    return pl.concat([loaded.train, loaded.validation, loaded.read_test().flows])
