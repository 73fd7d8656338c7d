"""The numbers of the report `unseen`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from iot_ids.comparison.loading import kept_table
from iot_ids.comparison.stats.seeds import Estimate, Proportion, summed
from iot_ids.tracking import KeptRun, Store


@dataclass(frozen=True)
class Unseen:
    """The attacks that training did not see; several are a family, left out together. None: the mean over attacks."""

    attacks: tuple[str, ...]

    @property
    def words(self) -> str:
        """As the table's rows are called."""
        if not self.attacks:
            return "mean over single attacks"
        return f"family {' + '.join(self.attacks)}" if self.family else self.attacks[0]

    @property
    def family(self) -> bool:
        """Whether several were left out together, so that none could teach another."""
        return len(self.attacks) > 1


MEAN = Unseen(())


def unseen(run: KeptRun) -> Unseen:
    """What `split.attack` of the run names: a class, or a list of classes as JSON."""
    named = run.parameters["split.attack"]
    return Unseen(tuple(sorted(json.loads(named)) if named.startswith("[") else [named]))


def by_attack(runs: Sequence[KeptRun]) -> dict[Unseen, dict[int, KeptRun]]:
    """Runs of one method, by attack and seed, seeds ascending."""
    found: dict[Unseen, dict[int, KeptRun]] = {}
    for run in sorted(runs, key=lambda run: int(run.parameters["seed"])):
        found.setdefault(unseen(run), {})[int(run.parameters["seed"])] = run
    return found


def common_seeds(groups: Sequence[dict[int, KeptRun]]) -> list[int]:
    """The seeds that all groups have, ascending; none where there is no group."""
    return sorted(set.intersection(*map(set, groups))) if groups else []


FOUND, FALSE = "unseen/detection_rate", "unseen/false_positive_rate"
ROWS, NORMAL_ROWS = "unseen/rows", "unseen/test_normal_rows"
VALIDATION_ROWS = "unseen/validation_normal_rows"
NEEDED = (FOUND, FALSE, ROWS, NORMAL_ROWS, VALIDATION_ROWS)


@dataclass(frozen=True)
class UnseenRow:
    """One method and what it was not shown. Shares are means over the seeds; so are rows, where these differ."""

    unseen: Unseen
    method: str
    found: Estimate
    """Unseen rows called any attack."""
    false: Estimate
    """Normal test rows called any attack."""
    rows: int
    normal_rows: int
    validation_rows: int
    """Normal rows that the threshold was set on."""
    seeds: Sequence[int]


def rows(methods: Mapping[str, Sequence[KeptRun]]) -> list[UnseenRow]:
    """Return every method with every attack that it was run without; the method that finds most comes first in each.

    `methods` are the runs by their method's name. A method has a mean where it was run without each of the single
    attacks, on seeds that they share.
    """
    groups = {name: by_attack(them) for name, them in methods.items()}
    there = {unseen for each in groups.values() for unseen in each}
    singles = [unseen for unseen in there if not unseen.family]
    found = [_row(unseen, name, [them]) for name, each in groups.items() for unseen, them in each.items()]
    for name, each in groups.items():
        if singles and all(single in each for single in singles):
            them = [each[single] for single in singles]
            found += [_row(MEAN, name, them)] * bool(common_seeds(them))
    ranked = _ranked(found)
    return sorted(found, key=lambda row: (_order(row), ranked.index(row.method)))


def test_to_train(runs: Sequence[KeptRun]) -> float:
    """Rows tested over rows trained on: how far the draws of two seeds share rows. Unseen attacks count as neither."""
    return float(np.mean([run.metrics["data/test_rows"] / run.metrics["data/train_rows"] for run in runs]))


def _row(unseen: Unseen, method: str, groups: Sequence[dict[int, KeptRun]]) -> UnseenRow:
    """The mean over `groups`, one attack each."""
    seeds = common_seeds(groups)
    runs = [[them[seed] for seed in seeds] for them in groups]
    ratio = test_to_train([run for them in runs for run in them])
    return UnseenRow(
        unseen,
        method,
        summed([_part(them, FOUND, ROWS, len(runs), same_rows=True) for them in runs], ratio),
        summed([_part(them, FALSE, NORMAL_ROWS, len(runs), same_rows=False) for them in runs], ratio),
        rows=sum(_mean(them, ROWS) for them in runs),
        normal_rows=round(float(np.mean([_mean(them, NORMAL_ROWS) for them in runs]))),
        validation_rows=round(float(np.mean([_mean(them, VALIDATION_ROWS) for them in runs]))),
        seeds=seeds,
    )


def _part(runs: Sequence[KeptRun], share: str, rows: str, of: int, same_rows: bool) -> Proportion:
    return Proportion([run.metrics[share] for run in runs], _mean(runs, rows), 1 / of, same_rows)


def _mean(runs: Sequence[KeptRun], name: str) -> int:
    return round(float(np.mean([run.metrics[name] for run in runs])))


def _order(row: UnseenRow) -> tuple[int, int, str]:
    """Families, single attacks, the mean; the ones with more rows first."""
    return (0 if row.unseen.family else 1 if row.unseen.attacks else 2), -row.rows, row.unseen.words


def _ranked(rows: Sequence[UnseenRow]) -> list[str]:
    """The methods by their mean share over the single attacks; without one, after those, by what they have."""
    methods = list(dict.fromkeys(row.method for row in rows))

    def key(method: str) -> tuple[bool, float]:
        mine = [row for row in rows if row.method == method]
        means = [row.found.mean for row in mine if row.unseen == MEAN]
        return not means, -float(np.mean(means or [row.found.mean for row in mine]))

    return sorted(methods, key=key)


SCHEMA = {
    "unseen": pl.String,
    "method": pl.String,
    "attack": pl.String,
    "taken_for": pl.String,
    "rows": pl.Int64,
    "share": pl.Float64,
}


def predicted_as(store: Store, methods: Mapping[str, Sequence[KeptRun]], folder: Path) -> pl.DataFrame:
    """Tabulate unseen, method, attack, taken_for, rows (of all seeds together), share (of the attack's rows).

    `methods` are the runs by their method's name; `folder` takes copies of their files. A run whose file cannot be read
    is left out; without any the table is empty.
    """
    tables = [
        table.select(pl.lit(unseen(run).words).alias("unseen"), pl.lit(name).alias("method"), *list(SCHEMA)[2:5])
        for name, runs in methods.items()
        for run in runs
        if (table := _of_run(store, run, folder)) is not None
    ]
    if not tables:
        return pl.DataFrame(schema=SCHEMA)
    whole = (
        pl.concat(tables)
        .group_by("unseen", "method", "attack", "taken_for", maintain_order=True)
        .agg(pl.col("rows").sum())
    )
    share = pl.col("rows") / pl.col("rows").sum().over("unseen", "method", "attack")
    order = ["unseen", "method", "attack", "rows", "taken_for"]
    return whole.with_columns(share.alias("share")).sort(order, descending=[False, False, False, True, False])


def _of_run(store: Store, run: KeptRun, folder: Path) -> pl.DataFrame | None:
    table = kept_table(store, run, "unseen.csv", folder, SCHEMA)
    return table if table is not None and set(list(SCHEMA)[2:5]) <= set(table.columns) else None


def found_of_each(table: pl.DataFrame, normal: str) -> dict[tuple[str, str], str]:
    """What was left out and the method, to the share found of each attack: `DDoS 98.10, DoS 40.20`, in percent."""
    found = table.group_by("unseen", "method", "attack", maintain_order=True).agg(
        pl.col("share").filter(pl.col("taken_for") != normal).sum()
    )
    texts: dict[tuple[str, str], list[str]] = {}
    for row in found.iter_rows(named=True):
        texts.setdefault((row["unseen"], row["method"]), []).append(f"{row['attack']} {100 * row['share']:.2f}")
    return {key: ", ".join(them) for key, them in texts.items()}
