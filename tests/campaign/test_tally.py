"""What is counted, and what the page says of it."""

from pathlib import Path
from random import Random

import pytest

from . import page
from .__main__ import settings
from .page import Section
from .tally import KINDS, Attack, Fault, Tally, added, pursue


def half_lost(draw: Random) -> list[Fault]:
    return [("lost", f"{draw.random()}")] if draw.random() < 0.5 else []


HALF = Attack("half", 100, half_lost)


def test_every_attempt_with_a_fault_is_counted() -> None:
    tally = pursue(Attack("all", 3, lambda _: [("lost", "one"), ("lost", "two"), ("silent", "three")]), 0, range(3))
    assert (tally.tried, tally.faults["lost"], tally.faults["silent"], tally.faults["doubled"]) == (3, 3, 3, 0)


def test_equal_seeds_make_equal_attempts() -> None:
    assert pursue(HALF, 1, range(20)).examples == pursue(HALF, 1, range(20)).examples
    assert pursue(HALF, 1, range(20)).examples != pursue(HALF, 2, range(20)).examples


def test_chunks_add_up_to_the_whole() -> None:
    whole, parts = pursue(HALF, 0, range(20)), (pursue(HALF, 0, range(7)), pursue(HALF, 0, range(7, 20)))
    both = added(*parts)
    assert (both.tried, both.faults, both.examples) == (whole.tried, whole.faults, whole.examples)


def test_the_time_ends_the_attempts() -> None:
    assert pursue(HALF, 0, range(10_000), seconds=0).tried < 10


def section(tally: Tally) -> Section:
    return Section("2026-01-02 03:04", "abc1234", 7, "a machine", "make campaign seed=7", tally)


def test_the_table_stands_between_the_marks_and_counts_what_was_found(tmp_path: Path) -> None:
    text = tmp_path / "page.md"
    text.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    tally = Tally("files", 10_000, 2_000, dict.fromkeys(KINDS, 0) | {"silent": 3})
    page.write({"files": section(tally)}, tmp_path / "kept.json", text)
    assert "| files | 2,000 | 10,000 | 0 | 0 | 0 | **3** | 0 | 0 | 0 |" in text.read_text()
    assert "commit abc1234, seed 7: `make campaign seed=7`" in text.read_text()
    assert text.read_text().startswith("before\n")
    assert text.read_text().endswith("after\n")
    assert "old" not in text.read_text()
    assert page.read(tmp_path / "kept.json") == {"files": section(tally)}


def test_the_shipped_page_has_its_marks_and_the_kept_numbers() -> None:
    text = page.PAGE.read_text()
    assert f"{page.BEGIN}\n{page.table(page.read())}{page.END}" in text if page.FILE.exists() else page.BEGIN in text


def test_words_are_hours_seed_and_subjects() -> None:
    assert settings(["hours=2", "seed=3", "only=files,kills"]) == (2.0, 3, ["files", "kills"])


@pytest.mark.parametrize("word", ["hours=many", "only=nothing", "minutes=3", "hours=-1"])
def test_a_word_that_means_nothing_is_refused(word: str) -> None:
    with pytest.raises(SystemExit, match=word.partition("=")[2]):
        settings([word])
