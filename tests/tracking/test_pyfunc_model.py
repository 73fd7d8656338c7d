"""A saved model, loaded by MLflow, which runs the code in its folder, and by our loader, which does not."""

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from iot_ids.common.errors import UserError
from iot_ids.data.schema import Columns
from iot_ids.features.pipeline import fit
from iot_ids.features.scalers import MinMax
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.adapter import Classical
from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector
from iot_ids.tracking.run import save_model

RANDOM = np.random.default_rng(0)
FLOWS = pl.DataFrame({"bytes": RANDOM.normal(size=60), "dur": RANDOM.exponential(size=60)})
OTHERS = "sklearn.ensemble._forest.ExtraTreesClassifier,sklearn.tree._classes.ExtraTreeClassifier"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save an estimator that is not one of the shipped models; return its `model` folder."""
    y = (FLOWS["bytes"] > 0).cast(pl.Int64).to_numpy()
    fitted = fit(FLOWS, y, ["bytes", "dur"], [], None, None, None, MinMax())
    trees = Classical(ExtraTreesClassifier(3))
    trees.learn(Table(fitted.pipeline.transform(FLOWS), y), seed=0)
    folder = tmp_path_factory.mktemp("run") / "model"
    save_model(Detector(Columns(numeric=["bytes", "dur"]), [""], ["normal", "attack"], fitted.pipeline, trees), folder)
    return folder


def test_our_loader_asks_for_the_word_where_an_estimator_is_none_of_the_shipped(model: Path) -> None:
    with pytest.raises(UserError, match=f"add trust={OTHERS} "):
        scoring.load_detector(model)
    assert scoring.load_detector(model, OTHERS.split(",")).classes == ["normal", "attack"]


def test_mlflows_loader_was_told_at_training_what_to_trust(model: Path) -> None:
    found = mlflow.pyfunc.load_model(str(model)).predict(FLOWS.to_pandas())
    expected = scoring.load_detector(model, OTHERS.split(",")).probabilities(FLOWS)
    np.testing.assert_allclose(found.to_numpy(), expected)


def test_mlflows_loader_runs_the_folders_code_and_ours_does_not(model: Path, tmp_path: Path) -> None:
    code = model / "pyfunc_model.py"
    marker, sound = tmp_path / "sprung", code.read_text()
    code.write_text(f"from pathlib import Path as _Path\n_Path({str(marker)!r}).touch()\n{sound}")
    scoring.load_detector(model, OTHERS.split(","))
    assert not marker.exists()
    mlflow.pyfunc.load_model(str(model))
    assert marker.exists()
    code.write_text(sound)


def test_the_copied_code_imports_where_it_comes_first_on_the_path(model: Path) -> None:
    """MLflow's loader puts it first for the rest of the process, whose children find it there."""
    script = "import iot_ids.tracking, iot_ids.common.paths; print(iot_ids.common.paths.PACKAGE)"
    env = {"PYTHONPATH": str(model / "code"), "PATH": os.defpath}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(model / "code" / "iot_ids")
