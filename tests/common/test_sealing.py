"""What Hydra is given of an address, and what it writes down."""

import os
import traceback
from pathlib import Path

import pytest
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import compare
import train
from conftest import Workplace, typed
from iot_ids.common.redact import unseal
from iot_ids.common.sealing import seal, seal_overrides
from iot_ids.config import check_resolved, container

pytestmark = pytest.mark.usefixtures("own_environment")
MARK = "m4rk3d"


@pytest.mark.parametrize(
    ("word", "sealed", "connects"),
    [
        ("tracking.uri=http://ann:a b@h", "tracking.uri=http://ann@h", None),
        (r"tracking.uri=http://ann:a\,b@h/x", "tracking.uri='http://ann@h/x'", "http://ann:a%2Cb@h/x"),
        (r"++a.b='x://ann:it\'s@h/d?s=1'", "++a.b='x://ann@h/d?s=1'", "x://ann:it%27s@h/d?s=1"),
        ('a="x://h/d?pwd=it\'s a,b)&s=1"', 'a="x://h/d?s=1"', "x://h/d?pwd=it's a,b)&s=1"),
        ("a=x://b:c@h1,x://d:e@h2", "a=x://b@h1,x://d@h2", "x://b:c@h1"),
        ("a={b: 'x://b:c@h3', c: [1]}", "a={b: 'x://b@h3', c: [1]}", None),
        ("a='x://b:${oc.env:PW}@h4'", "a='x://b:${oc.env:PW}@h4'", None),
        ("--config-dir=file:///a:b/c@d", "--config-dir=file:///a:b/c@d", None),
    ],
)
def test_a_typed_word_means_the_same_without_its_password(word: str, sealed: str, connects: str | None) -> None:
    assert seal_overrides([word]) == [sealed]
    if connects is not None:
        shown = connects[: connects.index("://") + 3] + sealed.partition("://")[2].split(",")[0].rstrip("'\"")
        assert unseal(shown) == connects


def test_a_configuration_is_sealed_at_every_depth_and_an_interpolation_once_it_is_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINE", "x://ann:secret@h/d")
    config = OmegaConf.create({"a": [{"b": "x://ann:secret@h/d"}], "c": "${oc.env:MINE}", "d": "???", "e": 1})
    OmegaConf.set_readonly(config, True)
    assert seal(config)
    assert OmegaConf.to_container(config) == {"a": [{"b": "x://ann@h/d"}], "c": "${oc.env:MINE}", "d": "???", "e": 1}
    OmegaConf.set_readonly(config, False)
    del config["d"]
    check_resolved(config)
    assert container(config) == {"a": [{"b": "x://ann@h/d"}], "c": "x://ann@h/d", "e": 1}


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


PLACES = {
    "typed": f"tracking.uri=http://ann:{MARK}@127.0.0.1:9",
    "in the environment": "tracking.uri=${oc.env:MINE}",
    "in a file": "tracking=mine",
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_hydra_writes_and_says_no_password_wherever_it_is_from(
    workplace: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    where: str,
    mode: list[str],
) -> None:
    address = f"http://ann:{MARK}@127.0.0.1:9"
    monkeypatch.setenv("MINE", address)
    own = workplace.folder / "my_conf" / "tracking" / "mine.yaml"
    own.parent.mkdir()
    own.write_text(f"defaults: [sqlite, _self_]\nuri: {address}\n")
    words = workplace.words(PLACES[where], "hydra.output_subdir=.hydra", "model=majority")
    assert typed(monkeypatch, train, *mode, *words) == 1
    own.unlink()
    said = capfd.readouterr()
    assert "http://ann@127.0.0.1:9: the store cannot be used" in said.err
    assert MARK not in said.out + said.err
    assert not mode or list(workplace.folder.rglob("multirun.yaml"))
    assert left(workplace.folder) == []


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "word",
    [
        f"tracking.uri=postgresql+psycopg://ann:{MARK}@127.0.0.1:9/d",
        f"tracking.uri=nonsense://ann:{MARK}@127.0.0.1/d",
        f"hydra.sweeper.storage=postgresql+psycopg://ann:{MARK}@127.0.0.1:9/d",
        f"hydra.sweeper.storage=nonsense://ann:{MARK}@127.0.0.1/d",
        f"trainer.max_epochs=x://ann:{MARK}@h",
        f"no.such.key=x://ann:{MARK}@h",
    ],
)
def test_what_goes_wrong_is_told_without_a_password(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], word: str, full: bool
) -> None:
    search = ["hydra/sweeper=optuna", "model=majority", "scaler=minmax,quantile"] * ("sweeper" in word)
    words = [*["-m"] * bool(search), *workplace.words(*search, word)]
    if full:
        monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
        with pytest.raises((HydraException, OmegaConfBaseException)) as error:
            typed(monkeypatch, train, *words)
        print(*traceback.format_exception(error.value))
    else:
        assert typed(monkeypatch, train, *words) == 1
    said = capfd.readouterr()
    assert "ann@" in said.out + said.err
    assert MARK not in said.out + said.err
    assert left(workplace.folder) == []


def test_a_comparison_says_no_password(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, compare, f"tracking.uri=http://ann:{MARK}@127.0.0.1:9") == 1
    said = capfd.readouterr()
    assert "http://ann@127.0.0.1:9: the store cannot be used" in said.err
    assert MARK not in said.out + said.err


def test_a_broken_file_is_told_without_its_password(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (workplace.folder / "my_conf" / "mine.yaml").write_text(f"uri: http://ann:{MARK}@h: 1\n")
    assert typed(monkeypatch, train, *workplace.words()) == 1
    said = capfd.readouterr().err
    assert "cannot be read as YAML" in said
    assert MARK not in said


def test_files_have_the_rights_that_the_umask_leaves(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    here = set(workplace.folder.rglob("*"))
    before = os.umask(0o077)
    try:
        assert typed(monkeypatch, train, *workplace.words("model=majority")) == 0
    finally:
        os.umask(before)
    made = [path for path in workplace.folder.rglob("*") if path not in here and path.is_file()]
    made = [path for path in made if path.suffix not in (".py", ".typed")]  # our own, copied
    assert {path.name for path in made} >= {"mlflow.db", "config.yaml", "predictions.parquet", "detector.json"}
    assert [path for path in made if path.stat().st_mode & 0o077] == []
