"""Addresses of databases in folders of any name."""

from pathlib import Path

import pytest

from iot_ids.common.errors import UserError
from iot_ids.sweep import storage
from iot_ids.tracking.databases import SQLITE, sqlite_file, sqlite_url

HOSTILE = 'a?b=c&d #e 100%20f {g} it\'s $(i);j "k"'


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder whose name contains characters special in addresses and shells."""
    (folder := tmp_path / HOSTILE).mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", ["plain", "a b", "a?b", "a#b", "a%20b", "a%", "{a}", "it's", "été", HOSTILE])
def test_an_address_names_the_file_it_was_made_for(name: str, tmp_path: Path) -> None:
    assert sqlite_file(sqlite_url(tmp_path / name / "mlflow.db")) == tmp_path / name / "mlflow.db"


def test_a_plain_address_stays_as_it_was(tmp_path: Path) -> None:
    assert sqlite_url(tmp_path / "a b" / "mlflow.db") == f"{SQLITE}{tmp_path}/a b/mlflow.db"


def test_an_address_that_goes_on_after_the_file_is_refused() -> None:
    with pytest.raises(UserError, match="%3F for"):
        sqlite_file("sqlite:////tmp/a?b/mlflow.db")


def test_a_study_lies_in_its_folder_whatever_that_is_called(hostile: Path) -> None:
    storage.opened(storage.absolute("sqlite:///study.db"))
    assert (hostile / "study.db").stat().st_size > 0
    assert [path.name for path in hostile.parent.iterdir()] == [HOSTILE]
