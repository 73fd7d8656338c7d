"""Open text files, plain or compressed by gzip, bzip2, xz or zip, recognised by their first bytes."""

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import polars as pl

from iot_ids.common.errors import UserError

KINDS = {
    rb"\x1f\x8b": "gzip",
    rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": "bzip2",  # its first block, or the end of an empty file
    rb"\xfd7zXZ\x00": "xz",
    rb"PK(\x03\x04|\x05\x06)": "zip",
}
"""First bytes of compressed files that can be read."""
OTHERS = {
    rb"\x28\xb5\x2f\xfd": "is packed by Zstandard; unpack it first",
    rb"7z\xbc\xaf\x27\x1c": "is an archive of 7-Zip; unpack it first",
    rb"Rar!\x1a\x07": "is an archive of RAR; unpack it first",
    rb"PAR1[\x00-\x1f]": "is a Parquet file; give it a name that ends in .parquet",
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "is a file of Excel; save it as CSV",
    rb"\xff\xfe|\xfe\xff": "is text in UTF-16; save it as UTF-8",
}
"""First bytes of files that cannot be read, and how to describe them."""
BROKEN = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # not an Exception; raised by Polars when its own code failed
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,  # zip: a compression that Python lacks
)


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Turn errors while the file is read into a UserError."""
    try:
        yield
    except BROKEN as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{file}: cannot be read ({said}); is it whole? Get or unpack it again") from error


def opened(file: Path) -> BufferedIOBase:
    """Open the file's text as bytes, decompressed.

    Raises:
        UserError: it is of a kind that cannot be read; the message names it.
        OSError, EOFError, zlib.error, lzma.LZMAError, BadZipFile: it cannot be opened.
    """
    kind = _kind(file)
    if kind == "zip":
        return _zipped(file)
    modules = {"gzip": gzip, "bzip2": bz2, "xz": lzma}
    return modules[kind].open(file, "rb") if kind in modules else file.open("rb")


def for_polars(file: Path) -> Path | bytes:
    """Return a source for Polars: the file itself, or its content if Polars cannot decompress it.

    Raises:
        UserError, OSError, EOFError, zlib.error, lzma.LZMAError, BadZipFile: as `opened`.
    """
    if _kind(file) in ("plain", "gzip"):
        return file
    with opened(file) as stream:
        return stream.read()


def _kind(file: Path) -> str:
    with file.open("rb") as raw:
        first = raw.read(10)
    for pattern, said in OTHERS.items():
        if re.match(pattern, first):
            raise UserError(f"{file}: {said}")
    return next((kind for pattern, kind in KINDS.items() if re.match(pattern, first)), "plain")


def _zipped(file: Path) -> BufferedIOBase:
    with zipfile.ZipFile(file) as archive:
        inside = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX")]
        if len(inside) != 1:
            names = ", ".join(each.filename for each in inside[:5]) or "nothing"
            raise UserError(
                f"{file}: is a zip archive of {len(inside)} files ({names}); unpack it, and give those meant"
            )
        if inside[0].flag_bits & 1:
            raise UserError(f"{file}: is a zip archive that needs a password; unpack it first")
        return cast(BufferedIOBase, archive.open(inside[0]))  # stays open when the archive is closed
