"""The size and SHA-256 of every file in a saved folder, so that damage is found before anything is read.

It detects damage, not tampering: whoever changes a file on purpose can change its entry here as well.
"""

import hashlib
import json
from pathlib import Path

from iot_ids.common.errors import UserError

FILE = "manifest.json"
REMEDY = "copy the model again, or train again"


def write(folder: Path) -> None:
    """Write `manifest.json` for the files in `folder` and its subfolders."""
    (folder / FILE).write_text(json.dumps({"files": _files(folder)}, indent=1), encoding="utf-8")


def check(folder: Path) -> bool:
    """Check the files against the manifest; return whether there is one, which older folders lack.

    Raises:
        UserError: a file was changed, is missing or was added (named), or the manifest itself is damaged.
    """
    if not (folder / FILE).is_file():
        return False
    kept, found = _kept(folder), _files(folder)
    for name in sorted(kept.keys() | found.keys()):
        if name not in found:
            raise UserError(f"{name} is missing, which the run kept; {REMEDY}")
        if name not in kept:
            raise UserError(f"{name} was added since the run kept the model; remove it if you know it, or {REMEDY}")
        if kept[name] != found[name]:
            raise UserError(f"{name} was changed or cut off since the run kept it; {REMEDY}")
    return True


def _kept(folder: Path) -> dict[str, object]:
    try:
        return dict(json.loads((folder / FILE).read_text(encoding="utf-8"))["files"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(f"{FILE} was changed or cut off since the run kept it; {REMEDY}") from error


def _files(folder: Path) -> dict[str, object]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file != folder / FILE)
    return {file.relative_to(folder).as_posix(): _facts(file) for file in files}


def _facts(file: Path) -> dict[str, object]:
    with file.open("rb") as stream:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
