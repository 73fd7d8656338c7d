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
    program = str(installed / "bin" / "iot-ids")
    done = python(installed, program, "compare", "replicates=10", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "comparison" / "simulated-category-random" / "table.md").exists()
    (model,) = tmp_path.glob("mlruns/artifacts/*/artifacts/model")
    (tmp_path / "flows.csv").write_text("pkts\n1\n")
    done = python(installed, program, "score", f"model={model}", "path=flows.csv", "out=a.csv", folder=tmp_path)
    assert "flows.csv" in done.stderr, done.stderr  # names the columns that are missing
    done = python(installed, program, folder=tmp_path)
    assert "clear-cache" in done.stdout, done.stderr
    where = python(
        installed, sys.executable, "-c", "from iot_ids.common.paths import CONF; print(CONF)", folder=tmp_path
    )
    assert where.stdout.strip() == str(installed / "iot_ids" / "conf")


def test_a_wheel_puts_one_module_beside_the_package(installed: Path) -> None:
    found = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert found - {"__pycache__"} == {"bin", "hydra_plugins", "iot_ids", "train.py"}
    assert {path.name for path in (installed / "bin").iterdir()} == {"iot-ids", "iot-ids-compare", "iot-ids-train"}
    assert (installed / "iot_ids" / "py.typed").is_file()


@pytest.mark.parametrize(
    ("program", "typed", "found"),
    [
        ("iot-ids-train", "model=g", {f"model={file.stem}" for file in (ROOT / "conf" / "model").glob("g*.yaml")}),
        ("iot-ids-compare", "repli", {"replicates="}),
    ],
)
def test_the_console_script_completes(
    program: str, typed: str, found: set[str], installed: Path, tmp_path: Path
) -> None:
    script = python(installed, str(installed / "bin" / program), "-sc", "install=bash", folder=tmp_path)
    assert script.returncode == 0, script.stderr
    assert program in script.stdout
    line = f"{program} {typed}"
    query = f"COMP_LINE='{line}' COMP_POINT={len(line)} {installed}/bin/{program} -sc query=bash"
    assert set(python(installed, "bash", "-c", query, folder=tmp_path).stdout.split()) == found


def test_a_verb_installs_the_completion_of_its_own_script(installed: Path, tmp_path: Path) -> None:
    done = python(installed, str(installed / "bin" / "iot-ids"), "train", "-sc", "install=bash", folder=tmp_path)
    assert "iot-ids-train" in done.stdout, done.stderr
