"""Locks that the system lets go of when their holder dies, however it dies: no clock, no heartbeat, no stale lock.

They serve two ends: one worker at a time chooses a trial, and a worker is alive as long as it holds its own lock.
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

from iot_ids.common.redact import whole

POSTGRESQL = "postgresql"
WORKER = "worker-"
"""What the names of workers begin with."""
LONGEST = 100
"""Characters of a lock's name in the name of its file."""
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's word for a wait that took too long."""
KEEPALIVE = ("tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 3")
"""A machine that vanishes from the network is given up after a minute, not after the system's two hours."""


class Locks(Protocol):
    """Locks by name, shared by all workers of a storage."""

    def hold(self, name: str, seconds: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock, waiting for it as long as another has it, or for so many seconds.

        Raises:
            HeldError: another has it even then.
        """

    def free(self, name: str) -> bool:
        """Whether nobody holds the lock."""

    def sweep(self) -> None:
        """Remove what dead workers left; to be called where no worker can be about to take its lock."""


class HeldError(Exception):
    """Another process has had a lock for longer than anybody wants to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"another worker has had its lock for {seconds:.0f} s; is one stopped?")


class FileLocks:
    """A file per lock, in a hidden folder beside `path`; for workers on one file system that knows `flock`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def hold(self, name: str, seconds: float | None = None) -> Iterator[None]:
        """Hold the lock; a worker's file is removed with it."""
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
        """Whether nobody holds the lock; a dead worker's file is removed."""
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
    """The folder for the locks of the storage `path`; made where it is not there."""
    made = path.with_name(f".{path.name}.locks")
    made.mkdir(parents=True, exist_ok=True)
    return made


def _file_name(name: str) -> str:
    """A name that any file system takes; a study may be called anything."""
    plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    return plain if plain == name and len(name) < LONGEST else f"{plain[:LONGEST]}-{_key(name) % 2**64:016x}"


def _tidy(lock: FileLock, name: str) -> None:
    """A worker's name is never used again, nor is its file; the others' stay, since somebody may wait for them."""
    if name.startswith(WORKER):
        Path(lock.lock_file).unlink(missing_ok=True)


class DatabaseLocks:
    """PostgreSQL's advisory locks: the server lets go of them when the connection ends."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(whole(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")

    @contextmanager
    def hold(self, name: str, seconds: float | None = None) -> Iterator[None]:
        """Hold the lock on a connection of its own."""
        with self.engine.connect() as connection:
            for setting in (*KEEPALIVE, f"lock_timeout = {int(1000 * (seconds or 0))}"):  # 0 is without end
                connection.execute(text(f"set {setting}"))
            try:
                connection.execute(text("select pg_advisory_lock(:key)"), {"key": _key(name)})
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
                raise HeldError(seconds or 0) from error
            yield

    def sweep(self) -> None:
        """Nothing: what the server lets go of is gone."""

    def free(self, name: str) -> bool:
        """Whether nobody holds the lock."""
        with self.engine.connect() as connection:
            return bool(connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": _key(name)}).scalar())


def _key(name: str) -> int:
    """A name as the 64-bit number that PostgreSQL takes."""
    return int.from_bytes(hashlib.sha256(f"iot-ids {name}".encode()).digest()[:8], signed=True)


def locks(storage: str, file: Path | None) -> Locks:
    """The locks that fit a storage: beside its file, where it is one."""
    return DatabaseLocks(storage) if file is None else FileLocks(file)
