"""Read many small files as one, so that the fixed cost of a reading is paid once."""

from collections.abc import Sequence
from dataclasses import replace

from iot_ids.data.reading.layout import Layout
from iot_ids.data.reading.lines import PIECE, blocks, lines_in
from iot_ids.data.reading.packed import readable

SMALL, TOGETHER = 2**20, 16 * 2**20
"""Largest size in bytes of a file that is read with its neighbours, and of all that are read at once."""


def together(layouts: Sequence[Layout]) -> list[list[Layout]]:
    """Group the files, in order, by what can be read at once: small neighbouring text files with the same layout.

    Raises:
        UserError: a file cannot be read.
    """
    groups: list[list[Layout]] = []
    held = 0
    for part in layouts:
        size = _size(part)
        if groups and held + size <= TOGETHER and replace(part, file=groups[-1][0].file) == groups[-1][0]:
            groups[-1].append(part)
        else:
            groups.append([part])
            held = 0
        held += size
    return groups


def content_of(parts: Sequence[Layout]) -> tuple[bytes, list[int]]:
    """Return the rows of text files, each line with its end, and the number of rows of each.

    Raises:
        UserError: a file cannot be read.
    """
    contents = [b"".join(blocks(part.file, PIECE, part.header_lines)) for part in parts]
    ended = [content if content.endswith(b"\n") or not content else content + b"\n" for content in contents]
    return b"".join(ended), [lines_in(content) if content else 0 for content in ended]


def _size(part: Layout) -> int:
    """Size in bytes; TOGETHER if the file has to be read by itself."""
    with readable(part.file):
        size = part.file.stat().st_size
    return size if part.separator is not None and part.rows is None and size <= SMALL else TOGETHER
