"""The package as a user installs it: a wheel, used from any directory, without the repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs, without its dependencies, which are there already."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def python(installed: Path, *words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_wheel_trains_and_compares_from_any_directory(installed: Path, tmp_path: Path) -> None:
    words = ["model=naive_bayes", "dataset.rows=300", "cache=off", "evaluate.replicates=10"]
    done = python(installed, sys.executable, "-m", "train", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mlruns" / "mlflow.db").exists()
    done = python(installed, sys.executable, "-m", "compare", "replicates=10", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "comparison" / "simulated-category-random" / "table.md").exists()
    done = python(installed, sys.executable, "-m", "score", "--help", folder=tmp_path)
    assert done.stdout.startswith("Score flows by a model that a run has kept"), done.stderr
    where = python(
        installed, sys.executable, "-c", "from iot_ids.common.paths import CONF; print(CONF)", folder=tmp_path
    )
    assert where.stdout.strip() == str(installed / "iot_ids" / "conf")


def test_the_console_script_completes_choices(installed: Path, tmp_path: Path) -> None:
    script = python(installed, str(installed / "bin" / "iot-ids-train"), "-sc", "install=bash", folder=tmp_path)
    assert script.returncode == 0, script.stderr
    assert "iot-ids-train" in script.stdout
    query = python(
        installed,
        "bash",
        "-c",
        f"COMP_LINE='iot-ids-train model=g' COMP_POINT=21 {installed}/bin/iot-ids-train -sc query=bash",
        folder=tmp_path,
    )
    assert set(query.stdout.split()) == {f"model={file.stem}" for file in (ROOT / "conf" / "model").glob("g*.yaml")}
