"""A marked password on real servers: every command uses it, and no byte that they leave behind contains it."""

import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine, text

import compare
import train
from conftest import Workplace, typed

MARK = "m4rk3d"
PASSWORD = f"p/{MARK}@:?x%"
HASH = f"sslpassword={MARK}"
"""A parameter that libpq accepts and does not need."""


@dataclass(frozen=True)
class Servers:
    """Addresses with the password: of an MLflow server and of two databases."""

    mlflow: str
    runs: str
    studies: str
    folder: Path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Guard(BaseHTTPRequestHandler):
    """Forward requests with the password to `behind`."""

    behind = 0

    def answer(self) -> None:
        wanted = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != wanted:
            self.reply(401, b"who are you?")
            return
        kept = {name: value for name, value in self.headers.items() if name not in ("Host", "Authorization")}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.behind}{self.path}", body or None, kept, method=self.command
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.reply(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            self.reply(error.code, error.read())

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # names of http.server's


@pytest.fixture(scope="module")
def databases(postgresql: str) -> Iterator[tuple[str, str]]:
    """Create two databases of a user who needs the password."""
    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        rules = Path(str(connection.execute(text("show hba_file")).scalar()))
        connection.execute(text("create role ann login password '{}'".format(PASSWORD.replace(":", r"\:"))))
        for name in ("runs", "studies"):
            connection.execute(text(f"create database {name} owner ann"))
        rules.write_text(f"local all ann scram-sha-256\n{rules.read_text()}")
        connection.execute(text("select pg_reload_conf()"))
    where = postgresql.partition("?")[2]
    address = f"postgresql+psycopg://ann:{quote(PASSWORD, safe='')}@/"
    yield f"{address}runs?{where}", f"{address}studies?{HASH}&{where}"
    engine.dispose()


@pytest.fixture(scope="module")
def servers(databases: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start both kinds of server for these tests."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    words = ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"]
    words += ["--artifacts-destination", str(folder / "artifacts")]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words],
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    Guard.behind = port
    guard = ThreadingHTTPServer(("127.0.0.1", 0), Guard)
    threading.Thread(target=guard.serve_forever, daemon=True).start()
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        mlflow = f"http://ann:{quote(PASSWORD, safe=':')}@127.0.0.1:{guard.server_port}"
        yield Servers(mlflow, *databases, folder)
    finally:
        guard.shutdown()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(address: str, seconds: int = 60) -> None:
    for _ in range(seconds * 5):
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(address)


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_environment: None) -> Workplace:
    """A workplace with its own folder for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return workplace


def files_with_mark(*folders: Path) -> list[Path]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if MARK.encode() in path.read_bytes() or MARK in path.name]


def searched(place: Workplace, servers: Servers) -> list[Path]:
    return files_with_mark(place.folder.parent, servers.folder)


def hydra_quoted(key: str, address: str) -> str:
    return f"{key}='{address}'"


@pytest.mark.slow
def test_no_command_leaves_or_says_a_password(
    place: Workplace, servers: Servers, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server, storage = (
        hydra_quoted("tracking.uri", servers.mlflow),
        hydra_quoted("hydra.sweeper.storage", servers.studies),
    )
    runs = hydra_quoted("tracking.uri", servers.runs)
    bayes = ["model=naive_bayes", "hydra.output_subdir=.hydra"]
    search = ["hydra/sweeper=optuna", "model.var_smoothing=1e-9,1e-3", "hydra.sweeper.final_seeds=1", storage]
    assert typed(monkeypatch, train, *place.words(*bayes, server)) == 0
    assert typed(monkeypatch, train, "-m", *place.words(*bayes, "seed=1", server)) == 0
    assert typed(monkeypatch, train, *place.words(*bayes, server, "model.var_smoothing=-1")) == 1
    assert typed(monkeypatch, train, *place.words(*bayes, server, "no.such.key=1")) == 1
    assert typed(monkeypatch, train, "-m", *place.words(*bayes, *search, runs)) == 0
    assert typed(monkeypatch, compare, server) == 0
    assert typed(monkeypatch, compare, runs) == 0
    said = capfd.readouterr()
    assert "macro-F1" in said.out
    assert "to repeat the best: " in said.out
    assert MARK not in said.out + said.err
    assert searched(place, servers) == []
