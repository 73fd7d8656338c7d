"""Open the storage of a study: Optuna's journal in a file, SQLite, or PostgreSQL."""

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
"""How long SQLite waits while another worker writes."""


def absolute(storage: str) -> str:
    """Make a storage's relative path absolute, and seal its password.

    Raises:
        UserError: workers cannot share a storage of this kind.
    """
    if "://" not in storage:
        return str(Path(storage).expanduser().resolve())
    if storage.startswith(SQLITE) and len(storage) > len(SQLITE):
        return sqlite_url(sqlite_file(storage))
    if storage.startswith(POSTGRESQL):
        return seal_addresses(storage)
    raise UserError(
        f"hydra.sweeper.storage={seal_addresses(storage)} must be the name of a file (Optuna's journal), "
        "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    )


def file_of(storage: str) -> Path | None:
    """Return the file of an `absolute` storage; None for a server."""
    if "://" not in storage:
        return Path(storage)
    return sqlite_file(storage) if storage.startswith(SQLITE) else None


def opened(storage: str) -> BaseStorage:
    """Open the `absolute` storage, or create it. Only one process at a time may call this."""
    if "://" not in storage:
        lock = JournalLock(Path(storage))
        return JournalStorage(JournalFileBackend(storage, lock_obj=lock))  # type: ignore[arg-type]  # its base is private
    arguments = {"connect_args": {"timeout": BUSY_SECONDS}} if storage.startswith(SQLITE) else {"pool_pre_ping": True}
    return RDBStorage(unseal(storage), engine_kwargs=arguments)


class StorageError(UserError):
    """The study cannot be read or written, which ends the sweep and fails no trial."""


class JournalLock:
    """The lock that a worker holds while it appends to the journal.

    Optuna's own lock is a file that outlives a killed holder and counts as stale after 30 s; the system releases this
    one. A line that a killed writer left unfinished would corrupt the next one, so it is removed.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.lock = FileLock(folder(journal) / "append", is_singleton=False)

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        self.lock.acquire()
        _cut_unfinished_line(self.journal)
        return True

    def release(self) -> None:
        """Release the lock."""
        self.lock.release()


def refuse_other(storage: str) -> None:
    """Raise a UserError if the file is not a journal, or the database is an MLflow store.

    Nothing is created.
    """
    if "://" not in storage:
        _refuse_other_file(Path(storage))
    elif tables_of(unseal(storage)) >= MLFLOWS:
        raise UserError(
            f"hydra.sweeper.storage={storage} is MLflow's store, and Optuna's tables would corrupt it; name another "
            "file or database"
        )


def _refuse_other_file(file: Path) -> None:
    if file.is_dir() or (file.exists() and file.open("rb").read(1) not in (b"", b"{")):
        raise UserError(f"hydra.sweeper.storage={file} is not an Optuna journal; name another file")


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
def as_storage_error(storage: str) -> Iterator[None]:
    """Turn errors of the storage, and a missing package that a sampler needs, into a UserError."""
    try:
        yield
    except ModuleNotFoundError as error:
        driver = (error.name or "").startswith("psycopg")
        command = "pip install -c constraints.txt -e '.[postgresql]'" if driver else f"pip install {error.name}"
        raise StorageError(f"{error}; install it: {command}") from error
    except HeldError as error:
        raise StorageError(f"hydra.sweeper.storage={storage}: {error}") from error
    except (OSError, ArgumentError, SQLAlchemyError, StorageInternalError, UpdateFinishedTrialError) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(redact_secrets(f"hydra.sweeper.storage={storage} cannot be used: {reason}")) from error
