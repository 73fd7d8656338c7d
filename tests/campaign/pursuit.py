"""The attacks of a subject, as many at a time as there are processors, each in a process that may die of it."""

import importlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from .tally import Attack, Tally, added, pursue

Chunk = Callable[[range, float], Tally]
CHUNK = 200
"""Attempts that are lost to the count where the process dies."""


def attacked(subject: ModuleType, seed: int, seconds: float) -> Iterator[Tally]:
    """Every attack of the subject, as its tally is there; all together take about `seconds`.

    What one does not need of its time, since it has reached its aim, is for those that come after it.
    """
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="campaign-") as place:
        names = [attack.what for attack in subject.attacks(Path(place))]
        at_once = min(len(names), os.cpu_count() or 1)
        waiting = iter(range(len(names), 0, -1))

        def begin(index: int) -> Tally:
            share = (until - time.monotonic()) * at_once / max(next(waiting), at_once)
            return _attacked(subject.__name__, index, Path(place) / str(index), seed, share)

        with ThreadPoolExecutor(at_once) as pool:
            for done in as_completed([pool.submit(begin, index) for index in range(len(names))]):
                yield done.result()


def _attacked(subject: str, index: int, place: Path, seed: int, seconds: float) -> Tally:
    """One attack, until its aim is reached or its time is up."""
    place.mkdir()
    attack = subject_attacks(subject, place)[index]
    tally = Tally(attack.what, attack.aim)
    while not _over(tally, seconds):
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=_quiet) as process:
            tally = _chunks(process, tally, partial(_chunk, subject, index, place, seed), seconds)
    return tally


def _quiet() -> None:
    """Let warnings of libraries, and what Rust says of a panic, go nowhere: thousands of files have thousands."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _over(tally: Tally, seconds: float) -> bool:
    return tally.tried >= tally.aim or (tally.tried > 0 and tally.seconds > seconds)


def _chunks(process: ProcessPoolExecutor, tally: Tally, chunk: Chunk, seconds: float) -> Tally:
    """`tally` and the chunks that this process lives to make."""
    while not _over(tally, seconds):
        numbers = range(tally.tried, min(tally.tried + CHUNK, tally.aim))
        try:
            tally = added(tally, process.submit(chunk, numbers, seconds - tally.seconds).result())
        except BrokenProcessPool:
            return added(tally, dead(tally, numbers))
    return tally


def dead(tally: Tally, numbers: range) -> Tally:
    """What to count where the process died in one of these attempts."""
    found = Tally(tally.what, tally.aim)
    found.count([("traceback", f"the process died in one of {numbers}")], tally.what)
    found.tried = len(numbers)
    return found


@cache
def subject_attacks(subject: str, place: Path) -> list[Attack]:
    """The attacks of a module, made once in a process."""
    attacks: list[Attack] = importlib.import_module(subject).attacks(place)
    return attacks


def _chunk(subject: str, index: int, place: Path, seed: int, numbers: range, seconds: float) -> Tally:
    return pursue(subject_attacks(subject, place)[index], seed, numbers, seconds)
