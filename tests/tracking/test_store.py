"""The store under stress: simultaneous first runs, interruptions, and a store that disappears."""

import os
import shlex
import signal
import sqlite3
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import optuna
import polars as pl
import pytest

from campaign import child
from conftest import empty_store
from iot_ids import tracking as track
from iot_ids.common.errors import UserError
from iot_ids.config import Tracking
from iot_ids.tracking.databases import sqlite_file
from iot_ids.tracking.store import _created, locked


def tracking(folder: Path) -> Tracking:
    return Tracking(uri=f"sqlite:///{folder}/mlflow.db", artifacts=str(folder / "artifacts"))


def fresh(folder: Path) -> tuple[Tracking, track.Store]:
    """Open a new store with copied tables, because creating them takes a second."""
    (folder / "mlflow.db").write_bytes(empty_store())
    return tracking(folder), track.open_store(tracking(folder), "flows")


def open_and_log(folder: Path, barrier: Any, answers: Any) -> None:
    barrier.wait()
    store = track.open_store(tracking(folder), "flows")
    with track.start(store, "run", {}, {}) as run:
        run.dataset(pl.DataFrame({"x": [1.0]}), "flows", str(folder), "0123456789", "training")
        run.metrics({"score": 1.0})
    answers.put(store.experiment)


@pytest.mark.slow
def test_five_first_starters_at_the_same_moment_all_arrive(tmp_path: Path) -> None:
    context = child.server()
    barrier, answers = context.Barrier(5), context.Queue()
    starters = [context.Process(target=open_and_log, args=(tmp_path, barrier, answers)) for _ in range(5)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(timeout=120)
    assert [starter.exitcode for starter in starters] == [0] * 5
    assert len({answers.get(timeout=5) for _ in starters}) == 1
    store = track.open_store(tracking(tmp_path), "flows")
    runs = store.client.search_runs([store.experiment])
    assert [run.info.status for run in runs] == ["FINISHED"] * 5


OPENING = """
import sys
from pathlib import Path
from tracking.test_store import tracking
from iot_ids import tracking as track
track.open_store(tracking(Path(sys.argv[1])), "flows")
"""


@pytest.mark.slow
def test_a_first_start_that_is_killed_amid_the_tables_spoils_nothing(tmp_path: Path) -> None:
    dying = child.begin(OPENING, [str(tmp_path)], tmp_path)
    dying.wait_until(lambda: any(file.stat().st_size > 50_000 for file in tmp_path.glob(".iot-ids-*/mlflow.db")))
    dying.send(signal.SIGKILL)
    dying.ended()
    assert not (tmp_path / "mlflow.db").exists()
    assert track.open_store(tracking(tmp_path), "flows").experiment


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(UserError, match=r"tracking\.uri=http://127\.0\.0\.1:9: the store cannot be used: .*refused"):
        track.open_store(Tracking(uri="http://127.0.0.1:9", artifacts="nowhere"), "flows")
    assert time.monotonic() - start < 5


def test_a_place_where_no_artifacts_can_be_kept_is_told_before_a_run_begins(tmp_path: Path) -> None:
    track.open_store(tracking(tmp_path), "flows")
    (tmp_path / "artifacts").rmdir()
    (tmp_path / "artifacts").write_text("a file in the folder's place")
    with pytest.raises(UserError, match=r"tracking\.artifacts=.* is not writable"):
        track.open_store(tracking(tmp_path), "flows")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> track.Store:
    return track.open_store(tracking(tmp_path_factory.mktemp("store")), "flows")


def status(store: track.Store, name: str) -> str:
    (run,) = store.client.search_runs([store.experiment], f"attributes.run_name = '{name}'")
    return str(run.info.status)


@pytest.mark.parametrize(
    ("error", "expected"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED"), (SystemExit, "KILLED")]
)
def test_a_run_ends_as_its_block_does(store: track.Store, error: type[BaseException], expected: str) -> None:
    with pytest.raises(error), track.start(store, error.__name__, {}, {}):
        raise error
    assert status(store, error.__name__) == expected


def test_a_signal_while_the_run_is_created_ends_it_killed(store: track.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    create = store.client.create_run

    def interrupted(*arguments: Any, **named: Any) -> Any:
        run = create(*arguments, **named)
        signal.raise_signal(signal.SIGTERM)
        return run

    monkeypatch.setattr(store.client, "create_run", interrupted)
    with pytest.raises(KeyboardInterrupt), track.start(store, "early", {}, {}):
        pass
    assert status(store, "early") == "KILLED"


def test_a_run_whose_last_metrics_are_lost_is_not_called_finished(
    store: track.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*arguments: Any, **named: Any) -> None:
        raise OSError("disk full")

    def lose() -> None:
        with track.start(store, "lost", {}, {}) as run:
            monkeypatch.setattr(store.client, "log_batch", gone)
            run.report(0, {"score": 1.0})

    with pytest.raises(OSError, match="disk full"):
        lose()
    assert status(store, "lost") == "FAILED"


DYING = """
import os, signal, sys
from iot_ids import tracking as track
from iot_ids.config import Tracking
store = track.open_store(Tracking(uri=sys.argv[1], artifacts=sys.argv[2]), "flows")
with track.start(store, "dead", {}, {}):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_run_whose_process_was_killed_is_ended_when_the_store_is_opened_next_and_no_living_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = tracking(tmp_path)
    store = track.open_store(settings, "flows")
    with track.start(store, "living", {}, {}):
        assert child.run(DYING, [settings.uri, settings.artifacts], tmp_path).code == -signal.SIGKILL
        assert status(store, "dead") == "RUNNING"
        track.open_store(settings, "flows")
        assert (status(store, "dead"), status(store, "living")) == ("KILLED", "RUNNING")
    assert status(store, "living") == "FINISHED"
    assert len([said for said in caplog.messages if "had died without ending it" in said]) == 1
    assert list((tmp_path / ".mlflow.db.runs").iterdir()) == []


@pytest.mark.parametrize("opening", [lambda settings: track.open_store(settings, "flows"), track.existing_stores])
def test_a_run_whose_end_the_store_did_not_keep_is_ended_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opening: Callable[[Tracking], object]
) -> None:
    store = track.open_store(tracking(tmp_path), "flows")

    def gone(*arguments: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"), track.start(store, "cut", {}, {}):
        broken.setattr(store.client, "set_terminated", gone)
    assert status(store, "cut") == "RUNNING"
    opening(tracking(tmp_path))
    assert status(store, "cut") == "KILLED"


DYING_AT_BIRTH = """
import os, signal, sys
from iot_ids import tracking as track
from iot_ids.config import Tracking
store = track.open_store(Tracking(uri=sys.argv[1], artifacts=sys.argv[2]), "flows")
create = store.client.create_run
def dying(*arguments, **named):
    create(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
store.client.create_run = dying
with track.start(store, "newborn", {}, {}):
    pass
"""


@pytest.mark.slow
def test_a_run_whose_process_was_killed_the_moment_it_was_made_is_ended_too(tmp_path: Path) -> None:
    settings, store = fresh(tmp_path)
    died = child.run(DYING_AT_BIRTH, [settings.uri, settings.artifacts], tmp_path)
    assert (died.code, status(store, "newborn")) == (-signal.SIGKILL, "RUNNING")
    track.open_store(settings, "flows")
    assert status(store, "newborn") == "KILLED"


def test_a_dead_run_of_an_earlier_version_is_ended_by_its_locks_name(tmp_path: Path) -> None:
    _, store = fresh(tmp_path)
    run = store.client.create_run(store.experiment, run_name="old")
    (tmp_path / ".mlflow.db.runs").mkdir()
    (tmp_path / ".mlflow.db.runs" / run.info.run_id).touch()
    track.open_store(tracking(tmp_path), "flows")
    assert status(store, "old") == "KILLED"


def test_a_sweeps_run_is_ended_when_the_last_of_its_workers_is_dead(tmp_path: Path) -> None:
    tags = {"kind": "sweep", "sweep": "study"}
    settings, store = fresh(tmp_path)
    dead, lives = ExitStack(), ExitStack()
    for alive in (dead, lives):
        track.begin_sweep(store, "study", {}, tags, alive)
    first, _ = sorted((tmp_path / ".mlflow.db.runs").iterdir())
    kill(dead)
    track.open_store(settings, "flows")
    assert status(store, "study") == "RUNNING"
    kill(lives)
    track.open_store(settings, "flows")
    assert status(store, "study") == "KILLED"
    assert not first.exists()


def kill(alive: ExitStack) -> None:
    """Do what the system does when a process dies: release its locks and keep its files."""
    with suppress(KeyboardInterrupt), alive:
        raise KeyboardInterrupt


def test_what_a_killed_first_start_of_the_same_process_number_left_is_no_hindrance(tmp_path: Path) -> None:
    half_made = tmp_path / f".mlflow.db.{os.getpid()}"
    with sqlite3.connect(half_made) as begun:
        begun.execute("create table experiments (x)")
    half_made.with_name(f"{half_made.name}-journal").touch()
    assert track.open_store(tracking(tmp_path), "flows").experiment
    assert not list(tmp_path.glob(".mlflow.db.[0-9]*"))


def test_another_users_lock_of_the_same_server_is_no_hindrance() -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o1777)
        patch.setattr(tempfile, "tempdir", folder)
        with locked("http://tracking.example"), another_user():
            locked("http://tracking.example").acquire(timeout=1).lock.release()


@contextmanager
def another_user() -> Iterator[None]:
    """Become another user if this process may; else imitate one by another name."""
    own = os.geteuid()
    with pytest.MonkeyPatch.context() as patch:
        if own == 0:
            os.setresuid(65534, 65534, 0)  # and back again
        else:
            patch.setattr(os, "geteuid", lambda: own + 1)
        try:
            yield
        finally:
            if own == 0:
                os.setresuid(0, 0, 0)


def test_an_experiment_that_another_user_made_meanwhile_is_taken(store: track.Store) -> None:
    assert _created(store.client, "flows", None) == store.experiment


def test_a_store_in_a_folder_where_nothing_can_be_written_is_read(tmp_path: Path) -> None:
    _, store = fresh(tmp_path)
    with track.start(store, "kept", {}, {}):
        pass
    before = sorted(tmp_path.iterdir())
    with another_user_than_the_owner_of(tmp_path):
        found = track.existing_stores(tracking(tmp_path))
        with pytest.raises(UserError, match=r"the store cannot be used: .*Permission denied"):
            track.open_store(tracking(tmp_path), "flows")
    assert (list(found), sorted(tmp_path.iterdir())) == (["flows"], before)


@contextmanager
def another_user_than_the_owner_of(folder: Path) -> Iterator[None]:
    """Take from this process the right to write in `folder`; root, who has every right, becomes another user."""
    folder.chmod(0o555)
    closed = [each for each in folder.parents if each.stat().st_mode & 0o005 != 0o005]
    modes = {each: each.stat().st_mode for each in closed if each.owner() == folder.owner()}
    try:
        for each in modes:
            each.chmod(0o755)
        with another_user():
            yield
    finally:
        folder.chmod(0o755)
        for each, mode in modes.items():
            each.chmod(mode)


def test_optunas_storage_is_refused_as_a_store_and_left_as_it_was(tmp_path: Path) -> None:
    optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/mlflow.db")
    before = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(UserError, match=r"tracking\.uri=.*mlflow\.db is an Optuna storage"):
        track.open_store(tracking(tmp_path), "flows")
    assert (tmp_path / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize("name", ["it's", 'a "study"', "both \" and '", "back\\slash\\"])
def test_a_sweep_may_be_called_anything(store: track.Store, name: str) -> None:
    tags = {"kind": "sweep", "sweep": name}
    first = track.begin_sweep(store, name, {}, tags, ExitStack())
    assert track.begin_sweep(store, name, {}, tags, ExitStack()).id == first.id
    with track.start(store, "final", {"seed": "0"}, {"sweep": name}) as run:
        pass
    assert track.finished(store, {"sweep": name}, 0) == (run.id, "unknown")


def test_a_git_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("iot_ids.tracking.run.GIT_SECONDS", 0.2)
    assert track.commit() == "unknown"


def test_a_dead_run_that_was_removed_from_the_store_is_forgotten(tmp_path: Path) -> None:
    track.open_store(tracking(tmp_path), "flows")
    (tmp_path / ".mlflow.db.runs").mkdir()
    (tmp_path / ".mlflow.db.runs" / "gone").touch()
    track.open_store(tracking(tmp_path), "flows")
    assert list((tmp_path / ".mlflow.db.runs").iterdir()) == []


def test_final_metrics_come_after_the_last_epoch(store: track.Store) -> None:
    with track.start(store, "epochs", {}, {}) as run:
        for epoch, score in enumerate((0.1, 0.9, 0.5)):
            run.report(epoch, {"val/f1_macro": score})
        run.metrics({"val/f1_macro": 0.9})
    (kept,) = store.client.search_runs([store.experiment], "attributes.run_name = 'epochs'")
    assert kept.data.metrics["val/f1_macro"] == 0.9
    history = store.client.get_metric_history(kept.info.run_id, "val/f1_macro")
    assert [point.value for point in sorted(history, key=lambda point: point.step)] == [0.1, 0.9, 0.5, 0.9]


def test_nested_settings_become_flat_parameters() -> None:
    nested = {"model": {"name": "gru", "sizes": [1, 2]}, "labels": {"DDoS (all)": None}, "seed": 0}
    assert track.flat(nested) == {
        "model.name": "gru",
        "model.sizes": "[1, 2]",
        "labels.DDoS _all_": "None",
        "seed": "0",
    }


def test_no_name_of_a_setting_is_more_than_mlflow_can_bear(tmp_path: Path) -> None:
    names = ["a//b", "/a", "a/", "a/../b", "a/.", "..", "", "*.csv", "a\nb", "é/ü", "x" * 400]
    store = track.open_store(tracking(tmp_path), "flows")
    parameters = track.flat({"rows": {name: number for number, name in enumerate(names)}})
    with track.start(store, "run", parameters, {}) as run:
        pass
    assert len(store.client.get_run(run.id).data.params) == len(names)


def test_a_deleted_experiment_is_named_with_the_way_back(tmp_path: Path) -> None:
    from iot_ids.common.errors import UserError

    first = track.open_store(tracking(tmp_path), "flows")
    first.client.delete_experiment(first.experiment)
    with pytest.raises(UserError, match=f"experiments restore -x {first.experiment}"):
        track.open_store(tracking(tmp_path), "flows")


def tuned_run(store: track.Store, parent: str, fingerprint: str) -> str:
    tags = {track.PARENT: parent, "tuned": "true", "config.fingerprint": fingerprint}
    with track.start(store, fingerprint, {}, tags) as run:
        return str(run.id)


def test_final_runs_of_what_was_best_once_leave_the_comparison_until_it_is_the_best_again(store: track.Store) -> None:
    parent = track.begin_sweep(store, "study", {}, {"kind": "sweep", "sweep": "study"}, ExitStack())
    once, again, now = (tuned_run(store, parent.id, name) for name in ("a", "a", "b"))

    def kinds() -> list[str | None]:
        return [store.client.get_run(id).data.tags.get("kind") for id in (once, again, now)]

    track.supersede(parent, [now])
    assert kinds() == ["superseded", "superseded", None]
    track.supersede(parent, [again])
    assert kinds() == [None, None, "superseded"]


def test_a_sweeps_run_is_taken_up_again_by_its_name(store: track.Store) -> None:
    tags = {"kind": "sweep", "sweep": "one"}
    first = track.begin_sweep(store, "one", {"a": "1"}, tags, ExitStack())
    track.end_sweep(first, "KILLED")
    again = track.begin_sweep(store, "one", {"a": "1"}, tags, ExitStack())
    other = track.begin_sweep(store, "two", {}, {"kind": "sweep", "sweep": "two"}, ExitStack())
    assert (again.id, store.client.get_run(first.id).info.status) == (first.id, "RUNNING")
    assert other.id != first.id


def test_what_is_kept_of_an_address_has_no_password() -> None:
    kept = track.flat({"tracking": {"uri": "postgresql://ann:secret@host/runs"}, "files": ["a"]})
    assert kept == {"tracking.uri": "postgresql://ann@host/runs", "files": '["a"]'}


@pytest.mark.usefixtures("own_environment")
def test_a_servers_password_reaches_mlflow_by_its_own_variables(tmp_path: Path) -> None:
    """The server in this test only records its requests and has no experiments."""
    asked: list[tuple[str, str | None]] = []

    class Server(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_error(401)

        do_GET = do_POST = answer  # noqa: N815  # names of http.server's

        def log_message(self, *words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://ann:a%2Fb:c@127.0.0.1:{server.server_port}"
        with pytest.raises(UserError, match="401") as refused:
            track.existing_stores(Tracking(address, str(tmp_path)))
        server.shutdown()
    assert "a/b" not in str(refused.value)
    assert "a%2Fb" not in str(refused.value)
    assert [who for path, who in asked if path != "/health"] == [f"Basic {b64encode(b'ann:a/b:c').decode()}"]


@pytest.mark.parametrize("name", ["flows?", "flows [1]*", "it's #1 & 100%25", 'it\'s "both"'])
def test_a_folder_of_any_name_holds_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    store = track.open_store(Tracking(uri="sqlite:///mlruns/mlflow.db", artifacts="mlruns/artifacts"), "flows")
    with track.start(store, "run", {}, {}) as run:
        run.metrics({"score": 1.0})
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert Path("mlruns", "mlflow.db").is_file()
    words = shlex.split(store.ui_command())
    assert sqlite_file(words[words.index("--backend-store-uri") + 1]) == tmp_path / name / "mlruns" / "mlflow.db"
