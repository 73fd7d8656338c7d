"""Ctrl-C and SIGTERM, heard for certain: Python swallows a KeyboardInterrupt that strikes in a finalizer."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Let both signals end the block by a KeyboardInterrupt.

    Gives a function to be called now and then, which raises the one that was swallowed. A signal that this process was
    started to ignore, as in the background of a script, stays ignored.
    """
    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if heard:
            raise KeyboardInterrupt

    asked = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, stop) for each in asked}
    try:
        yield check
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
