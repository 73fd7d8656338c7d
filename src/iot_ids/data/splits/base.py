"""The random split, and what every split gives: which rows train, which validate, which test. Nothing is fitted."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError

Labels = NDArray[np.str_] | NDArray[np.object_] | pl.Series
LAST_SEED = 2**32 - 1
"""The largest seed that NumPy, PyTorch and scikit-learn all take."""


@dataclass(frozen=True)
class Parts:
    """Row positions of each part, ascending, disjoint."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def random_split(labels: Labels, test: float, validation: float, seed: int, stratified: bool = True) -> Parts:
    """Draw `test` of each class's rows, then `validation` of its remaining rows: 0.2 and 0.2 give the paper's 64/16/20.

    Counts are rounded per class; every class has at least one row in every part that is asked for. `test=0` leaves
    that part empty. Where it is not `stratified`, the shares are drawn of all rows at once, and a class may be absent
    from any part.

    Raises:
        UserError: a share or the seed is not in its range, or a class (all rows, where not `stratified`) has fewer rows
            than there are parts (named, with its count).
    """
    check_share("split.test", test, zero=True)
    check_share("split.validation", validation, zero=False)
    check_seed(seed)
    generator = np.random.default_rng(seed)
    groups = _classes(labels) if stratified else [("the dataset", np.arange(len(labels)))]
    drawn = [_draw(generator.permutation(rows), name, test, validation) for name, rows in groups]
    return Parts(*(np.sort(np.concatenate(part)) for part in zip(*drawn, strict=True)))


def _classes(labels: Labels) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each class, as `class 'NAME'`, and the positions of its rows, by name.

    Grouped by hash: sorting millions of texts takes seconds.
    """
    rows = pl.DataFrame({"name": pl.Series(labels, dtype=pl.String)}).with_row_index("row")
    grouped = rows.group_by("name").agg(pl.col("row").cast(pl.Int64).sort()).sort("name")
    return ((f"class {name!r}", grouped["row"][at].to_numpy()) for at, name in enumerate(grouped["name"]))


def _draw(rows: NDArray[np.int64], name: str, test: float, validation: float) -> tuple[NDArray[np.int64], ...]:
    """Shuffled `rows`, of what `name` says, as train, validation and test."""
    parts = 3 if test else 2
    if len(rows) < parts:
        raise UserError(
            f"{name} has {len(rows)} row{'s' * (len(rows) > 1)}, too few for one in each of {parts} parts; "
            "choose a coarser dataset.label or give more rows"
        )
    tests = min(max(1, round(test * len(rows))), len(rows) - 2) if test else 0
    validations = min(max(1, round(validation * (len(rows) - tests))), len(rows) - tests - 1)
    return rows[tests + validations :], rows[tests : tests + validations], rows[:tests]


def check_share(key: str, share: float, zero: bool) -> None:
    """Raise a UserError where `share` is no share between 0 and 1, of which 0 itself may be allowed."""
    if not (0 < share < 1 or (zero and share == 0)):
        raise UserError(f"{key}={share} is no share between 0 and 1")


def check_seed(seed: int) -> None:
    """Raise a UserError where a random generator would not take the seed."""
    if not 0 <= seed <= LAST_SEED:
        raise UserError(f"seed={seed} is no whole number from 0 to {LAST_SEED}")
