"""`iot-ids export` as a person types it: from a run to a file that answers."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import train
from conftest import Workplace, typed
from iot_ids.cli import export as command
from iot_ids.gateway.detector import Detector


def exported(patch: pytest.MonkeyPatch, *words: str) -> str:
    """Return what the command said as it failed; nothing if it did not."""
    patch.setattr(sys, "argv", ["iot-ids-export", *words])
    try:
        command.main()
    except SystemExit as end:
        return str(end.code or "")
    return ""


def test_from_a_run_to_a_file_with_card_and_golden_rows(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, train, *workplace.words("evaluate.false_positive_rate=0.2")) == 0
    (run,) = workplace.runs()
    place, out = workplace.artifacts(run), workplace.folder / "out" / "detector.onnx"
    capfd.readouterr()
    assert exported(monkeypatch, f"model={place / 'model'}", f"out={out}") == ""
    said = capfd.readouterr().out
    assert f"{out} ({out.stat().st_size:,} bytes)" in said
    assert "same answers as the kept detector on 2,0" in said
    assert {file.name for file in out.parent.iterdir()} == {
        "detector.onnx", "detector.golden.csv", "detector.model_card.md",
    }  # fmt: skip
    card = (out.parent / "detector.model_card.md").read_text()
    assert card == (place / "model_card.md").read_text()
    found = Detector(out)
    assert f'"run": "{run.info.run_id}"' in found.metadata["origin"]
    threshold = run.data.metrics["operating/threshold"]
    assert found.facts.alarm_limit == pytest.approx(threshold + 1e-5 * max(1, abs(threshold)))
    kept = pl.read_parquet(place / "model" / "artifacts" / "detector" / "examples.parquet")
    assert kept.height == run.data.metrics["data/validation_rows"]

    for part in ("## Intended use", "## Data", "## Operating point", "## What the audit found", "## Limits"):
        assert part in card
    assert f"macro-F1 | {100 * run.data.metrics['test/f1_macro']:.2f} %" in card
    assert f"above {run.data.metrics['operating/threshold']:.6g}, set for 20 % false alarms on 13 normal" in card
    assert run.info.run_id in card


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=absent"], "out is missing; type iot-ids export model=MODEL out=FILE, or --help"),
        (["model=absent", "out=x.onnx", "y=1"], "y=1 is not KEY=VALUE with one of model, out, trust"),
        (["model=absent", "out=x.txt"], "out=x.txt must end in .onnx, or in .pyz"),
        (["model=absent", "out=x.onnx"], "model=absent holds no kept detector"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in exported(monkeypatch, *words)
    assert not any(tmp_path.iterdir())


def test_help_is_there_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iot_ids.cli.main", "export", "--help"], capture_output=True, text=True, check=True
    )
    assert "out=detector.onnx" in done.stdout
