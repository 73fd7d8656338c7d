"""What commit 9b1016a kept is still read, and answers as it did. tests/kept/README.md says how it was made."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import score as command
from iot_ids.common.errors import UserError
from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector

KEPT = Path(__file__).parent.parent / "kept"
ANSWERS = json.loads((KEPT / "answers.json").read_text())
FLOWS = KEPT / "flows.csv"


@pytest.mark.parametrize("name", ANSWERS)
def test_a_detector_of_before_answers_as_it_did(name: str) -> None:
    with pytest.warns(UserWarning, match=f"kept/{name} was saved before manifests existed"):
        detector = Detector.load(KEPT / name)
    found = detector.probabilities(pl.read_csv(FLOWS, infer_schema=False))
    np.testing.assert_allclose(found, ANSWERS[name], rtol=1e-5, atol=1e-7)


def test_kept_anew_it_has_a_manifest_and_the_same_answers(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    for name in ANSWERS:
        with pytest.warns(UserWarning, match="before manifests existed"):
            Detector.load(KEPT / name).save(tmp_path / name)
        found = Detector.load(tmp_path / name).probabilities(pl.read_csv(FLOWS, infer_schema=False))
        np.testing.assert_allclose(found, ANSWERS[name], rtol=1e-5, atol=1e-7)
    assert not [each for each in recwarn if "manifest" in str(each.message)]


def test_the_command_notes_once_that_there_is_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"model={KEPT / 'naive_bayes'}", f"path={FLOWS}", f"out={tmp_path / 'out.csv'}"]
    monkeypatch.setattr("sys.argv", ["score", *words])
    command.main()
    told = capsys.readouterr().err
    assert told.count("was saved before manifests existed") == 1
    assert "Warning" not in told


def test_before_there_was_a_manifest_damage_is_no_traceback(tmp_path: Path) -> None:
    for name in ANSWERS:
        for file in (KEPT / name).iterdir():
            spoilt = tmp_path / name / file.name
            shutil.copytree(KEPT / name, spoilt)
            (spoilt / file.name).write_bytes(file.read_bytes()[: file.stat().st_size // 2])
            with pytest.raises(UserError, match="a file in it was changed or cut off"):
                scoring.load_detector(spoilt)
