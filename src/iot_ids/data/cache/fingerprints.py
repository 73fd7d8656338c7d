"""Compute a file's SHA-256, and reuse it while the file's stamp stays the same.

The stamp is device, inode, size, mtime and ctime; a user cannot set the ctime back. A file that changed within the last
SETTLED seconds may change again within the same clock tick, and a clock may be wrong: such a file is hashed every time.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from iot_ids.common.atomic import atomic_write

SETTLED = 2.0
Stamp = tuple[int, int, int, int, int]
_known: dict[Stamp, str] = {}
"""Hashes computed by this process."""


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remembered(file: Path, folder: Path | None) -> str:
    """Return `sha256(file)`; for an unchanged file from memory, or from `folder`, where an earlier process left it.

    Raises:
        OSError: the file cannot be read.
    """
    before = _stamp(file)
    note = None if folder is None else folder / f"hash-{_sum(str(file.resolve()))[:32]}.json"
    known = None if before is None else _known.get(before) or (note and _noted(note, before))
    digest = known or sha256(file)
    if before is not None and before == _stamp(file):
        _known[before] = digest
        if note is not None and known is None:
            _note(note, before, digest)
    return digest


def _stamp(file: Path) -> Stamp | None:
    """Return the stamp; None if the file changed too recently."""
    found = file.stat()
    if time.time() - max(found.st_mtime, found.st_ctime) < SETTLED:
        return None
    return stamp_of(found)


def stamp_of(found: os.stat_result) -> Stamp:
    """Return what differs in a file's state after it was written or replaced."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _noted(note: Path, stamp: Stamp) -> str | None:
    """Return the hash that `_note` wrote for this stamp; None if it wrote none, or the note is damaged."""
    with suppress(OSError, ValueError, TypeError, LookupError):
        content = json.loads(note.read_text())
        if content["stamp"] == list(stamp) and content["check"] == _sum(json.dumps([stamp, content["sha256"]])):
            return str(content["sha256"])
    return None


def _note(note: Path, stamp: Stamp, digest: str) -> None:
    """Write a note atomically; a folder that cannot be written only costs the next start some time."""
    content = {"stamp": stamp, "sha256": digest, "check": _sum(json.dumps([stamp, digest]))}
    with suppress(OSError), atomic_write(note) as new:
        new.write_text(json.dumps(content))


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
