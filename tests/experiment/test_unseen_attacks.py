"""Attacks left out of training, through whole runs: what is reported, and what is refused before training."""

import random
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

import train
from conftest import Workplace, make_workplace, typed
from iot_ids.experiment.unseen_attacks import REPEATED
from iot_ids.metrics.intervals import wilson

ROWS = {"Normal": 400, "Flood": 90, "Scan": 70}
CENTRES = {"Normal": 10, "Flood": 60, "Scan": 10}
"""Scans look like normal traffic; floods like nothing else."""

TWO = """\
  two:
    columns: [kind]
    normal: Normal
    classes: {Normal: [Normal], Attack: [Flood, Scan]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Make two runs: without scans in training, under three classes; without floods, under two."""
    draw = random.Random(0)
    with pytest.MonkeyPatch.context() as patch:
        workplace = make_workplace(tmp_path_factory.mktemp("unseen"), patch)
        lines = ["id,proto,pkts,rate,size,kind"]
        for kind, rows in ROWS.items():
            for row in range(rows):
                numbers = ",".join(f"{draw.gauss(CENTRES[kind], 4):.4f}" for _ in range(2))
                lines.append(f"{kind}{row},tcp,{numbers},{draw.random():.5f},{kind}")
        workplace.flows.write_text("\n".join(lines) + "\n")
        with (workplace.folder / "my_conf" / "dataset" / "mine.yaml").open("a") as yaml:
            yaml.write(TWO)
        for words in (
            ("split.attack=Scan", "dataset.label=category", "evaluate.false_positive_rate=0.05"),
            ("split.attack=[Scan]", "dataset.label=two", "evaluate.false_positive_rate=0.05"),
        ):
            words = ("split=unseen_attack", "model=naive_bayes", *words)
            assert typed(patch, train, *workplace.words(*words)) == 0
        yield workplace


@pytest.fixture(scope="module")
def by_category(place: Workplace) -> Any:
    return place.runs()[1]


@pytest.fixture(scope="module")
def by_two(place: Workplace) -> Any:
    return place.runs()[0]


@pytest.mark.parametrize("name", ["by_category", "by_two"])
def test_an_attack_that_looks_normal_is_reported_as_missed(name: str, request: pytest.FixtureRequest) -> None:
    metrics = request.getfixturevalue(name).data.metrics
    rate, rows = metrics["unseen/detection_rate"], int(metrics["unseen/rows"])
    assert rows == ROWS["Scan"]
    assert rate < 0.15
    low, high = wilson(round(rate * rows), rows)
    assert (metrics["unseen/detection_rate_low"], metrics["unseen/detection_rate_high"]) == pytest.approx((low, high))


def test_what_it_was_taken_for_adds_up_to_its_rows(by_category: Any, place: Workplace) -> None:
    table = pl.read_csv(place.artifacts(by_category) / "unseen.csv")
    assert table["attack"].unique().to_list() == ["Scan"]
    assert dict(table.select("taken_for", "rows").rows())["Normal"] > 0.85 * ROWS["Scan"]
    assert table["rows"].sum() == ROWS["Scan"]
    assert table["share"].sum() == pytest.approx(1)
    missed = table.filter(pl.col("taken_for") == "Normal")["share"].item()
    assert by_category.data.metrics["unseen/detection_rate"] == pytest.approx(1 - missed)


def test_the_other_metrics_are_those_of_the_known_classes(by_category: Any, by_two: Any, place: Workplace) -> None:
    for run in (by_category, by_two):
        assert run.data.metrics["data/test_rows"] == 80 + 18
        assert run.data.metrics["unseen/test_normal_rows"] == 80
        assert run.data.metrics["unseen/validation_normal_rows"] == 96
        assert run.data.metrics["test/detection_rate"] == 1.0
    assert "test/recall/Scan" not in by_category.data.metrics
    assert set(pl.read_parquet(place.artifacts(by_category) / "predictions.parquet")["label"]) == {"Normal", "Flood"}


def test_the_threshold_and_what_became_of_its_rate_are_the_operating_points(by_category: Any) -> None:
    metrics = by_category.data.metrics
    for name in REPEATED:
        assert metrics[f"unseen/{name}"] == metrics[f"operating/{name}"]


def test_the_predictions_of_the_attack_give_the_rate(by_two: Any, place: Workplace) -> None:
    kept = pl.read_parquet(place.artifacts(by_two) / "unseen_predictions.parquet")
    attack, normal = (kept[f"probability/{name}"].cast(pl.Float64) for name in ("Attack", "Normal"))
    score = attack.log() - normal.log()
    share = (score > by_two.data.metrics["unseen/threshold"]).mean()
    assert share == pytest.approx(by_two.data.metrics["unseen/detection_rate"])
    assert kept["attack"].unique().to_list() == ["Scan"]


def test_equal_seeds_draw_equal_test_rows_whatever_is_learned(by_category: Any, by_two: Any, place: Workplace) -> None:
    first, second = (
        pl.read_parquet(place.artifacts(run) / "predictions.parquet")["row_id"] for run in (by_category, by_two)
    )
    assert first.equals(second)


def test_a_rate_that_validation_cannot_tell_is_refused_before_training(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("split=unseen_attack", "split.attack=Scan", "model=naive_bayes", "evaluate.false_positive_rate=0.01")
    monkeypatch.chdir(place.folder)
    before = len(place.runs())
    assert typed(monkeypatch, train, *place.words(*words)) == 1
    assert "needs 100 normal validation rows, there are 96" in capsys.readouterr().err
    assert len(place.runs()) == before
