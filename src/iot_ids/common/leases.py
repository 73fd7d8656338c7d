"""Leases: files locked for as long as the process that holds them lives.

The system releases the lock when its holder dies, even by `kill -9`. Neither clocks nor process ids are involved: an
id may be reused, and in a container every first process has id 1.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def hold(lease: Path) -> Iterator[Path]:
    """Create and lock `lease`, a new file in an existing folder, until the block ends.

    Remove the file before the block ends once the guarded resource is gone; otherwise `take_abandoned` finds it.

    Raises:
        OSError: the file cannot be created, or exists already.
    """
    handle = _create_locked(lease)
    try:
        yield lease
    finally:
        os.close(handle)


def take_abandoned(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Yield the leases in `folder` whose holders are gone. Each stays locked until the next is requested, then removed.

    Leases of other users, who may share a temporary folder, are skipped, and so is anything but a regular file.
    """
    for lease in sorted(folder.glob(pattern)):
        if (handle := _take_over(lease)) is not None:
            try:
                yield lease
                lease.unlink(missing_ok=True)
            finally:
                os.close(handle)


def _create_locked(lease: Path) -> int:
    """Create and lock the file; return its handle. If `take_abandoned` got in between, start again."""
    while True:
        handle = os.open(lease, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(
            OSError
        ):  # `take_abandoned` has it, or the file system has no locks: then nobody can take it over either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:
                return handle
        if not _supports_locks(handle):
            return handle
        os.close(handle)
        lease.unlink(missing_ok=True)


def _supports_locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_UN)
    except OSError:
        return False
    return True


def _take_over(lease: Path) -> int | None:
    """Lock the file and return its handle; None if its holder lives, or it belongs to another user."""
    with suppress(OSError):
        found = lease.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            return None
        handle = os.open(lease, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError:
            os.close(handle)
    return None
