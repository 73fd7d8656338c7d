"""Packed files are read as they would be unpacked; what cannot be read is called by its kind."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from iot_ids.common.errors import UserError
from iot_ids.data.clean import clean
from iot_ids.data.schema import Dataset, Duplicates

Csv = Callable[..., Path]
ROWS = [f"{row},tcp,80,{row},0.5,0,Normal" for row in range(300)]


def zipped(content: bytes, *names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("flows.csv",):
            archive.writestr(name, content)
    return packed.getvalue()


PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("odd", [[], ["1,tcp,80,x,0.5,0,Normal"], ['1,t"cp,80,5,0.5,0,Normal']])
@pytest.mark.parametrize("limit", [None, 20])
def test_a_packed_file_is_the_file(small: Dataset, csv: Csv, kind: str, odd: list[str], limit: int | None) -> None:
    dataset = replace(
        small, unreadable_share=1.0, format=replace(small.format, first_rows={"flows*": limit} if limit else {})
    )
    file = csv(*ROWS[:9], *odd, *ROWS[9:])
    packed = file.with_name(f"flows.csv.{kind}")
    packed.write_bytes(PACK[kind](file.read_bytes()))
    expected, found = (clean([each], dataset, Duplicates.keep) for each in (file, packed))
    assert_frame_equal(found.flows, expected.flows)
    assert found.report["dropped"] == expected.report["dropped"]


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_packed_file_cut_short_is_told(small: Dataset, csv: Csv, kind: str, share: float) -> None:
    file = csv(*ROWS)
    packed = PACK[kind](file.read_bytes())
    file.write_bytes(packed[: int(share * len(packed))])
    with pytest.raises(UserError, match=r"flows\.csv: cannot be read"):
        clean([file], small, Duplicates.keep)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x28\xb5\x2f\xfd rest", "is packed by Zstandard; unpack it first"),
        (b"7z\xbc\xaf\x27\x1c rest", "is an archive of 7-Zip"),
        (b"Rar!\x1a\x07 rest", "is an archive of RAR"),
        (b"PAR1\x15\x04", r"is a Parquet file; give it a name that ends in \.parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a file of Excel"),
        ("id,proto".encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
        (
            zipped(b"x", "a.csv", "b.csv"),
            r"is a zip archive of 2 files \(a\.csv, b\.csv\); unpack it, and give those meant",
        ),
        (zipped(b"x", "folder/"), r"is a zip archive of 0 files \(nothing\)"),
        (
            zipped(b"x").replace(b"\x14\x00\x00\x00\x08", b"\x14\x00\x01\x00\x08"),
            "is a zip archive that needs a password",
        ),
    ],
)
def test_what_cannot_be_read_is_called_by_its_kind(small: Dataset, csv: Csv, content: bytes, said: str) -> None:
    file = csv()
    file.write_bytes(content)
    with pytest.raises(UserError, match=rf"flows\.csv: {said}"):
        clean([file], small, Duplicates.keep)


def test_a_folder_that_a_computer_adds_to_an_archive_is_passed_over(small: Dataset, csv: Csv) -> None:
    file = csv(*ROWS)
    file.write_bytes(zipped(file.read_bytes(), "flows.csv", "__MACOSX/._flows.csv"))
    assert clean([file], small, Duplicates.keep).report["rows_in"] == len(ROWS)
