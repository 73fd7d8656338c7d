"""A dataset whose names mean something to every format we write: from its training to a paper's table."""

import polars as pl
import pytest

import compare
import train
from conftest import Workplace, typed

TITLE = r"[/] $x_{$ \end{a} `b` | <i> & % # ^ ~ :smile:"
NORMAL, FLOOD, SCAN = "=1+1", r"-x $y_{$ [/] &lt; \q", "@SUM(A1)|%#~^{}"
LABEL = "which [/]"
DECLARATION = rf"""
name: mine
title: '{TITLE}'
about: made up
label: '{LABEL}'
columns:
  numeric: ["=pkts", "-rate [/]", 'size$^{{']
  categorical: ["+proto|`"]
  identifiers: [id]
  labels: ["ki$nd"]
labels:
  '{LABEL}':
    columns: ["ki$nd"]
    normal: '{NORMAL}'
    classes: {{'{NORMAL}': [Normal], '{FLOOD}': [Flood], '{SCAN}': [Scan]}}
"""


def test_hostile_names_are_shown_as_they_are_and_act_nowhere(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    flows = workplace.flows.read_text()
    header = flows.replace("proto,pkts,rate,size,kind", "+proto|`,=pkts,-rate [/],size$^{,ki$nd")
    workplace.flows.write_text(header)
    (workplace.folder / "my_conf" / "dataset" / "mine.yaml").write_text(DECLARATION)
    words = workplace.words("model=naive_bayes", "selector=pearson", "selector.k=3", "cache=off")
    assert typed(monkeypatch, train, *words) == 0
    assert f"{TITLE}, {LABEL}: naive_bayes" in " ".join(capfd.readouterr().out.split())
    (run,) = workplace.runs()
    for name in ("classification_report", "confusion_matrix", "selected_features"):
        first = pl.read_csv(workplace.artifacts(run) / f"{name}.csv").to_series()
        assert first[0].startswith("'="), name
    assert typed(monkeypatch, compare, f"run={run.info.run_id}", "folder=one") == 0
    assert typed(monkeypatch, compare, "replicates=20", "log=false", "folder=all") == 0
    said = capfd.readouterr().out
    assert FLOOD in said
    assert "found" in said  # the normal class is known by its label's name
    assert pl.read_csv("all/table.csv").columns.count(f"recall/{FLOOD}") == 1
