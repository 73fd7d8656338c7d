"""The public names of `iot_ids`: light to import, and the same run as the command's; docs/api.md is tested beside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.version import getbase

import iot_ids
import train
from conftest import CONF, Workplace, typed

QUICK = ["trainer=cpu", "trainer.max_epochs=2", "evaluate.replicates=20", "cache=off"]
SIMULATED = ["dataset.rows=400", "model=naive_bayes", *QUICK]


def test_the_package_is_imported_without_anything_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import iot_ids; dir(iot_ids)\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(train.__file__).parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert set(eval(done.stdout)) - set(sys.stdlib_module_names) == {"iot_ids"}


def test_every_public_name_is_listed_and_there() -> None:
    assert set(iot_ids.__all__) <= set(dir(iot_ids))
    for name in iot_ids.__all__:
        assert getattr(iot_ids, name) is not None
    with pytest.raises(AttributeError, match="module 'iot_ids' has no attribute 'predict'"):
        _ = iot_ids.predict  # type: ignore[attr-defined]


def test_the_steps_are_the_commands_run(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["dataset=mine", f"dataset.path={workplace.flows}", "model=gru", "selector=pearson", "selector.k=2", *QUICK]
    epochs: list[int] = []
    prepared = iot_ids.prepare(words, "my_conf")
    fitted = iot_ids.fit(prepared, lambda epoch, metrics: epochs.append(epoch))
    result = iot_ids.evaluate(fitted)
    assert epochs == [0, 1]
    assert typed(monkeypatch, train, "--config-dir", "my_conf", *words) == 0
    iot_ids.run(words, Path("my_conf"))
    for run in workplace.runs():
        shared = {name: value for name, value in run.data.metrics.items() if name.startswith("test/")}
        assert shared == {name: value for name, value in result.metrics.items() if name.startswith("test/")}
    one, other = (run.data.tags["config.fingerprint"] for run in workplace.runs())
    assert one == other


def test_fitting_again_gives_the_same_detector_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    prepared = iot_ids.prepare(["dataset.rows=400", "model=gru", *QUICK])
    one, other = (iot_ids.evaluate(iot_ids.fit(prepared)).predictions for _ in range(2))
    assert one.equals(other)
    assert capfd.readouterr().out == ""


def test_a_kept_run_is_loaded_by_its_folders_name(workplace: Workplace) -> None:
    run = iot_ids.run(SIMULATED)
    detector = iot_ids.load_detector(f"mlruns/artifacts/{run}/artifacts/model")
    assert isinstance(detector, iot_ids.Detector)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=grru"], "Could not find 'model/grru'"),
        (["cache=0"], "cache=0: a group takes the name of one of its choices"),
        (["seed=0,1"], "seed=0,1"),
        (["--multirun"], "--multirun"),
        (["+dataset.pth=x"], "dataset.pth is not a key"),
        (["seed=-1"], "seed=-1"),
        (["model.cell=gruu"], "gruu"),
        (["dataset=bot_iot"], "https://research.unsw.edu.au/projects/bot-iot-dataset"),
        ("model=gru seed=1", r"is a single text; give a list of words: \['model=gru', 'seed=1'\]"),
    ],
)
def test_a_mistake_is_a_user_error_with_the_commands_message(words: list[str], message: str) -> None:
    with pytest.raises(iot_ids.UserError, match=message):
        iot_ids.prepare(words)


@pytest.mark.parametrize(
    ("folder", "message"),
    [("nowhere", "config_dir=nowhere is not a folder"), ("broken", "mine.yaml: cannot be read as YAML")],
)
def test_a_folder_that_cannot_be_used_is_named(
    folder: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken", "dataset").mkdir(parents=True)
    Path("broken", "dataset", "mine.yaml").write_text("name: mine\n\ttitle: [")
    with pytest.raises(iot_ids.UserError, match=message):
        iot_ids.prepare(["dataset=mine"], folder)


def test_a_folder_with_an_odd_name_is_read(workplace: Workplace) -> None:
    odd = workplace.folder / "it's [mine], a=b"
    (workplace.folder / "my_conf").rename(odd)
    words = ["dataset=mine", f"dataset.path={workplace.flows}", "model=naive_bayes", *QUICK]
    assert iot_ids.prepare(words, odd).config.dataset.title == "Greenhouse flows"


@pytest.mark.usefixtures("own_environment")
def test_no_password_is_told_or_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    word = "tracking.uri=mysql://ann:s3cr3tive@localhost/none"
    assert "s3cr3tive" not in repr(iot_ids.prepare([*SIMULATED, word]).config)
    for more in ([], ["cache=0"], ["+tracking.x=http://ann:s3cr3tive@h"]):
        with pytest.raises(iot_ids.UserError) as refusal:
            iot_ids.run([*SIMULATED, word, *more])
        error: BaseException | None = refusal.value
        while error is not None:
            assert "s3cr3tive" not in str(error)
            error = error.__cause__


def test_another_hydra_application_in_the_process_goes_on_undisturbed() -> None:
    with initialize_config_dir(str(CONF), "outer", version_base="1.2"):
        outer, base = GlobalHydra.instance().hydra, getbase()
        with pytest.raises(iot_ids.UserError):
            iot_ids.prepare(["model=grru"])
        assert iot_ids.prepare(SIMULATED).config.model["name"] == "naive_bayes"
        assert (GlobalHydra.instance().hydra, getbase()) == (outer, base)
        config = compose("train", overrides=["seed=7"], return_hydra_config=True)
        assert (config.seed, config.hydra.job.name) == (7, "outer")
