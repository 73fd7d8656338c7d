"""Cache of tables, keyed by everything they depend on. A damaged entry is rebuilt, never served."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

import iot_ids.data
from iot_ids.common import atomic
from iot_ids.data.cache.eviction import hold, touch
from iot_ids.data.cache.fingerprints import remembered, sha256

MANIFEST = "manifest.json"
NOTES = "notes.json"
ENTRY = "entry"
"""The manifest's key for the folder's own name: an entry under another name is not valid."""
ATTEMPTS = 5
PACKAGE = Path(iot_ids.data.__file__).parent
"""The whole data package: any of its code may change the tables."""


def key(settings: Any) -> str:
    """Return the name of an entry: a hash of the settings, this package's code and Polars' version.

    The order of settings matters: the order of the classes decides the tables' class codes.
    """
    code = [sha256(file) for file in sorted(PACKAGE.rglob("*.py"))]
    text = json.dumps([settings, code, pl.__version__], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Entry:
    """A folder with a Parquet file per table, the notes, and a manifest with its name and the SHA-256 of each file.

    It is written to one side and then renamed, so it is complete or absent. If several processes build the same entry,
    the first one wins.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: BinaryIO | None = None

    def use(self) -> None:
        """Protect the entry from eviction for as long as this object lives, and record that it was used now."""
        self.held = hold(self.folder / MANIFEST)
        touch(self.folder / MANIFEST)

    def get(self, name: str) -> pl.DataFrame | None:
        """Return the table `name`; None if it is absent or damaged."""
        content = self._content(f"{name}.parquet")
        return None if content is None else pl.read_parquet(content)

    def notes(self) -> dict[str, Any] | None:
        """Return the notes; None if they are absent or damaged."""
        content = self._content(NOTES)
        return None if content is None else dict(json.loads(content))

    def put(self, tables: Mapping[str, pl.DataFrame], notes: Mapping[str, Any]) -> None:
        """Write the entry in one step, replacing a damaged one."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic.temporary_folder(self.folder.parent) as place:
            new = place / "new"
            new.mkdir()
            for name, table in tables.items():
                table.write_parquet(new / f"{name}.parquet", compression="lz4")
            (new / NOTES).write_text(json.dumps(notes))
            sums = {file.name: sha256(file) for file in sorted(new.iterdir())}
            (new / MANIFEST).write_text(json.dumps({ENTRY: self.folder.name, **sums}))
            self._place(new, sums)

    def _place(self, new: Path, names: Iterable[str]) -> None:
        """Rename `new` to the entry's folder, unless a valid one exists; move a damaged one away."""
        for attempt in range(ATTEMPTS):  # others may do the same at the same time
            with suppress(OSError):
                os.rename(new, self.folder)
                return
            if all(self._content(name) is not None for name in names):
                return
            with suppress(FileNotFoundError):
                os.rename(self.folder, new.with_name(f"damaged-{attempt}"))
        os.rename(new, self.folder)

    def _content(self, name: str) -> bytes | None:
        """Return the content of the file `name`; None if it is absent or damaged."""
        try:
            sums = json.loads((self.folder / MANIFEST).read_text())
            content = (self.folder / name).read_bytes()
            whole = hashlib.sha256(content).hexdigest() == sums[name] and sums[ENTRY] == self.folder.name
            return content if whole else None
        except (OSError, LookupError, TypeError, ValueError):
            return None


def file_once(path: Path, write: Callable[[Path], None]) -> Path:
    """Write `path` with `write`, which has to be atomic, unless it exists undamaged; return `path`.

    Its SHA-256 is kept in a file beside it.
    """
    beside = path.with_name(f"{path.name}.sha256")
    try:
        whole = beside.read_text() == remembered(path, path.parent)
    except (OSError, ValueError):
        whole = False
    if not whole:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        beside.write_text(sha256(path))
    touch(beside)
    return path
