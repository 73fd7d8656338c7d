"""A kept model behind `mlflow models serve`, on a real server: what it answers, and how it refuses."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gateway.conftest import detector, flows
from iot_ids.data.schema import Columns
from iot_ids.serving.detector import Detector
from iot_ids.tracking.run import save_model

pytestmark = pytest.mark.slow
COLUMNS = Columns(numeric=["bytes", "port"], categorical=["proto"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a kept model on loopback, as docs/serving.md shows; yield the address that answers."""
    place = tmp_path_factory.mktemp("served")
    save_model(detector(columns=COLUMNS), place / "model", flows())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(place / "model"), "--env-manager", "local",
            "-h", "127.0.0.1", "-p", str(port), "-w", "1"]  # fmt: skip
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (place / "log.txt").open("w") as log:
        process = subprocess.Popen(
            line, stdout=log, stderr=log, env=os.environ | path, start_new_session=True, cwd=place
        )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (place / "log.txt").read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def posted(server: str, content: bytes | str, kind: str = "application/json") -> tuple[int, str]:
    data = content.encode() if isinstance(content, str) else content
    request = urllib.request.Request(server, data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def records(frame: pl.DataFrame) -> str:
    return json.dumps({"dataframe_split": {"columns": frame.columns, "data": [list(row) for row in frame.rows()]}})


def strictly(text: str) -> list[dict[str, float | None]]:
    """Parse JSON as other languages do, which know no NaN."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    found: list[dict[str, float | None]] = json.loads(text, parse_constant=refuse)["predictions"]
    return found


def test_a_thousand_rows_are_answered_as_the_detector_answers_them(server: str) -> None:
    rows = flows(1_024, seed=5)
    status, said = posted(server, records(rows))
    assert status == 200, said
    kept: Detector = detector(columns=COLUMNS)
    found = np.array([[row[name] for name in kept.classes] for row in strictly(said)], dtype=float)
    np.testing.assert_allclose(found, kept.probabilities(rows), atol=1e-6)


def test_a_missing_number_is_answered_by_null(server: str) -> None:
    status, said = posted(server, records(flows(2).with_columns(bytes=pl.Series([1.0, None]))))
    assert status == 200, said
    first, second = strictly(said)
    assert first["normal"] is not None
    assert second == {"normal": None, "attack": None}


def test_whole_numbers_and_numbers_as_text_are_numbers(server: str) -> None:
    rows = flows(3).with_columns(pl.col("bytes").round().cast(pl.Int64), pl.col("port").cast(pl.Int64))
    for each in (rows, rows.with_columns(pl.col("bytes").cast(pl.String)), rows.drop("port").with_columns(port=80)):
        status, said = posted(server, records(each))
        assert status == 200, said
        assert None not in strictly(said)[0].values()


def test_csv_is_answered_too(server: str) -> None:
    status, said = posted(server, flows(3).write_csv(), "text/csv")
    assert status == 200, said
    assert len(strictly(said)) == 3
    status, said = posted(server, "bytes,port,proto\nmany,80,tcp\n", "text/csv")
    assert status == 400
    assert "bytes holds 'many', which is not a number" in said


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (records(flows(1).with_columns(bytes=pl.lit("many"))), "bytes"),
        (records(flows(1).drop("proto")), "proto"),
        ("{no json", "JSON"),
        (json.dumps({"rows": []}), "dataframe_split"),
    ],
)
def test_mistakes_are_refused_with_400_and_named(server: str, content: str, named: str) -> None:
    status, said = posted(server, content)
    assert status == 400, said
    assert named in said
    assert "Traceback" not in json.loads(said).get("message", "")
