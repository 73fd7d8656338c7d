"""What is written aside: temporary folders, and files that appear whole or not at all.

Each stands behind a lease, so that what a killed process left is known as such and removed at the next opening.
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
"""How the names of folders begin, and those of their leases end."""


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, by default where the system keeps what is temporary; removed when the block ends.

    Only its user can look into it.

    Raises:
        OSError: it cannot be made.
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
    """A file to write to, of the same name in a folder aside, which becomes `path` where the block ends well.

    A reader never meets half of it. The folder that `path` lies in is made where it is missing.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent) as place:
        yield place / path.name
        os.replace(place / path.name, path)


def remove_leftovers(parent: Path | None = None) -> None:
    """Remove from `parent`, by default where the system keeps what is temporary, the folders of killed processes."""
    for lease in take_abandoned(parent or Path(tempfile.gettempdir()), f"{PREFIX}*{LEASE}"):
        shutil.rmtree(lease.with_name(lease.name.removesuffix(LEASE)), ignore_errors=True)
