"""What a storage may be, and a journal that survives a writer's death."""

from pathlib import Path

import optuna
import pytest

from iot_ids.errors import UserError
from iot_ids.sweep import storage
from iot_ids.sweep.locks import FileLocks


@pytest.mark.parametrize("name", ["mysql://host/x", "sqlite:///", "redis://localhost", "sqlite://"])
def test_a_storage_that_workers_cannot_share_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"hydra.sweeper.storage="):
        storage.absolute(name)


def test_a_relative_file_counts_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("runs/a.journal") == f"{tmp_path}/runs/a.journal"
    assert storage.absolute("sqlite:///runs/a.db") == f"sqlite:///{tmp_path}/runs/a.db"


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match="cannot be used") as caught, storage.told("postgresql+psycopg://a:secret@x/y"):
        storage.opened("postgresql+psycopg://a:secret@127.0.0.1:1/y")
    assert "secret" not in str(caught.value)


def test_half_a_line_of_a_killed_writer_is_cut_off(tmp_path: Path) -> None:
    journal = tmp_path / "optuna.journal"
    study = optuna.create_study(study_name="a", storage=storage.opened(str(journal)))
    study.tell(study.ask(), 1.0)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"wor')
    again = optuna.load_study(study_name="a", storage=storage.opened(str(journal)))
    again.tell(again.ask(), 2.0)
    assert journal.read_bytes().startswith(whole + b'{"')
    once_more = optuna.load_study(study_name="a", storage=storage.opened(str(journal)))
    assert [trial.value for trial in once_more.trials] == [1.0, 2.0]


def test_a_lock_is_free_when_its_holder_is_gone_and_workers_leave_no_file(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "optuna.journal")
    assert locks.free("worker-a")
    with locks.hold("worker-a"):
        assert not locks.free("worker-a")
        assert locks.free("worker-b")
    assert locks.free("worker-a")
    with locks.hold("final-a study/of mine"):
        assert not locks.free("final-a study/of mine")
    assert not list(locks.folder.glob("worker-*"))
