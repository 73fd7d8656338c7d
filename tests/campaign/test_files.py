"""A part of the campaign's files, and faults planted in the reader: each is counted, as what it is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID, Cleaned, clean
from iot_ids.serving import scoring

from .files import attacks, judged, scored_of, text_of
from .forms import TEXTS
from .tally import Attack, pursue

KINDS = (*TEXTS, "gzip", "first rows", "Parquet", "Parquet scored", "text scored")
"""The attacks, in their order; to make them, configurations are composed, which a collection need not wait for."""
Spoilt = Callable[[Cleaned], Cleaned]


@pytest.mark.parametrize("index", range(len(KINDS)), ids=KINDS)
def test_no_row_is_lost_and_none_misread(index: int, tmp_path: Path) -> None:
    every = attacks(tmp_path)
    assert len(every) == len(KINDS)
    tally = pursue(every[index], 0, range(15))
    assert not sum(tally.faults.values()), "\n".join(tally.examples)


def spoilt(spoil: Spoilt, kind: str, folder: Path) -> int:
    """How many faults of the kind are counted where `spoil` changes what the reader says."""
    attempt = text_of("ton_iot", folder, read=lambda *words: spoil(clean(*words)))
    return pursue(Attack("planted", 20, attempt), 0, range(20)).faults[kind]


def without_first(cleaned: Cleaned) -> Cleaned:
    height = cleaned.flows.height - 1
    return replace(cleaned, flows=cleaned.flows[1:], report=cleaned.report | {"rows_out": height})


def two_lines_as_one(cleaned: Cleaned) -> Cleaned:
    less = {name: cleaned.report[name] - 1 for name in ("rows_in", "rows_out")}
    return replace(cleaned, flows=cleaned.flows[:-1], report=cleaned.report | less)


def first_twice(cleaned: Cleaned) -> Cleaned:
    return replace(cleaned, flows=pl.concat([cleaned.flows[:1], cleaned.flows]))


def shifted(cleaned: Cleaned) -> Cleaned:
    return replace(cleaned, flows=cleaned.flows.with_columns(pl.col(ROW_ID).reverse()))


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [(without_first, "lost"), (two_lines_as_one, "lost"), (first_twice, "doubled"), (shifted, "silent")],
)
def test_a_fault_planted_in_the_reader_is_counted(spoil: Spoilt, kind: str, tmp_path: Path) -> None:
    assert spoilt(spoil, kind, tmp_path) > 5


def test_a_fault_planted_in_the_scorer_is_counted(tmp_path: Path) -> None:
    def score(detector: Any, layouts: Any, out: Path) -> None:
        scoring.score(detector, layouts, out)
        pl.read_parquet(out)[:-1].write_parquet(out)

    tally = pursue(Attack("planted", 8, scored_of(tmp_path, score=score)), 0, range(8))
    assert tally.faults["lost"] > 2


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> None:
        raise error

    return act


class PanicException(BaseException):  # as Polars calls it
    pass


@pytest.mark.parametrize("error", [ValueError("x"), PanicException("x"), UserError("a mistake of somebody's")])
def test_whatever_is_raised_is_counted_but_a_message_that_names_the_file(error: BaseException) -> None:
    assert [kind for kind, _ in judged(Path("flows.csv"), raising(error))] == ["traceback"]
    assert judged(Path("flows.csv"), raising(UserError("flows.csv:3: is wrong"))) == []
