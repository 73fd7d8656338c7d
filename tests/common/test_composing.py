"""Words that Hydra cannot put together are one message and exit code 1; an error of our own keeps its traceback."""

import itertools
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import main as hydra_main

import compare
import train
from conftest import CONF
from iot_ids.common.composing import one_message

Said = Callable[..., str]
CHOSEN = sorted({file.parent.name for file in CONF.glob("*/*.yaml")})
ODD = (
    "0",
    "-1",
    "1.5",
    "nan",
    "1e400",
    "true",
    "null",
    "[0]",
    "[null]",
    "[[1]]",
    "[a,b]",
    "{a:1}",
    "''",
    "é",
    "???",
    "${x}",
)
SAMPLE = random.Random(13).sample([*itertools.product(("", "+", "~"), CHOSEN, ODD)], 30)


@pytest.fixture
def said(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """Types words at a program, which has to end with exit code 1, without a traceback; returns the message."""
    monkeypatch.chdir(tmp_path)

    def said(program: Any, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["program", *words])
        with pytest.raises(SystemExit) as end:
            program.main()
        message = end.value.code
        assert isinstance(message, str)  # which Python prints, and ends with 1
        assert message.strip()
        assert "Traceback" not in message + capfd.readouterr().err
        assert not (tmp_path / "mlruns").exists()
        return message

    return said


@pytest.mark.parametrize(
    "word", ["cache=0", "split=3", "model=[0]", "cache=nan", "~cache=0", "+dataset@test_dataset=1", "+sweep=3"]
)
def test_a_group_that_is_given_no_name_is_one_message(word: str, said: Said) -> None:
    message = f"{word}: a group takes the name of one of its choices; --help lists them"
    assert said(train, word, "seed=1") == message


def test_several_choices_of_a_group_that_takes_one_are_named(said: Said) -> None:
    assert "model=[gru,knn]: a group takes the name of one" in said(train, "model=[gru,knn]")


@pytest.mark.parametrize("word", ["+test_dataset.zzz=5", "hydra.verbose=3", "hydra/launcher=4"])
def test_whatever_else_hydra_stumbles_over_is_one_message_with_the_word(word: str, said: Said) -> None:
    assert f"{word}: cannot be used" in said(train, word)


@pytest.mark.parametrize(("sign", "group", "value"), SAMPLE)
def test_no_odd_value_for_a_group_is_a_traceback(sign: str, group: str, value: str, said: Said) -> None:
    said(train, f"{sign}{group}={value}", "dataset.path=/nowhere", "seed=-1")


@pytest.mark.parametrize("word", ["~tracking", "~seed", "seed=-1", "dataset=${x}", "where=[a]", "replicates=1e400"])
def test_a_comparison_that_cannot_be_composed_is_one_message(word: str, said: Said) -> None:
    said(compare, word)


def test_a_value_that_was_taken_away_is_named(said: Said) -> None:
    assert "the configuration lacks seed" in said(train, "~seed")


def test_an_error_of_our_own_keeps_its_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    @hydra_main(config_path=str(CONF), config_name="train", version_base="1.3")
    def broken(_: Any) -> None:
        raise ValueError("a fault of the program")

    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(SystemExit) as end, one_message():
        broken()
    assert end.value.code == 1
    assert "Traceback" in (text := capfd.readouterr().err)
    assert "a fault of the program" in text


def test_several_choices_for_several_jobs_are_not_blamed_for_another_mistake(said: Said) -> None:
    words = ["-m", "model=gru,knn", "+shortcut=none,identifiers", "seed=x"]
    assert "takes the name" not in said(train, *words)
    assert "model=gru,5: a group takes the name of one" in said(train, "-m", "model=gru,5")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["-m", "model=naive_bayes,knn"], "multirun"),
        (["-m", "model=naive_bayes,knn", "hydra.sweep.dir=/proc/none"], "/proc/none"),
        (["hydra.run.dir=/proc/none"], "/proc/none"),
    ],
)
def test_a_folder_where_hydra_cannot_write_is_one_sentence(words: list[str], named: str, said: Said) -> None:
    Path("multirun").touch()  # whoever runs the tests may write everywhere, but not below a file
    message = said(train, *words)
    assert re.fullmatch(
        rf".*{named}.*: (Not a directory|No such file or directory); Hydra cannot write there: .*", message
    )
