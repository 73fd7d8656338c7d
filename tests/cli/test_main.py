"""`iot-ids VERB`: the list of verbs at once, and each verb handed on."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from conftest import processor_seconds
from iot_ids.cli import main as command

SOURCE = Path(command.__file__).parents[2]
HEAVY = ("hydra", "lightning", "matplotlib", "mlflow", "numpy", "omegaconf", "optuna", "polars", "sklearn", "torch")
LISTING = f"""
import sys
from iot_ids.cli.main import main
main()
assert not {HEAVY}, set(sys.modules)
""".replace(f"{HEAVY}", f"set({HEAVY}) & set(sys.modules)")


def python(code: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_without_words_the_verbs_are_listed_at_once() -> None:
    seconds, done = processor_seconds(lambda: python(LISTING))
    assert (done.returncode, done.stderr) == (0, "")
    for verb, what in command.VERBS.items():
        assert f"  {verb:<12} {what}\n" in done.stdout
    assert seconds < 0.3


def typed(patch: pytest.MonkeyPatch, *words: str) -> None:
    patch.setattr(sys, "argv", ["/somewhere/iot-ids", *words])
    command.main()


@pytest.mark.parametrize("verb", command.VERBS)
def test_every_verb_explains_itself(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, verb, "--help")
    said = capsys.readouterr().out
    assert f"iot-ids {verb}" in said or f"python -m {verb}" in said


@pytest.mark.parametrize("verb", command.VERBS)
def test_a_verb_is_handed_the_other_words(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[list[str]] = []
    module = import_module(f"iot_ids.cli.{verb.replace('-', '_')}")
    monkeypatch.setattr(module, "main", lambda: heard.append(list(sys.argv)))
    typed(monkeypatch, verb, "-m", "a=1")
    assert heard == [[f"/somewhere/iot-ids-{verb}", "-m", "a=1"]]


def test_an_unknown_verb_is_named_with_a_near_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"iot-ids trian: no such verb; did you mean train\?"):
        typed(monkeypatch, "trian", "seed=1")


def test_the_version_is_the_installed_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    typed(monkeypatch, "--version")
    assert capsys.readouterr().out == f"iot-ids {version('iot-ids')}\n"
