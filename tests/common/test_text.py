"""What users named is printed as they wrote it, whatever rich or COLUMNS would make of it."""

from collections.abc import Iterable

import pytest
from rich.table import Table

from iot_ids.common.text import FEWEST_COLUMNS, list_first, plain_console
from iot_ids.comparison.render import console as shown
from iot_ids.experiment import console as terminal

HOSTILE = "[/] [bold]x[/bold] :bug: [link=http://a]"


@pytest.mark.parametrize("columns", ["0", "-5", "wide", "", "²", "1"])
def test_a_width_that_no_line_fits_into_is_not_heeded(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    console = plain_console()
    assert console.width >= FEWEST_COLUMNS
    console.print("thirty flows")
    assert capsys.readouterr().out == "thirty flows\n"


def test_columns_that_mean_something_are_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "57")
    assert plain_console().width == 57


def test_brackets_and_colons_are_text_in_lines_and_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    for console in (terminal.console, shown.terminal()):
        table = Table(HOSTILE, title=HOSTILE)
        table.add_row(HOSTILE)
        console.print(table)
        console.print(HOSTILE)
        assert capsys.readouterr().out.count(HOSTILE) == 4


def test_brackets_are_text_beside_a_bar_and_a_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr(terminal.console, "_force_terminal", True)
    with terminal.console.capture(), terminal.working(HOSTILE):
        pass
    with (
        terminal.console.capture(),
        terminal.training(HOSTILE, 1, lambda epoch, metrics: heard.append(epoch)) as report,
    ):
        report(0, {"val/f1_macro": 0.5})
    assert heard == [0]  # rich raises an error for a bracket that closes nothing


@pytest.mark.parametrize(
    ("items", "said"),
    [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more"), (range(9), "0, 1, 2 and 6 more")],
)
def test_the_first_are_listed_and_the_others_counted(items: Iterable[object], said: str) -> None:
    assert list_first(items, 3) == said
