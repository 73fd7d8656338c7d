"""Of which files only the first rows are read: `dataset.format.first_rows`, worked out for the files at hand."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from iot_ids.data.read import Layout
from iot_ids.data.spec import Dataset
from iot_ids.errors import UserError


def first_rows(files: Sequence[Path], dataset: Dataset) -> dict[Path, int]:
    """How many rows from the top are read of a file; those of `files` that are read whole are left out.

    Raises:
        UserError: a pattern fits none of `files`, or a file fits two patterns.
    """
    wanted = dataset.format.first_rows
    fitting = {file: [pattern for pattern in wanted if fnmatchcase(file.name, pattern)] for file in files}
    for pattern, count in wanted.items():
        if not any(pattern in patterns for patterns in fitting.values()):
            raise UserError(
                f"dataset={dataset.name} reads the first {count:,} rows of a file like {pattern}, but was given "
                f"{', '.join(file.name for file in files)}; as dataset.path, give the folder that holds it too, or a "
                "list of all files, or mend dataset.format.first_rows"
            )
    for file, patterns in fitting.items():
        if len(patterns) > 1:
            raise UserError(
                f"{file.name} fits {' and '.join(patterns)} of dataset.format.first_rows; how many of its rows are "
                "meant? Mend the patterns, so that a file fits one"
            )
    return {file: wanted[patterns[0]] for file, patterns in fitting.items() if patterns}


def refuse_short(heights: Sequence[int], layouts: Sequence[Layout]) -> None:
    """Refuse a file with fewer rows (`heights`, one per file) than are to be read of it: it is not the one meant.

    Raises:
        UserError: the first such file, the rows it has and those it should have.
    """
    for height, part in zip(heights, layouts, strict=True):
        if part.rows is not None and height < part.rows:
            raise UserError(
                f"{part.file}: has {height:,} rows, but dataset.format.first_rows asks for its first "
                f"{part.rows:,}; is it the right file, and whole? Get it again, or ask for fewer rows"
            )
