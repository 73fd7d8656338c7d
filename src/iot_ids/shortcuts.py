"""What leaks on purpose: the paper's shortcuts, each of which a run has to ask for, and is marked by.

The paper's account puts outlier removal and scaling before the split, so that test rows shape what they are judged by;
draws unstratified; and removes only wholly equal rows. To measure what that is worth, these can be switched on one by
one. Nothing here is part of the clean protocol, and nothing else lets test rows into what is fitted: two of the
functions below read the test rows before the model is trained.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from iot_ids.config import Config
from iot_ids.data.clean import without
from iot_ids.data.label import CLASS
from iot_ids.data.load import Loaded
from iot_ids.data.spec import Duplicates, RandomSplit
from iot_ids.errors import UserError
from iot_ids.features.encode import Encoder
from iot_ids.features.pipeline import Rule, refuse_emptied_class

WORDS = {
    "outliers_before_split": "outliers removed before the split",
    "scaling_before_split": "scaling learned before the split",
    "unstratified": "a split that is not stratified",
    "exact_duplicates": "only wholly equal rows counted as duplicates",
}
"""Every shortcut, in the order of the tags, and what a reader is told of it."""


def shortcuts(config: Config) -> list[str]:
    """The names of the shortcuts that `config` takes, in the order of WORDS; empty under the clean protocol."""
    taken = {
        "outliers_before_split": bool(config.outliers.get("before_split")),
        "scaling_before_split": bool(config.scaler.get("before_split")),
        "unstratified": isinstance(config.split, RandomSplit) and not config.split.stratified,
        "exact_duplicates": config.dataset.duplicates is Duplicates.exact,
    }
    return [name for name in WORDS if taken[name]]


def tags(config: Config) -> dict[str, str]:
    """A run's tags: `protocol` is `clean` or `paper_recipe`; `protocol.shortcuts` names those taken, if any."""
    taken = shortcuts(config)
    return {"protocol": "paper_recipe", "protocol.shortcuts": ",".join(taken)} if taken else {"protocol": "clean"}


def sentences(taken: Sequence[str]) -> list[str]:
    """What the audit says of the shortcuts `taken`: one sentence; none where there are none."""
    if not taken:
        return []
    named = ", ".join(WORDS[name] for name in taken)
    return [f"This run takes the paper's shortcuts: {named}; its scores are not comparable with the clean protocol's."]


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
    cleaning = without(loaded.cleaning, "outlier by a rule on all rows", int((~kept).sum())) | {
        "outliers_before_split": {name: parts[name].height - left[name].height for name in parts},
        "classes": dict(pl.concat(left.values())[CLASS].value_counts(sort=True).iter_rows()),
    }
    judged = replace(test, flows=left["test"])
    return replace(
        loaded, train=left["train"], validation=left["validation"], cleaning=cleaning, read_test=lambda: judged
    )


def every_row(loaded: Loaded) -> pl.DataFrame:
    """Train, validation and test rows in one table: the test rows are read here, early."""
    return pl.concat([loaded.train, loaded.validation, loaded.read_test().flows])
