"""Leases: files that are locked by whoever lives by them.

The system lets go of the lock when its holder dies, by `kill -9` as well. No clock is asked, and no number of a
process, which another may have by now: in a container every first process is number 1.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def hold(lease: Path) -> Iterator[Path]:
    """Hold `lease`, a name that nobody has used, in a folder that is there.

    Whoever is done with what stands behind it removes the file before the block ends; otherwise `left` finds it.

    Raises:
        OSError: the file cannot be made, or the name is taken.
    """
    handle = _create_locked(lease)
    try:
        yield lease
    finally:
        os.close(handle)


def take_abandoned(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """The leases in `folder` whose holders are gone. Each is held until the next is asked for, and removed then.

    Other users' are left alone, in a temporary folder that is shared with them, and so is what is no plain file.
    """
    for lease in sorted(folder.glob(pattern)):
        if (handle := _take_over(lease)) is not None:
            try:
                yield lease
                lease.unlink(missing_ok=True)
            finally:
                os.close(handle)


def _create_locked(lease: Path) -> int:
    """A handle of the new, locked file. One that `left` has met before it was locked is made again."""
    while True:
        handle = os.open(lease, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # `left` has it, or locks are unknown here: then nobody can take it over either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:
                return handle
        if not _locks_are_known(handle):
            return handle
        os.close(handle)
        lease.unlink(missing_ok=True)


def _locks_are_known(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_UN)
    except OSError:
        return False
    return True


def _take_over(lease: Path) -> int | None:
    """A handle of the file, locked; None where its holder lives, or it is none of this user's business."""
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
