"""`dataset.identifiers=allow`: identifiers that give the class away become features, and are reported."""

import json
import random

import mlflow
import numpy as np
import polars as pl
import pytest

import compare
import train
from conftest import Workplace, typed
from experiment.test_leaks import composed, mine, row_ids
from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import CLASS
from iot_ids.experiment import steps
from iot_ids.experiment.state import Prepared

LEAKY = """\
name: leaky
title: A leaking recording
columns:
  numeric: [pkts, rate]
  identifiers: [id, saddr, sport, absent]
  ports: [sport]
  labels: [kind]
labels:
  category:
    columns: [kind]
    normal: Normal
    classes: {Normal: [Normal], Flood: [Flood]}
"""


def leaky(place: Workplace, rows: int = 600) -> list[str]:
    """Write noise whose sender and port give the class away, every fifth row without a port; return the words."""
    (place.folder / "my_conf" / "dataset" / "leaky.yaml").write_text(LEAKY)
    draw = random.Random(0)
    lines = ["id,saddr,sport,pkts,rate,kind"]
    for row in range(rows):
        kind = draw.choice(["Normal", "Flood"])
        sport = "" if row % 5 == 0 else {"Normal": "0x0050", "Flood": "443"}[kind]
        saddr = {"Normal": "10.0.0.1", "Flood": "10.0.0.2"}[kind]
        lines.append(f"{row},{saddr},{sport},{draw.gauss(0, 1):.5f},{draw.gauss(0, 1):.5f},{kind}")
    (place.folder / "leaky.csv").write_text("\n".join(lines) + "\n")
    return ["dataset=leaky", f"dataset.path={place.folder}/leaky.csv", "model=decision_tree"]


def prepared_leaky(place: Workplace, *overrides: str) -> Prepared:
    return steps.prepare(composed(*leaky(place), "cache=off", *overrides, conf=str(place.folder / "my_conf")))


def test_numbers_become_numeric_and_texts_categories(workplace: Workplace) -> None:
    names = prepared_leaky(workplace, "dataset.identifiers=allow").features.pipeline.names
    assert names == ["pkts", "rate", "id", "sport", "saddr=10.0.0.1", "saddr=10.0.0.2"]
    assert prepared_leaky(workplace).features.pipeline.names == ["pkts", "rate"]


def test_the_rows_are_those_of_the_clean_protocol(workplace: Workplace) -> None:
    clean, allowed = (prepared_leaky(workplace, f"dataset.identifiers={word}") for word in ("forbid", "allow"))
    assert row_ids(allowed) == row_ids(clean)
    assert allowed.loaded.cleaning["rows_out"] == 600


def test_ports_are_numbers_and_missing_ones_minus_one(workplace: Workplace) -> None:
    loaded = prepared_leaky(workplace, "dataset.identifiers=allow").loaded
    for flows in (loaded.train, loaded.validation, loaded.read_test().flows):
        kinds = {"Normal": 80.0, "Flood": 443.0}
        expected = [-1.0 if row % 5 == 0 else kinds[kind] for row, kind in flows[ROW_ID, CLASS].iter_rows()]
        assert flows["sport"].to_list() == expected


def test_an_official_test_file_may_hold_identifiers_otherwise_or_not_at_all(workplace: Workplace) -> None:
    words = leaky(workplace)
    rows = ["saddr,id,pkts,rate,kind", ",one,0.1,0.2,Normal", "7.0,,0.1,0.2,Flood"]
    (workplace.folder / "test.csv").write_text("\n".join(rows) + "\n")
    words += ["split=official", f"dataset.test_path={workplace.folder}/test.csv", "dataset.identifiers=allow"]
    prepared = steps.prepare(composed(*words, "cache=off", conf=str(workplace.folder / "my_conf")))
    flows = prepared.loaded.read_test().flows
    assert flows["id", "sport", "saddr"].rows() == [(-1.0, -1.0, "missing"), (-1.0, -1.0, "7")]
    assert np.isfinite(prepared.features.pipeline.transform(flows)).all()


def test_large_identifiers_keep_their_order(workplace: Workplace) -> None:
    words = leaky(workplace)
    flows = pl.read_csv(workplace.folder / "leaky.csv")
    flows.with_columns(id=1.5e9 + pl.int_range(flows.height)).write_csv(workplace.folder / "leaky.csv")
    words += ["cache=off", "dataset.identifiers=allow"]
    train = steps.prepare(composed(*words, conf=str(workplace.folder / "my_conf"))).loaded.train
    assert train["id"].to_list() == [1.5e9 + row for row in train[ROW_ID]]


def test_a_dataset_without_identifiers_has_none_to_allow(workplace: Workplace) -> None:
    pl.read_csv(workplace.flows).drop("id").write_csv(workplace.flows)
    with pytest.raises(UserError, match="identifiers=allow: dataset=mine has no identifiers in these files"):
        steps.prepare(mine(workplace, "dataset.identifiers=allow"))


@pytest.mark.slow
def test_a_leaking_identifier_is_named_and_inflates_the_score_where_it_is_allowed(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = workplace.words(*leaky(workplace), "seed=0")
    assert typed(monkeypatch, train, *words) == 0
    assert typed(monkeypatch, train, *words, "+shortcut=identifiers") == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "audit: This run has identifiers used as features, to show what they inflate; its scores are not" in said
    allowed, clean = workplace.runs()
    assert clean.data.metrics["test/accuracy"] < 0.65
    assert allowed.data.metrics["test/accuracy"] == 1.0
    assert allowed.data.metrics["data/test_rows"] == clean.data.metrics["data/test_rows"] == 120
    assert (allowed.data.tags["protocol"], clean.data.tags["protocol"]) == ("identifiers", "clean")
    told = {run: json.loads((workplace.artifacts(run) / "audit.json").read_text()) for run in (clean, allowed)}
    assert [found["flagged"] for found in told.values()] == [["saddr"], ["saddr"]]
    assert [found["identifier_f1"]["saddr"] for found in told.values()] == [1.0, 1.0]
    assert "saddr alone reaches macro-F1 1.00: it gives the class away. It is not a feature" in str(told[clean])
    assert "saddr alone reaches macro-F1 1.00: it gives the class away. dataset.identifiers=allow" in str(told[allowed])
    served = mlflow.pyfunc.load_model(workplace.artifacts(allowed) / "model")
    raw = pl.read_csv(workplace.folder / "leaky.csv", infer_schema=False)
    answers = served.predict(raw.to_pandas()).idxmax(axis=1)
    assert answers.to_list() == raw["kind"].to_list()
    assert typed(monkeypatch, compare, "report=shortcuts", "log=false") == 0
    report = " ".join(capfd.readouterr().out.split())
    assert "that of identifiers: +" in report
    assert "Not one of the paper's shortcuts" in report


def test_a_kept_detector_reads_raw_ports(workplace: Workplace) -> None:
    prepared = prepared_leaky(workplace, "dataset.identifiers=allow", "selector=pearson", "selector.k=4")
    fitted = steps.fit(prepared, lambda *_: None)
    assert "sport" in prepared.features.pipeline.names
    ports = {"0x01bb": 443, "443.0": 443, "443": 443, "0x0050": 80, "": -1, None: -1, "-1": -1}
    rows = pl.DataFrame({"id": "x", "saddr": "10.0.0.2", "sport": list(ports), "pkts": "0.1", "rate": "0.2"})
    read = fitted.detector.typed(rows)
    assert read["sport"].to_list() == list(ports.values())
    numbers = rows.with_columns(pl.Series("sport", list(ports.values())), id=pl.lit(None, pl.Float64))
    assert np.array_equal(fitted.detector.probabilities(rows), fitted.detector.probabilities(numbers))
    assert np.isfinite(fitted.detector.probabilities(rows)).all()
