"""Keep the cache within its size limit: evict the least recently used items, never one that a process needs.

A reader holds a shared lock on one of the item's files (`hold`); removing it takes an exclusive lock.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from iot_ids.common.atomic import remove_leftovers

GIB = 2**30
ABANDONED = 86_400.0
"""Seconds after which files that an earlier version was writing or had moved away count as abandoned."""
ENTRY = re.compile(r"[0-9a-f]{32}")
ASIDE = re.compile(r"[0-9a-f]{32}\..+|\.(hash|simulated)-.+")


@dataclass(frozen=True)
class Item:
    """A cached item: its paths, the file that its readers lock, when it was last used, and its size in bytes."""

    paths: tuple[Path, ...]
    lock: Path | None
    used: float
    size: int


def hold(file: Path) -> BinaryIO | None:
    """Keep the item of `file` for as long as the returned stream is open; None if it is being removed."""
    with suppress(OSError):
        stream = file.open("rb")
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return stream
        stream.close()
    return None


def touch(file: Path) -> None:
    """Record that the item was used now."""
    with suppress(OSError):
        os.utime(file)


def evict(folder: Path, limit: float) -> tuple[int, int]:
    """Remove items until `folder` holds at most `limit` bytes; return their number and size in bytes.

    Unfinished files of killed processes are removed as well.
    """
    remove_leftovers(folder)
    items = sorted(_items(folder), key=lambda item: item.used)
    left, removed, freed = sum(item.size for item in items), 0, 0
    for item in items:
        if left <= limit:
            break
        if _remove(item):
            left, removed, freed = left - item.size, removed + 1, freed + item.size
    return removed, freed


def count_items(folder: Path) -> int:
    """Return the number of items in `folder`."""
    return sum(1 for _ in _items(folder))


def _items(folder: Path) -> Iterator[Item]:
    """Yield this project's items in `folder`; other files are left alone."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            with suppress(OSError):  # another process removed it
                if item := _item(path):
                    yield item


def _item(path: Path) -> Item | None:
    if ENTRY.fullmatch(path.name) and path.is_dir():
        manifest = path / "manifest.json"
        used = manifest if manifest.exists() else path
        return Item((path,), manifest, used.stat().st_mtime, _size(path))
    if path.name.startswith("simulated-") and path.suffix == ".csv":
        beside = path.with_name(f"{path.name}.sha256")
        used = beside if beside.exists() else path
        return Item((path, beside), path, used.stat().st_mtime, path.stat().st_size)
    if path.name.startswith("hash-") and path.suffix == ".json":
        return Item((path,), None, path.stat().st_mtime, path.stat().st_size)
    if ASIDE.fullmatch(path.name) and time.time() - path.stat().st_mtime > ABANDONED:
        return Item((path,), None, 0.0, _size(path))
    return None


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def _remove(item: Item) -> bool:
    """Remove an item; return False if a process is reading it."""
    if item.lock is not None and item.lock.exists():
        with item.lock.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            _delete(item)
    else:
        _delete(item)
    return True


def _delete(item: Item) -> None:
    for path in item.paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
