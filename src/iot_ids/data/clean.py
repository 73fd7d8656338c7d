"""From files to clean, labelled flows, with every row accounted for (paper, step 2; `features` handles outliers)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.common.text import list_first
from iot_ids.data.checks import check, taxonomy
from iot_ids.data.files import first_rows, refuse_short
from iot_ids.data.label import CLASS, KIND, classes_of, classified, contradicting
from iot_ids.data.reading import layout, rejects
from iot_ids.data.reading.reader import ROW_ID, Rows, rows_of
from iot_ids.data.reading.rejects import DAMAGED, KEPT, NO_LABEL, NO_NUMBER, NOT_FINITE, REASON, REASONS, TEXT
from iot_ids.data.schema import Columns, Dataset, Duplicates

__all__ = ["ROW_ID", "Cleaned", "clean", "describe_losses", "take_rows", "typed", "without"]
OF_A_CLASS = (TEXT, NOT_FINITE, NO_NUMBER)
"""Reasons for leaving out a row that still has a readable label."""
MUCH = 0.1
"""Share of a class's rows above which its loss is reported."""
MOVED_AT_ONCE = 8
"""Columns moved from table to table at a time: few compared with a table's 40."""


@dataclass(frozen=True)
class Cleaned:
    """Clean flows, and an account of the other rows.

    `flows` has ROW_ID, FILE (the number of a row's file, from 0), CLASS, KIND on request, the features
    (numbers float32, null only under `dataset.missing_numbers=indicate`; names categorical, never null) and those
    identifiers that the files hold.
    `report` goes to `cleaning.json`: rows in = rows out + rows dropped for each reason. Rows in are the rows read: of a
    file under `only_first_rows_read` that many from its top, and no others.
    """

    flows: pl.DataFrame
    report: dict[str, Any]
    every: pl.DataFrame | None = None
    """`flows` and the duplicates that were left out, on request."""


def clean(
    files: Sequence[Path], dataset: Dataset, duplicates: Duplicates, kinds: str | None = None, history: bool = False
) -> Cleaned:
    """Read `files`, drop and count unusable rows, name each flow's class, leave out `duplicates`.

    A row is dropped, and counted under the first reason that applies, if it is a blank line, has too many or too few
    cells, text in a number column, a number that is not finite, a missing number (unless these are indicated), or a
    blank label. A blank that the taxonomy names is a label, and a label that is not learned may be blank. A missing
    name is a category of its own. `distinct` compares features and all label columns, `exact` all
    columns read; the first row stays. `kinds` names a label of the dataset, whose classes go into the column KIND.
    `history` asks for `every`.

    Raises:
        UserError: the declaration is inconsistent; a file cannot be read, or has fewer rows than are to be read of
            it; more than `dataset.unreadable_share` of the rows are ragged, hold text for numbers or are not finite; a
            label is in no class; nothing is left.
    """
    check(dataset)
    limits = first_rows(files, dataset)
    layouts = [layout.layout(file, dataset, limits.get(file)) for file in files]
    rows = rows_of(layouts, dataset)
    refuse_short(rows.heights, layouts)
    examples = rejects.examples(rows.odd, layouts, dataset)
    _refuse_damage(rows, examples, dataset, files)
    counts, heights = dict(rows.odd[REASON].value_counts().iter_rows()), rows.heights
    times = None if rows.time_format is None else _times(rows.time_format, dataset.columns)
    usable, odd = _classified(rows.usable, dataset, files, kinds), rows.odd
    del rows  # or its table would stay in memory beside the one without duplicates
    before = usable.height
    usable = _labelled(usable, files)
    counts[NO_LABEL], kept = before - usable.height, usable.height
    lost = _lost_by_class(odd, usable[CLASS], dataset)
    every = usable.drop(dataset.columns.labels) if history else None
    flows = _without_duplicates(usable, dataset.columns, duplicates)
    report = {
        "files": [str(file) for file in files],
        "only_first_rows_read": {str(file): count for file, count in limits.items()},
        "rows_in": sum(heights),
        "rows_out": flows.height,
        "dropped": {name: counts.get(code, 0) for code, name in enumerate(REASONS) if code != KEPT}
        | {"duplicate": kept - flows.height},
        "duplicates": duplicates.value,
        "lost_by_class": lost,
        "examples": examples,
        "contradicting_labels": _contradicting_labels(flows, heights, layouts, dataset),
        "times": times,
        "columns_not_used": sorted(
            {name for part in layouts for name in part.names} - set(layout.declared(dataset.columns))
        ),
        "classes": dict(flows[CLASS].value_counts(sort=True).iter_rows()),
    }
    return Cleaned(flows.drop(dataset.columns.labels), report, every)


def without(report: dict[str, Any], reason: str, rows: int, *left: pl.DataFrame) -> dict[str, Any]:
    """Return `report` after `rows` more rows were left out and those of `left` remain; unchanged if `rows` is 0."""
    if not rows:
        return report
    dropped = report["dropped"] | {reason: rows}
    classes = dict(pl.concat([part[CLASS] for part in left]).value_counts(sort=True).iter_rows())
    return report | {"rows_out": report["rows_out"] - rows, "dropped": dropped, "classes": classes}


def typed(frame: pl.LazyFrame, columns: Columns, missing: Sequence[str]) -> pl.LazyFrame:
    """Return `frame` with its feature columns as declared: numbers float32 (null if missing), names text.

    Text for a number is NaN. An identifier among the numbers (`dataset.identifiers=allow`) stays float64 here, and is
    -1 if missing.
    """
    stored = frame.collect_schema()
    numbers = {name: _number(name, stored[name], columns, missing) for name in columns.numeric}
    return frame.with_columns(
        **numbers, **{name: layout.category(layout.text(name, missing)) for name in columns.categorical}
    )


def describe_losses(report: Mapping[str, Any]) -> list[str]:
    """Describe the loss of each class that lost more than a tenth of its rows; `report` is from `clean`."""
    return [_loss(name, lost) for name, lost in report["lost_by_class"].items() if _share(lost) > MUCH]


def take_rows(table: pl.DataFrame, *parts: pl.Series | NDArray[np.int64]) -> list[pl.DataFrame]:
    """Return the rows at each of `parts`, which are positions in `table`. `table` is left without columns."""
    places = [pl.Series(part, dtype=pl.get_index_type()) for part in parts]
    found: list[list[pl.DataFrame]] = [[] for _ in parts]
    names = table.columns
    for start in range(0, len(names), MOVED_AT_ONCE):
        some = pl.DataFrame([table.drop_in_place(name) for name in names[start : start + MOVED_AT_ONCE]])
        for frames, rows in zip(found, places, strict=True):
            frames.append(some[rows])
    return [pl.concat(frames, how="horizontal") for frames in found]


def first_of_equals(rows: pl.DataFrame) -> pl.Series:
    """Mark rows that equal no earlier row (-0.0 equals 0.0, NaN equals NaN, and null null).

    Rows with equal hashes are compared value by value, so that a collision, once in millions of files, does no harm.
    """
    hashes = rows.hash_rows().alias("hash")
    first = hashes.is_first_distinct()
    repeated, original = (~first).arg_true(), first.arg_true()
    known = pl.DataFrame({"hash": hashes.gather(original), "row": original})
    earlier = hashes.gather(repeated).to_frame().join(known, on="hash", how="left", maintain_order="left")["row"]
    if all(column.gather(repeated).eq_missing(column.gather(earlier)).all() for column in rows.iter_columns()):
        return first
    places = rows.with_row_index("__place").unique(subset=rows.columns, keep="first", maintain_order=True)["__place"]
    return pl.Series(range(rows.height), dtype=places.dtype).is_in(places.implode())


def _number(name: str, stored: pl.DataType, columns: Columns, missing: Sequence[str]) -> pl.Expr:
    cell = layout.text(name, missing)
    if stored.is_numeric():
        value = pl.col(name).cast(pl.Float64)
    else:
        number = layout.port(cell) if name in columns.ports else layout.number(cell)
        value = pl.when(number.is_null() & cell.is_not_null()).then(float("nan")).otherwise(number)
    return layout.identifier(value) if name in columns.identifiers else layout.float32(value)


def _refuse_damage(rows: Rows, examples: Sequence[str], dataset: Dataset, files: Sequence[Path]) -> None:
    names = list_first(files, 3)
    if not rows.height:
        raise UserError(f"{names}: no rows below the header; get the file again, or leave it out of dataset.path")
    damaged = rows.odd[REASON].is_in(DAMAGED).sum()
    if damaged / rows.height > dataset.unreadable_share:
        raise UserError(
            f"{names}: {damaged:,} of {rows.height:,} rows cannot be read, more than dataset.unreadable_share="
            f"{dataset.unreadable_share} allows; fix them, or raise it to leave them out. The first:\n  "
            + "\n  ".join(examples)
        )
    if rows.usable.is_empty():
        counts = ", ".join(
            f"{REASONS[code]}: {count:,}" for code, count in rows.odd[REASON].value_counts(sort=True).iter_rows()
        )
        raise UserError(
            f"{names}: none of {rows.height:,} rows can be used ({counts}); is dataset={dataset.name} the right one?"
        )


def _times(form: str, columns: Columns) -> dict[str, Any]:
    return {"column": columns.time, "format": form, "guessed": columns.time_format is None}


def _classified(flows: pl.DataFrame, dataset: Dataset, files: Sequence[Path], kinds: str | None) -> pl.DataFrame:
    try:
        named = classified(flows, dataset)
        return named if kinds is None else classified(named, dataset, kinds, KIND)
    except UserError as error:
        raise UserError(f"{list_first(files, 3)}: {error}") from error


def _labelled(flows: pl.DataFrame, files: Sequence[Path]) -> pl.DataFrame:
    """Return the rows that have a class, and a KIND if it was requested. `flows` is left without columns."""
    classes = [name for name in (CLASS, KIND) if name in flows.columns]
    if not any(flows[name].null_count() for name in classes):
        return flows
    there = flows.select(pl.all_horizontal(pl.col(name).is_not_null() for name in classes)).to_series()
    if not there.any():
        raise UserError(
            f"{list_first(files, 3)}: none of {len(there):,} rows has a label; is it the right dataset.label? A class "
            'that is written as a blank has "" among its values (dataset.labels)'
        )
    return take_rows(flows, there.arg_true())[0]


def _contradicting_labels(
    flows: pl.DataFrame, heights: Sequence[int], layouts: Sequence[layout.Layout], dataset: Dataset
) -> dict[str, Any]:
    """Count the remaining flows that are normal by one label and an attack by another, and show the first."""
    found, said = contradicting(flows, dataset)
    first = found.head(len(said)).select(layout.FILE, ROW_ID)
    examples = [
        f"{layouts[file].file}:{row_id - sum(heights[:file]) + layouts[file].header_lines + 1}: {what}"
        for (file, row_id), what in zip(first.iter_rows(), said, strict=True)
    ]
    return {"rows": found.height, "examples": examples}


def _without_duplicates(flows: pl.DataFrame, columns: Columns, duplicates: Duplicates) -> pl.DataFrame:
    """Return the first of equal rows. `flows` is left without columns."""
    if duplicates is Duplicates.keep:
        return flows
    features = [*columns.numeric, *columns.categorical, *columns.labels]
    read_columns = [name for name in flows.columns if name not in (ROW_ID, layout.FILE)]
    first = first_of_equals(flows[features if duplicates is Duplicates.distinct else read_columns])
    return flows if first.all() else take_rows(flows, first.arg_true())[0]


def _lost_by_class(odd: pl.DataFrame, kept: pl.Series, dataset: Dataset) -> dict[str, dict[str, Any]]:
    """Return, for each class that lost rows, how many it had and how many it lost for each reason, worst first.

    Duplicates are not a loss. Rows with a label that no class names are not counted.

    Args:
        odd: the rows left out, with REASON and the labels.
        kept: the classes of the other rows, duplicates included.
        dataset: defines the labels.
    """
    if odd.is_empty():
        return {}
    rows = odd.with_columns(classes_of(odd, taxonomy(dataset)).alias(CLASS))
    rows = rows.filter(pl.col(CLASS).is_not_null() & pl.col(REASON).is_in(OF_A_CLASS))
    left = dict(kept.value_counts().iter_rows())
    found: dict[str, dict[str, Any]] = {}
    for name, code, count in rows.group_by(CLASS, REASON).len().sort(CLASS, REASON).iter_rows():
        of_class = found.setdefault(name, {"rows": left.get(name, 0), "lost": {}})
        of_class["rows"] += count
        of_class["lost"][REASONS[code]] = count
    return dict(sorted(found.items(), key=lambda item: -_share(item[1])))


def _share(of_class: Mapping[str, Any]) -> float:
    return float(sum(of_class["lost"].values()) / of_class["rows"])


def _loss(name: str, of_class: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in of_class["lost"].items())
    said = (
        f"Cleaning left out {sum(of_class['lost'].values()):,} of {of_class['rows']:,} rows of {name} "
        f"({_share(of_class):.0%}: {reasons}): results for {name} describe only the rows that remain."
    )
    keeps = REASONS[NO_NUMBER] in of_class["lost"]
    return said + " dataset.missing_numbers=indicate keeps rows without a number." * keeps
