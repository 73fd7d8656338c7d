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
from sqlalchemy.pool import NullPool

POSTGRESQL = "postgresql"
WORKER = "worker-"
"""What the names of workers begin with."""
KEEPALIVE = ("tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 3")
"""A machine that vanishes from the network is given up after a minute, not after the system's two hours."""


class Locks(Protocol):
    """Locks by name, shared by all workers of a storage."""

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock, waiting for it as long as another has it."""

    def free(self, name: str) -> bool:
        """Whether nobody holds the lock."""


class FileLocks:
    """A file per lock, in a hidden folder beside `path`; for workers on one file system that knows `flock`."""

    def __init__(self, path: Path) -> None:
        self.folder = folder(path)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold the lock; a worker's file is removed with it."""
        lock = self._lock(name)
        with lock:
            try:
                yield
            finally:
                _tidy(lock, name)

    def free(self, name: str) -> bool:
        """Whether nobody holds the lock; a dead worker's file is removed."""
        lock = self._lock(name)
        try:
            with lock.acquire(timeout=0):
                _tidy(lock, name)
                return True
        except Timeout:
            return False

    def _lock(self, name: str) -> FileLock:
        return FileLock(self.folder / re.sub(r"[^\w.-]", "_", name), is_singleton=False)


def folder(path: Path) -> Path:
    """The folder for the locks of the storage `path`; made where it is not there."""
    made = path.with_name(f".{path.name}.locks")
    made.mkdir(parents=True, exist_ok=True)
    return made


def _tidy(lock: FileLock, name: str) -> None:
    """A worker's name is never used again, nor is its file; the others' stay, since somebody may wait for them."""
    if name.startswith(WORKER):
        Path(lock.lock_file).unlink(missing_ok=True)


class DatabaseLocks:
    """PostgreSQL's advisory locks: the server lets go of them when the connection ends."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold the lock on a connection of its own."""
        with self.engine.connect() as connection:
            for setting in KEEPALIVE:
                connection.execute(text(f"set {setting}"))
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": _key(name)})
            yield

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
