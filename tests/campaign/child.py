"""Commands as processes of their own, forked from one that has imported everything: a second each instead of eight.

A process from the start is `fresh`; it differs in what is imported when, and is slow. Other tests use these too.
"""

import atexit
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PRELOADED = [
    "iot_ids.data.load",
    "iot_ids.experiment.run",
    "iot_ids.sweep.search",
    "iot_ids.comparison.command",
    "iot_ids.serving.scoring",
    "iot_ids.models.networks.network",
    "iot_ids.models.sklearn.adapter",
    "lightning.pytorch",
    "sklearn.naive_bayes",
    "rich.progress",
    "skops.io",
    "iot_ids.models.sklearn.skops_file",
    "mlflow.store.tracking.sqlalchemy_store",
    "hydra_plugins.iot_ids_optuna",
    "iot_ids.cli.train",
    "iot_ids.cli.score",
    "tests.campaign.warm",
]
"""Imported, and hardly anything of it used: Polars' and PyTorch's threads do not outlive a fork."""
STARTING = 0.05
"""Seconds in which Python begins with a module; an interruption then is told in Python's own words."""
LONGEST = 120
"""Seconds after which a process counts as hanging."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, None where it hung, and what it said on both outputs."""

    code: int | None
    said: str

    @property
    def traceback(self) -> bool:
        """Whether Python's own words reached the user."""
        return "Traceback (most recent call last)" in self.said or "panicked at" in self.said


@dataclass(frozen=True)
class Begun:
    """A command under way."""

    process: BaseProcess
    out: Path

    @property
    def said(self) -> str:
        """What it has said so far on both outputs."""
        return self.out.read_text(errors="replace") if self.out.exists() else ""

    def wait_until(self, happened: Callable[[], object]) -> None:
        """Wait for something that the command does; an AssertionError if it ends first, or takes too long."""
        deadline = time.monotonic() + LONGEST
        while not happened():
            assert self.process.is_alive(), self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process.pid is not None
        with suppress(ProcessLookupError):  # it may end at this very moment
            os.kill(self.process.pid, number)

    def kill_after(self, seconds: float, number: signal.Signals) -> None:
        """Send a signal so long after the command began, where it is not over before."""
        while self.process.is_alive() and not self.out.exists():
            self.process.join(0.005)
        self.process.join(STARTING + seconds)
        if self.process.is_alive():
            self.send(number)

    def ended(self) -> Ended:
        """Wait for the end; what takes too long is killed."""
        self.process.join(LONGEST)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
        return Ended(code, self.said)


@cache
def server() -> ForkServerContext:
    """The process that has imported everything; there is one for each that runs tests."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of all its children
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    first = context.Process(target=os.getpid)  # begins when all is imported, which no command's time is to include
    first.start()
    first.join()
    return context


def temporary(folder: Path) -> Path:
    """Where commands that run in `folder` put temporary files."""
    made = folder / "tmp"
    made.mkdir(exist_ok=True)
    return made


def begin(program: str, words: list[str], folder: Path) -> Begun:
    """`python -m program words` in `folder`, which is also its home; temporary files lie in `folder/tmp`.

    A program with line breaks is run as `python -c` runs it.
    """
    out = folder / f"said-{time.monotonic_ns()}.txt"
    process = server().Process(target=_forked, args=(program, words, folder, temporary(folder), out), daemon=True)
    process.start()
    return Begun(process, out)


def run(program: str, words: list[str], folder: Path) -> Ended:
    """The same, to its end."""
    begun = begin(program, words, folder)
    ended = begun.ended()
    begun.out.unlink(missing_ok=True)
    return ended


def fresh(program: str, words: list[str], folder: Path) -> "subprocess.Popen[str]":
    """The same as a process from the start, which hears Ctrl-C even where the tests do not."""
    places = {"HOME": str(folder), "TMPDIR": str(temporary(folder)), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", program, *words]
    heard = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return subprocess.Popen(
            line, cwd=folder, env=os.environ | places, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    finally:
        signal.signal(signal.SIGINT, heard)


def _forked(program: str, words: list[str], folder: Path, aside: Path, out: Path) -> None:
    os.setsid()  # Ctrl-C on the campaign is not meant for it
    os.chdir(folder)
    os.environ |= {"HOME": str(folder), "TMPDIR": str(aside)}
    tempfile.tempdir = None
    sys.stdin = open(os.devnull)  # noqa: SIM115  # until the process ends
    sys.argv = [program, *words]
    _heard(signal.default_int_handler, signal.SIG_DFL)
    said = os.open(out, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)  # tells that it has begun
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        if "\n" in program:
            exec(program, {"__name__": "__main__"})
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    finally:
        _heard(signal.SIG_IGN, signal.SIG_IGN)  # how Python and its libraries end is not under attack
        atexit._run_exitfuncs()


def _heard(interrupt: Any, terminate: Any) -> None:
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
