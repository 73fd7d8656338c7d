"""Exported detectors that the tests of the runtime share."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier

from iot_ids.data.schema import Columns, Format
from iot_ids.features.pipeline import fit
from iot_ids.features.scalers import Midrank
from iot_ids.metrics.operating_point import operating_point
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.adapter import Classical
from iot_ids.serving.detector import Detector
from iot_ids.serving.export import export

COLUMNS = Columns(numeric=["bytes", "port"], categorical=["proto"], identifiers=["port"], ports=["port"])
RAW = [
    "bytes,port,proto,note",
    "12.5,80,tcp,x",
    "1e3,0x0016,udp,x",
    "-,80,tcp,missing number",
    "7,,icmp,no port",
    "text,80,tcp,text for a number",
    "1,2",
    "9,53.0,2.0,a code",
    "nan,53,tcp,x",
    '10,443,"tcp",quoted',
    "1_0,5,tcp,x",
    " 3 ,80, udp ,blanks",
    "inf,1,tcp,x",
    "4,0xzz,tcp,no hexadecimal",
    "5,-1,-,both missing",
]


def flows(rows: int = 500, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "bytes": random.exponential(50, rows).astype(np.float32),
            "port": random.choice([80.0, 22.0, -1.0, 443.0], rows),
            "proto": random.choice(["tcp", "udp", "missing", "2"], rows),
        }
    )


def detector(seed: int = 0, columns: Columns = COLUMNS) -> Detector:
    """A tree that knows normal flows from attacks, with a threshold at 10 % false alarms."""
    train = flows(seed=seed)
    y = ((train["bytes"] > 40) ^ (train["proto"] == "udp")).cast(pl.Int64).to_numpy()
    fitted = fit(train, y, columns.numeric, columns.categorical, None, None, None, Midrank())
    model = Classical(DecisionTreeClassifier(max_depth=3))
    model.learn(Table(fitted.pipeline.transform(train), y), 0)
    before = Detector(columns, ["", "-"], ["normal", "attack"], fitted.pipeline, model, 0.8, None, 0.0, Format(), 0)
    scores = before.attack_scores(before.probabilities(train.filter(pl.Series(y == 0))))
    assert scores is not None
    point = operating_point(scores, 0.1)
    return Detector(columns, ["", "-"], before.classes, fitted.pipeline, model, 0.8, None, 0.0, Format(), 0, point)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a kept detector."""
    folder = tmp_path_factory.mktemp("kept") / "model"
    detector().save(folder, flows(seed=1))
    return folder


@pytest.fixture(scope="session")
def exported(model: Path) -> Path:
    """Its ONNX file, with everything beside it."""
    out = model.parent / "detector.onnx"
    export(model, out)
    return out


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Rows as people have them: missing, damaged, quoted, hexadecimal."""
    file = tmp_path / "flows.csv"
    file.write_text("\n".join(RAW) + "\n")
    return file
