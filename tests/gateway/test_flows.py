"""Reading flows on a gateway: each line a row, in batches, with the same cells as the whole project reads."""

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.data.reading import layout
from iot_ids.gateway import flows
from iot_ids.gateway.detector import DetectorError, Facts

FACTS = Facts(["bytes", "port"], ["proto"], ["normal", "attack"], ports=["port"], missing=["", "-"])


def read(file: Path, facts: Facts = FACTS, size: int = flows.BATCH) -> flows.Batch:
    parts = list(flows.batches(file, facts, size))
    return flows.Batch(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("lines", "numbers", "texts", "whole"))
    )


@pytest.mark.parametrize("size", [1, 3, 4_096])
def test_each_line_is_a_row_whatever_the_batch(raw: Path, size: int) -> None:
    found = read(raw, size=size)
    assert found.lines.tolist() == [*range(2, 16)]
    assert found.whole.tolist() == [True] * 5 + [False] + [True] * 8
    bytes_, ports = found.numbers.T
    np.testing.assert_array_equal(bytes_[:5], [12.5, 1000, np.nan, 7, np.inf])
    np.testing.assert_array_equal(ports[:4], [80, 22, 80, np.nan])
    assert found.texts[:, 0].tolist()[:9] == ["tcp", "udp", "tcp", "icmp", "tcp", "", "2", "tcp", "tcp"]


@given(st.text(st.sampled_from("0123456789.eE+-xXnaif_ -"), max_size=8))
def test_a_cell_is_the_number_that_the_project_reads(cell: str) -> None:
    frame = pl.DataFrame({"x": [cell]}).select(layout.text("x", ["", "-"]))
    text = frame["x"][0]
    value = None if text is None else frame.select(layout.number(pl.col("x")))["x"][0]
    found = flows.number(cell.strip(), {"", "-"})
    if text is None:
        assert np.isnan(found)
    elif value is None or not np.isfinite(value):
        assert found == np.inf
    else:
        assert found == value


@given(
    st.one_of(
        st.from_regex(r"0[xX][0-9a-fA-Fg]{0,5}", fullmatch=True),
        st.integers(-3, 70_000).map(str),
        st.just("80.0"),
        st.just("x"),
    )
)
def test_a_port_is_the_port_that_the_project_reads(cell: str) -> None:
    frame = pl.DataFrame({"x": [cell]})
    value = frame.select(layout.port(pl.col("x")))["x"][0]
    found = flows.port(cell, {""})
    assert (np.isfinite(found) and found == value) if value is not None else not np.isfinite(found)


@pytest.mark.parametrize("cell", ["tcp", "2.0", "2", "-2.00", "2.5", "2.0x", "1.", " x "])
def test_a_text_is_the_name_that_the_project_reads(cell: str) -> None:
    expected = pl.DataFrame({"x": [cell]}).select(layout.label(layout.text("x", [""])))["x"][0]
    assert flows.text(cell.strip(), {""}) == expected


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_separator_is_found(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "flows.csv"
    file.write_text(f"\ufeff{mark.join(['a', 'proto', 'port', 'bytes'])}\r\n{mark.join(['1', 'tcp', '80', '5'])}\r\n")
    assert read(file).numbers.tolist() == [[5.0, 80.0]]


def test_comments_and_files_without_a_header_and_gzip(tmp_path: Path) -> None:
    facts = Facts(["bytes"], ["proto"], ["a", "b"], separator="|", column_names=["proto", "bytes"], comment="#")
    file = tmp_path / "flows.txt.gz"
    file.write_bytes(gzip.compress(b"# made by hand\ntcp|5\n#udp|6\nicmp|7\n"))
    found = read(file, facts)
    assert found.lines.tolist() == [2, 3, 4]
    assert found.whole.tolist() == [True, False, True]
    assert found.numbers[found.whole].tolist() == [[5.0], [7.0]]


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(bytes(io.BytesIO(b"bytes,port,proto\n" * 9_999).read()))[:60])
    for name, said in {
        "other.csv": "lacks bytes, port, proto, which the detector reads; it has a, b",
        "empty.csv": "empty.csv is empty",
        "cut.csv.gz": "Compressed file ended",
        "absent.csv": "No such file",
    }.items():
        with pytest.raises(DetectorError, match=said):
            list(flows.batches(tmp_path / name, FACTS))
