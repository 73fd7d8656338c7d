"""Locks that the operating system releases when their holder dies, however it dies: no clock, heartbeat or stale lock.

They have two uses: only one worker at a time chooses a trial, and a worker is alive as long as it holds its own lock.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from iot_ids.common.redact import unseal

POSTGRESQL = "postgresql"
WORKER = "worker-"
"""Prefix of the workers' names."""
LONGEST = 100
"""The most characters of a lock's name that go into the name of its file."""
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's error code for `lock_timeout`."""
KEEPALIVE = ("tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 3")
"""Drop a machine that vanished from the network after a minute, not after the system's default of two hours."""


class Locks(Protocol):
    """Named locks, shared by all workers of a storage."""

    def hold(self, name: str, seconds: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock; wait for its holder, at most `seconds` if given.

        Raises:
            HeldError: another process still holds it after that time.
        """

    def free(self, name: str) -> bool:
        """Whether no process holds the lock."""

    def sweep(self) -> None:
        """Remove what dead workers left. Call it only while no worker can be about to take its lock."""


class HeldError(Exception):
    """Another process held a lock until the wait for it timed out."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"another worker has held the lock for {seconds:.0f} s; is one of them suspended?")


class FileLocks:
    """One file per lock in a hidden folder beside `path`; for workers on one file system that supports `flock`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def hold(self, name: str, seconds: float | None = None) -> Iterator[None]:
        """Hold the lock; a worker's lock file is removed at the end."""
        lock = self._lock(name)
        try:
            lock.acquire(timeout=-1 if seconds is None else seconds)
        except Timeout as error:
            raise HeldError(seconds or 0) from error
        try:
            yield
        finally:
            _tidy(lock, name)
            lock.release()

    def free(self, name: str) -> bool:
        """Whether no process holds the lock; the file of a dead worker is removed."""
        lock = self._lock(name)
        try:
            with lock.acquire(timeout=0):
                _tidy(lock, name)
                return True
        except Timeout:
            return False

    def sweep(self) -> None:
        """Remove the files of dead workers."""
        for file in folder(self.path).glob(f"{WORKER}*"):
            self.free(file.name)

    def _lock(self, name: str) -> FileLock:
        return FileLock(folder(self.path) / _file_name(name), is_singleton=False)


def folder(path: Path) -> Path:
    """Return the folder for the locks of the storage `path`, and create it if needed."""
    made = path.with_name(f".{path.name}.locks")
    made.mkdir(parents=True, exist_ok=True)
    return made


def _file_name(name: str) -> str:
    """Turn a lock's name into a valid file name; studies may have any name."""
    plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    return plain if plain == name and len(name) < LONGEST else f"{plain[:LONGEST]}-{_key(name) % 2**64:016x}"


def _tidy(lock: FileLock, name: str) -> None:
    """Remove the file of a worker's lock, whose name is never reused; keep all others: a process may wait for them."""
    if name.startswith(WORKER):
        Path(lock.lock_file).unlink(missing_ok=True)


class DatabaseLocks:
    """PostgreSQL's advisory locks, which the server releases when the connection ends."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(unseal(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")

    @contextmanager
    def hold(self, name: str, seconds: float | None = None) -> Iterator[None]:
        """Hold the lock on its own connection."""
        with self.engine.connect() as connection:
            for setting in (*KEEPALIVE, f"lock_timeout = {int(1000 * (seconds or 0))}"):  # 0 waits forever
                connection.execute(text(f"set {setting}"))
            try:
                connection.execute(text("select pg_advisory_lock(:key)"), {"key": _key(name)})
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
                raise HeldError(seconds or 0) from error
            yield

    def sweep(self) -> None:
        """Do nothing: a released advisory lock leaves nothing behind."""

    def free(self, name: str) -> bool:
        """Whether no process holds the lock."""
        with self.engine.connect() as connection:
            return bool(connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": _key(name)}).scalar())


def _key(name: str) -> int:
    """Hash a name to the 64-bit integer that identifies a PostgreSQL lock."""
    return int.from_bytes(hashlib.sha256(f"iot-ids {name}".encode()).digest()[:8], signed=True)


def locks(storage: str, file: Path | None) -> Locks:
    """Return the locks for a storage: files beside its file, or the database's own."""
    return DatabaseLocks(storage) if file is None else FileLocks(file)
