"""Grouped, temporal and unseen-attack splits through whole runs, whose record says which split was used."""

import json
import subprocess
from typing import Any

import polars as pl
import pytest

import train
from conftest import Workplace, typed, write_flows


def run(place: Workplace, patch: pytest.MonkeyPatch, *words: str) -> Any:
    assert typed(patch, train, *place.words("model=naive_bayes", *words)) == 0
    return place.runs()[0]


def test_another_networks_flows_are_the_test_rows(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write_flows(workplace.folder / "other.csv", rows=90, seed=1)
    words = ["+dataset@test_dataset=mine", f"test_dataset.path={other}", "test_dataset.title=Barn flows"]
    kept = run(workplace, monkeypatch, *words)
    summed = subprocess.run(["sha256sum", other], capture_output=True, text=True, check=True).stdout.split()[0]
    assert kept.data.tags["data.test_sha256"] == summed != kept.data.tags["data.sha256"]
    assert kept.data.params["test_dataset.name"] == "mine"
    assert kept.data.metrics["data/test_rows"] == 90
    assert kept.data.metrics["data/train_rows"] == 153
    cleaning = json.loads((workplace.artifacts(kept) / "cleaning.json").read_text())
    assert cleaning["test_dataset"]["rows_in"] == 90
    predictions = pl.read_parquet(workplace.artifacts(kept) / "predictions.parquet")
    assert predictions["label"].to_list() == pl.read_csv(other)["kind"].to_list()


def test_equal_flows_stay_together_and_keep_their_number(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = workplace.flows.read_text().splitlines()
    workplace.flows.write_text("\n".join([lines[0], *lines[1:] * 3]) + "\n")
    kept = run(workplace, monkeypatch, "split=grouped", "dataset.duplicates=keep")
    metrics = kept.data.metrics
    assert metrics["data/train_rows"] + metrics["data/validation_rows"] + metrics["data/test_rows"] == 3 * 240
    assert metrics["data/test_rows"] % 3 == 0
    assert metrics["audit/test_rows_seen_in_train"] == 0
    again = run(workplace, monkeypatch, "dataset.duplicates=keep")
    assert again.data.metrics["audit/test_rows_seen_in_train"] > 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["split=temporal"], "dataset=mine declares no time column"),
        (["split=grouped", "split.by=source"], "dataset=mine has no source column"),
        (["split=unseen_attack"], "split.attack=None has to be one of the attacks of dataset=mine"),
        (["split=unseen_attack", "split.attack=Scan", "+dataset@test_dataset=mine"], "ask two questions at once"),
        (["+dataset@test_dataset=mine"], "test_dataset=mine needs a path: test_dataset.path="),
        (["+dataset@test_dataset=mine", "scaler.before_split=true"], "is not possible with test_dataset"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_no_run(
    words: list[str],
    message: str,
    workplace: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed(monkeypatch, train, *workplace.words("model=naive_bayes", *words)) == 1
    assert message in capsys.readouterr().err
    assert not workplace.runs()
