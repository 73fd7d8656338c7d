"""Kept folders as somebody might have changed them: on purpose, with the manifest rebuilt, or long ago."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iot_ids.serving import manifest

Change = Callable[[dict[str, Any]], object]


def change_json(file: Path, change: Change) -> None:
    """`file` as `change` leaves it, and the manifest beside it rebuilt, where there is one."""
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(facts))
    rebuild(file.parent)


def change_schema(file: Path, change: Change) -> None:
    """The schema of the skops file `file` as `change` leaves it, and the manifest rebuilt."""
    with zipfile.ZipFile(file) as parts:
        contents = {name: parts.read(name) for name in parts.namelist()}
    schema = json.loads(contents["schema.json"])
    change(schema)
    with zipfile.ZipFile(file, "w") as parts:
        for name, content in (contents | {"schema.json": json.dumps(schema).encode()}).items():
            parts.writestr(name, content)
    rebuild(file.parent)


def rebuild(folder: Path) -> None:
    """Make the manifest say what is there now."""
    if (folder / manifest.FILE).exists():
        manifest.write(folder)


def kept_before(folder: Path, *keys: str) -> None:
    """Make the folder one from before there were manifests, and before there were `keys` in detector.json."""
    (folder / manifest.FILE).unlink()
    change_json(folder / "detector.json", lambda facts: [facts.pop(key) for key in ("version", "format", *keys)])
