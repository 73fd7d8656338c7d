"""The kinds of storage, and a journal that survives a writer's death."""

import signal
from pathlib import Path

import optuna
import pytest

from conftest import empty_store
from iot_ids.common.errors import UserError
from iot_ids.sweep import storage
from iot_ids.sweep.locks import DatabaseLocks, FileLocks, HeldError, folder
from iot_ids.sweep.study import join_study
from sweep.conftest import asked_of, waiting_worker


@pytest.mark.parametrize("name", ["mysql://host/x", "sqlite:///", "redis://localhost", "sqlite://"])
def test_a_storage_that_workers_cannot_share_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"hydra.sweeper.storage="):
        storage.absolute(name)


def test_a_relative_file_counts_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("runs/a.journal") == f"{tmp_path}/runs/a.journal"
    assert storage.absolute("sqlite:///runs/a.db") == f"sqlite:///{tmp_path}/runs/a.db"


def test_a_server_that_is_not_there_is_told() -> None:
    with (
        pytest.raises(UserError, match="cannot be used") as caught,
        storage.as_storage_error("postgresql+psycopg://a:secret@x/y"),
    ):
        storage.opened("postgresql+psycopg://a:secret@127.0.0.1:1/y")
    assert "secret" not in str(caught.value)


def test_mlflows_store_is_refused_as_a_storage_and_left_as_it_was(tmp_path: Path) -> None:
    store = tmp_path / "mlflow.db"
    store.write_bytes(empty_store())
    asked = asked_of(f"sqlite:///{store}", "study")
    with pytest.raises(UserError, match=r"hydra\.sweeper\.storage=.*mlflow\.db is MLflow's store"), join_study(asked):
        pass
    assert store.read_bytes() == empty_store()
    assert [file.name for file in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_refused_journal_gets_no_folder_of_locks(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("somebody's notes")
    with pytest.raises(UserError, match="is not an Optuna journal"), join_study(asked_of(f"{tmp_path}/notes.txt", "a")):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["it's", "a/b", "x" * 300, "größe", "..", "both \" and '"])
def test_a_study_may_be_called_anything(tmp_path: Path, name: str) -> None:
    locks = FileLocks(tmp_path / "optuna.journal")
    with locks.hold(f"final-{name}"):
        assert not locks.free(f"final-{name}")
        assert locks.free(f"final-{name}x")


def test_names_that_a_file_cannot_have_are_told_apart(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "optuna.journal")
    with locks.hold("final-a/b"):
        assert locks.free("final-a_b")
        assert locks.free("final-a:b")


def test_whoever_waits_for_so_long_is_told(tmp_path: Path) -> None:
    one, other = FileLocks(tmp_path / "optuna.journal"), FileLocks(tmp_path / "optuna.journal")
    with one.hold("choosing"), pytest.raises(HeldError, match="another worker has held the lock"):
        other.hold("choosing", 0.1).__enter__()


def test_whoever_waits_for_so_long_on_a_server_is_told(postgresql: str) -> None:
    one, other = DatabaseLocks(postgresql), DatabaseLocks(postgresql)
    with one.hold("patience"), pytest.raises(HeldError, match="another worker has held the lock"):
        other.hold("patience", 0.1).__enter__()


def test_what_a_killed_worker_left_goes_when_the_study_is_opened_next(tmp_path: Path) -> None:
    asked = asked_of(f"{tmp_path}/optuna.journal", "study", n_trials=2)
    killed = waiting_worker(asked, tmp_path, stops_at=1)
    killed.send(signal.SIGKILL)
    killed.ended()
    (left,) = folder(tmp_path / "optuna.journal").glob("worker-*")
    with join_study(asked) as next_one:
        assert [file.name for file in left.parent.glob("worker-*")] == [next_one.id]


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
    journal = tmp_path / "optuna.journal"
    locks = FileLocks(journal)
    assert locks.free("worker-a")
    with locks.hold("worker-a"):
        assert not locks.free("worker-a")
        assert locks.free("worker-b")
    assert locks.free("worker-a")
    with locks.hold("final-a study/of mine"):
        assert not locks.free("final-a study/of mine")
    assert not list(folder(journal).glob("worker-*"))
