"""The runtime reads files as `iot-ids score` does: the same answers on random lines, the same refusals."""

import bz2
import contextlib
import csv
import gzip
import io
import lzma
from pathlib import Path
from random import Random

import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.gateway import command
from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector

NUMBERS = "1|12.5|-3|1e3|1e400|+5|1,5|-0| 7 |nan|inf|1_0|-1|80.0|2|2.0|\u0661|\u00a05|5\t"
PORTS = "0x16|0X1f|0x1_6|0x 16|0x-1|0xzz|0xffffffffffffffff|80|-5"
TEXTS = 'x||-|tcp| udp|tcp |\u00fc|"tcp"|"1"|"a,b"|a"b|"a""b"|\'|#'
CELLS = "|".join([NUMBERS, PORTS, TEXTS]).split("|")


def by_score(detector: Detector, file: Path, out: Path) -> list[tuple[object, ...]] | None:
    """Return line, answer and alarm of each row; None if the file is refused."""
    try:
        scoring.score(detector, scoring.layouts_of(detector, str(file)), out)
    except UserError:
        return None
    return pl.read_parquet(out).select("line", "answer", "alarm").rows()


def by_runtime(content: bytes, file: Path) -> list[tuple[object, ...]] | None:
    said, told = io.StringIO(), io.StringIO()
    said.reconfigure = lambda **_: None  # type: ignore[attr-defined]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        command.main(content, [str(file)])
    if "answers are not" in told.getvalue() or "quotation mark" in told.getvalue() or "lacks" in told.getvalue():
        return None
    rows = list(csv.DictReader(io.StringIO(said.getvalue())))
    kinds = {"true": True, "false": False, "": None}
    return [(int(row["line"]), row["answer"] or None, kinds[row["alarm"]]) for row in rows]


def random_line(draw: Random) -> str:
    cells = [draw.choice(CELLS) for _ in range(draw.choice([4, 4, 4, 4, 4, 3, 5]))]
    if draw.random() < 0.5:
        cells = ["5", "80", "tcp", *cells[3:]]
    return draw.choice([",".join(cells), ",".join(cells), "", "1,80,tcp,x,,", "1,80,tcp,x\r"])


@pytest.mark.parametrize("seed", range(4))
def test_random_lines_get_the_same_answers(seed: int, model: Path, exported: Path, tmp_path: Path) -> None:
    draw, detector, content = Random(seed), scoring.load_detector(model), exported.read_bytes()
    compared = 0
    for number in range(25):
        file = tmp_path / f"{number}.csv"
        lines = [line for line in (random_line(draw) for _ in range(30)) if line.count('"') % 2 == 0]
        file.write_bytes(("bytes,port,proto,note\n" + "\n".join(lines) + draw.choice(["", "\n"])).encode())
        expected = by_score(detector, file, tmp_path / "out.parquet")
        if expected is not None:
            found = by_runtime(content, file)
            assert found == expected, [
                (lines[int(str(a[0])) - 2], a, b) for a, b in zip(expected, found or [], strict=False) if a != b
            ]
            compared += len(expected)
    assert compared > 300


@pytest.mark.parametrize(
    "opened", [gzip.compress, bz2.compress, lzma.compress, lambda content: b"\xef\xbb\xbf" + content]
)
def test_packed_files_are_read_by_their_content(opened: object, exported: Path, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "flows.csv"
    file.write_bytes(opened(b"bytes,port,proto\n5,80,tcp\n7,22,udp\n"))  # type: ignore[operator]
    expected = by_score(scoring.load_detector(model), file, tmp_path / "out.parquet")
    assert expected is not None
    assert by_runtime(exported.read_bytes(), file) == expected


@pytest.mark.parametrize(
    "text", ["bytes,sport,proto,note\n50,80,5,x\n", 'bytes,port,proto\n5,80,tcp\n5,80,"tcp\n', "a,b\n1,2\n"]
)
def test_what_score_refuses_the_runtime_refuses_too(text: str, exported: Path, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "flows.csv"
    file.write_text(text)
    assert by_score(scoring.load_detector(model), file, tmp_path / "out.parquet") is None
    assert by_runtime(exported.read_bytes(), file) is None


@pytest.mark.parametrize("header", ["auto", "present", "absent"])
def test_a_header_that_lacks_a_column_is_no_row(header: str) -> None:
    from iot_ids.gateway.detector import DetectorError, Facts
    from iot_ids.gateway.flows import _header

    facts = Facts(
        ["bytes", "port"], ["proto"], ["a", "b"], header=header, column_names=["proto", "port", "bytes", "note"]
    )
    names, _, there = _header("bytes,sport,proto,note", "x.csv", facts)
    assert there is (header != "absent")
    assert names == (["bytes", "sport", "proto", "note"] if there else facts.column_names)
    with pytest.raises(DetectorError, match="has 2 cells in its first line; without a header 4 are expected"):
        _header("1,2", "x.csv", Facts(["bytes"], [], ["a"], header="absent", column_names=["a", "b", "bytes", "c"]))
