"""Resolve the paths that users type to files."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from iot_ids.common.errors import UserError
from iot_ids.data.reading.layout import Layout
from iot_ids.data.schema import Dataset, SimulatedDataset


def training_files(dataset: Dataset, group: str = "dataset") -> list[Path]:
    """Return the files that `dataset.path` names, each once, in a stable order (`part_2` before `part_10`).

    In a folder, the first pattern of `format.files` that matches counts; a glob gives its matches, a list the files of
    all its members. `group` is the key that the user wrote: `dataset` or `test_dataset`.

    Raises:
        UserError: no path was given (the message says where to get the data and what to type), or it matches nothing.
    """
    if not dataset.path:
        raise UserError(f"{group}={dataset.name} needs a path: {group}.path=FILE_OR_FOLDER\n\n{dataset.about.strip()}")
    return files_at(dataset.path, dataset.format.files, f"{group}.path")


def files_at(path: Any, patterns: Sequence[str | Sequence[str]], key: str) -> list[Path]:
    """Return the files that `path`, a file, folder, glob or list of these, names.

    In a folder, the first of `patterns` that matches counts; several patterns in one place count as one. The user
    wrote the path under `key`.

    Raises:
        UserError: it matches nothing.
    """
    with _as_user_error(key, path):
        return _once(_files(path, patterns, key))


def official_test_files(dataset: Dataset) -> list[Path]:
    """Return the official test files: `dataset.test_path`, or the matches of `format.test_files` in `dataset.path`.

    Raises:
        UserError: the dataset declares none and none was given, nothing is found, or a training file is among them.
    """
    with _as_user_error("dataset.test_path", dataset.test_path):
        found = _once(_test_files(dataset))
    shared = set(_resolved(found)).intersection(_resolved(training_files(dataset)))
    if not shared:
        return found
    raise UserError(
        f"split=official: {', '.join(map(str, sorted(shared)))} is both training and test file of "
        f"dataset={dataset.name}; give only the training file as dataset.path"
    )


def files_not_read(path: Any, read: Sequence[Path]) -> list[Path]:
    """Return the other files in the folder that `path` names, so that a user learns of any that were left out."""
    folder = Path(path).expanduser() if isinstance(path, str | os.PathLike) else None
    if folder is None or not folder.is_dir():
        return []
    return sorted({file for file in folder.iterdir() if file.is_file()} - set(read), key=_natural)


@contextmanager
def _as_user_error(key: str, path: Any) -> Iterator[None]:
    """Turn the system's errors about a path into a UserError."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{key}={path}: {error}; fix the path") from error


def _test_files(dataset: Dataset) -> list[Path]:
    if dataset.test_path:
        return _files(dataset.test_path, dataset.format.test_files or dataset.format.files, "dataset.test_path")
    if (
        dataset.format.test_files
        and isinstance(dataset.path, str | os.PathLike)
        and Path(dataset.path).expanduser().is_dir()
    ):
        return _files(dataset.path, dataset.format.test_files, "dataset.path")
    if isinstance(dataset, SimulatedDataset):
        raise UserError(f"split=official: dataset={dataset.name} has no test file of its own; choose another split")
    raise UserError(
        f"split=official needs the test file of dataset={dataset.name}: give the folder of both files as dataset.path, "
        "or the file as dataset.test_path=FILE; split=random needs none"
    )


def _files(path: Any, patterns: Sequence[str | Sequence[str]], key: str) -> list[Path]:
    if isinstance(path, list | tuple):
        return [file for part in path for file in _files(part, patterns, key)]
    if not isinstance(path, str | os.PathLike):
        raise UserError(f"{key}={path} is not a file, folder or glob, nor a list of these")
    place = Path(path).expanduser()
    if place.is_file():
        return [place]
    if place.is_dir():
        return _in_folder(place, patterns, key)
    files = _matching(Path(place.anchor), str(place.relative_to(place.anchor)))
    if files:
        return files
    raise UserError(f"{key}={path} matches no file (searched from {Path.cwd()}); fix the path")


def _in_folder(folder: Path, patterns: Sequence[str | Sequence[str]], key: str) -> list[Path]:
    every = [[each] if isinstance(each, str) else [*each] for each in patterns]
    for some in every:
        if files := {file for pattern in some for file in _matching(folder, pattern)}:
            return sorted(files, key=_natural)
    there = ", ".join(sorted(file.name for file in folder.iterdir())[:8]) or "nothing"
    asked = " or ".join(pattern for some in every for pattern in some)
    raise UserError(f"{key}={folder} holds no file like {asked}; it holds {there}")


def _matching(folder: Path, pattern: str) -> list[Path]:
    return sorted((file for file in folder.glob(pattern) if file.is_file()), key=_natural)


def _natural(file: Path) -> list[tuple[int, str]]:
    """Sort key that compares numbers in a path as numbers."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", str(file))]


def _once(files: Sequence[Path]) -> list[Path]:
    """Drop files that were named twice, or their flows would count twice."""
    return list(dict(zip(_resolved(files), files, strict=True)).values())


def _resolved(files: Sequence[Path]) -> list[Path]:
    return [file.resolve() for file in files]


def first_rows(files: Sequence[Path], dataset: Dataset) -> dict[Path, int]:
    """Return the number of rows to read from the top of each file; files that are read whole are left out.

    Raises:
        UserError: a pattern matches none of `files`, or a file matches two patterns.
    """
    wanted = dataset.format.first_rows
    fitting = {file: [pattern for pattern in wanted if fnmatchcase(file.name, pattern)] for file in files}
    for pattern, count in wanted.items():
        if not any(pattern in patterns for patterns in fitting.values()):
            raise UserError(
                f"dataset={dataset.name} reads the first {count:,} rows of a file like {pattern}, but was given "
                f"{', '.join(file.name for file in files)}; as dataset.path, give the folder that holds it too, or a "
                "list of all files, or fix dataset.format.first_rows"
            )
    for file, patterns in fitting.items():
        if len(patterns) > 1:
            raise UserError(
                f"{file.name} matches {' and '.join(patterns)} of dataset.format.first_rows, so the "
                "number of rows to read is ambiguous; change the patterns so that each file matches one"
            )
    return {file: wanted[patterns[0]] for file, patterns in fitting.items() if patterns}


def refuse_short(heights: Sequence[int], layouts: Sequence[Layout]) -> None:
    """Refuse a file with fewer rows (`heights`, one per file) than are to be read from it: it is the wrong file.

    Raises:
        UserError: names the first such file, with its number of rows and the expected one.
    """
    for height, part in zip(heights, layouts, strict=True):
        if part.rows is not None and height < part.rows:
            raise UserError(
                f"{part.file}: has {height:,} rows, but dataset.format.first_rows asks for its first "
                f"{part.rows:,}; is it the right file, and whole? Get it again, or ask for fewer rows"
            )
