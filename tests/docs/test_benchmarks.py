"""The page of the benchmarks, written from stored figures, each beside its baseline."""

from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as command
from benchmarks import kept, page, plot
from benchmarks.figure import Figure
from benchmarks.kept import Section

TIMES = st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0.1, 1e6)), min_size=1, max_size=7)


def figure(ours: list[float], theirs: list[float], more_is_better: bool = True) -> Figure:
    return Figure("training", "rows/s", ours, "the other", theirs, more_is_better, least=1.5)


def section(*figures: Figure, when: str = "2026-01-02 03:04") -> Section:
    return Section(when, "a machine", "Python 3", ["Something is not installed."], list(figures))


@given(pairs=TIMES)
def test_the_ratio_is_the_median_of_the_rounds(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    assert figure(ours, theirs).ratio == median(a / b for a, b in pairs)
    assert figure(ours, theirs, more_is_better=False).ratio == median(b / a for a, b in pairs)


def test_kept_figures_come_back(tmp_path: Path) -> None:
    sections = {"training": section(figure([3.0, 4.0], [1.0, 2.0]))}
    kept.write(sections, tmp_path / "kept.json")
    assert kept.read(tmp_path / "kept.json") == sections


def test_without_kept_figures_there_is_no_section(tmp_path: Path) -> None:
    assert kept.read(tmp_path / "kept.json") == {}


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,230,000"), (98.76, "98.8"), (0.01234, "0.0123"), (5.0, "5"), (100.0, "100")]
)
def test_amounts_have_three_digits_that_count(value: float, text: str) -> None:
    assert page.amount(value) == text


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace docs/ by a temporary folder, and the subjects by two that measure nothing."""

    class Subject:
        __doc__ = "Speed of nothing.\n\nHow it is timed."

        def __init__(self, ours: float) -> None:
            self.ours = ours

        def measure(self, rounds: int) -> list[Figure]:
            return [figure([self.ours] * rounds, [2.0] * rounds)]

    (tmp_path / "images").mkdir()
    monkeypatch.setattr(page, "FILE", tmp_path / "page.md")
    monkeypatch.setattr(plot, "FILE", tmp_path / "images" / "plot.png")
    monkeypatch.setattr(command, "subjects", lambda: {"one": Subject(6.0), "other": Subject(8.0)})
    monkeypatch.setattr(command, "read", lambda: kept.read(tmp_path / "kept.json"))
    monkeypatch.setattr(command, "write", lambda sections: kept.write(sections, tmp_path / "kept.json"))
    return tmp_path


def test_the_page_has_every_subject_with_its_ratio(place: Path) -> None:
    command.main(["rounds=3"])
    text = (place / "page.md").read_text()
    assert text.count("## Speed of nothing\n\nHow it is timed.") == 2
    assert "| training | 6 rows/s | the other: 2 rows/s | **3.00** [3.00, 3.00] | 1.5 x |  |" in text
    assert "**4.00**" in text
    assert "3 rounds" in text
    assert (place / "images" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_one_subject_leaves_the_others_on_the_page(place: Path) -> None:
    command.main(["rounds=3"])
    command.main(["other", "rounds=2"])
    text = (place / "page.md").read_text()
    assert "3 rounds" in text
    assert "2 rounds" in text
    assert "**3.00**" in text


@pytest.mark.parametrize("word", ["nothing", "rounds=0", "rounds=few"])
def test_a_word_that_means_nothing_is_refused(place: Path, word: str) -> None:
    with pytest.raises(SystemExit, match=word):
        command.main([word])


def test_what_is_missing_stands_on_the_page(place: Path) -> None:
    page.write({"one": section()}, {"one": "Title.\n\nText."})
    assert "Something is not installed." in (place / "page.md").read_text()


def test_the_shipped_subjects_are_found() -> None:
    assert {"training", "startup"} <= set(command.subjects())
