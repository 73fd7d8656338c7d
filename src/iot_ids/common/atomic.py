"""Temporary folders, and files that appear complete or not at all.

Each is guarded by a lease, so that the leftovers of a killed process are recognised and removed later.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from iot_ids.common.leases import hold, take_abandoned

PREFIX, LEASE = ".iot-ids-", ".lease"
"""Prefix of the folders' names and suffix of their leases'."""


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Create a folder in `parent`, by default the system's temporary folder; remove it when the block ends.

    Only its owner can read it.

    Raises:
        OSError: it cannot be created.
    """
    place = (parent or Path(tempfile.gettempdir())) / f"{PREFIX}{token_hex(8)}"
    with hold(place.with_name(place.name + LEASE)) as lease:
        try:
            place.mkdir(mode=0o700)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            lease.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary file to write to, which replaces `path` if the block ends without an exception.

    A reader never sees a partial file. Missing parent folders are created.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent) as place:
        yield place / path.name
        os.replace(place / path.name, path)


def remove_leftovers(parent: Path | None = None) -> None:
    """Remove the folders of killed processes from `parent`, by default the system's temporary folder."""
    for lease in take_abandoned(parent or Path(tempfile.gettempdir()), f"{PREFIX}*{LEASE}"):
        shutil.rmtree(lease.with_name(lease.name.removesuffix(LEASE)), ignore_errors=True)
