"""Where a study is kept: Optuna's journal in a file, SQLite, or PostgreSQL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from iot_ids.common.errors import UserError
from iot_ids.common.redact import redact_secrets, seal_addresses, unseal
from iot_ids.sweep.locks import POSTGRESQL, HeldError, folder
from iot_ids.tracking.databases import MLFLOWS, SQLITE, sqlite_file, sqlite_url, tables_of

BUSY_SECONDS = 60
"""How long SQLite waits for another worker's writing."""


def absolute(storage: str) -> str:
    """The storage with a relative file made absolute, sealed.

    Raises:
        UserError: it is of a kind that cannot be shared by workers.
    """
    if "://" not in storage:
        return str(Path(storage).expanduser().resolve())
    if storage.startswith(SQLITE) and len(storage) > len(SQLITE):
        return sqlite_url(sqlite_file(storage))
    if storage.startswith(POSTGRESQL):
        return seal_addresses(storage)
    raise UserError(
        f"hydra.sweeper.storage={seal_addresses(storage)} is none of: a file's name (Optuna's journal), "
        "sqlite:///FILE, postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    )


def file_of(storage: str) -> Path | None:
    """The file that an `absolute` storage is; None for a server."""
    if "://" not in storage:
        return Path(storage)
    return sqlite_file(storage) if storage.startswith(SQLITE) else None


def opened(storage: str) -> BaseStorage:
    """The `absolute` storage, made where it is new: one process at a time may come through here."""
    if "://" not in storage:
        lock = JournalLock(Path(storage))
        return JournalStorage(JournalFileBackend(storage, lock_obj=lock))  # type: ignore[arg-type]  # its base is private
    arguments = {"connect_args": {"timeout": BUSY_SECONDS}} if storage.startswith(SQLITE) else {"pool_pre_ping": True}
    return RDBStorage(unseal(storage), engine_kwargs=arguments)


class StorageError(UserError):
    """The study cannot be read or written: the end of the sweep, and no trial's fault."""


class JournalLock:
    """What a worker holds while it appends to the journal.

    Optuna's own lock is a file that outlives a killed holder and is taken to be stale after 30 s; this one the system
    lets go of. A line that its writer did not finish says nothing and would spoil the next: it is cut off.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.lock = FileLock(folder(journal) / "append", is_singleton=False)

    def acquire(self) -> bool:
        """Wait for the lock."""
        self.lock.acquire()
        _cut_unfinished_line(self.journal)
        return True

    def release(self) -> None:
        """Let go of it."""
        self.lock.release()


def refuse_other(storage: str) -> None:
    """Raise a UserError before somebody's notes are taken for a journal, or MLflow's store gets Optuna's tables.

    Nothing is made for it.
    """
    if "://" not in storage:
        _refuse_other_file(Path(storage))
    elif tables_of(unseal(storage)) >= MLFLOWS:
        raise UserError(
            f"hydra.sweeper.storage={storage}: is MLflow's store; Optuna's tables would spoil it: name another "
            "file or database"
        )


def _refuse_other_file(file: Path) -> None:
    if file.is_dir() or (file.exists() and file.open("rb").read(1) not in (b"", b"{")):
        raise UserError(f"hydra.sweeper.storage={file}: is no journal of Optuna's; name another file")


def _cut_unfinished_line(journal: Path) -> None:
    with journal.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        if end == 0:
            return
        file.seek(end - 1)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


@contextmanager
def told(storage: str) -> Iterator[None]:
    """What goes wrong with the storage, or a package that somebody's sampler wants, as a UserError."""
    try:
        yield
    except ModuleNotFoundError as error:
        driver = (error.name or "").startswith("psycopg")
        command = "pip install -c constraints.txt -e '.[postgresql]'" if driver else f"pip install {error.name}"
        raise StorageError(f"{error}; install it: {command}") from error
    except HeldError as error:
        raise StorageError(f"hydra.sweeper.storage={storage}: {error}") from error
    except (OSError, ArgumentError, SQLAlchemyError, StorageInternalError, UpdateFinishedTrialError) as error:
        reason = redact_secrets(str(error)).splitlines()[0]
        raise StorageError(f"hydra.sweeper.storage={storage}: cannot be used: {reason}") from error
