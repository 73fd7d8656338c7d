"""Ctrl-C and SIGTERM, heard for certain, and at a moment of one's choosing.

A KeyboardInterrupt gets lost: Python ignores one that strikes in a finalizer, and a `finally` block that cannot do its
work turns it into another error. So what was heard is kept here, apart from the exception.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any


@dataclass
class Interrupts:
    """What the block of `interruptible` heard so far."""

    before: dict[int, Any]
    heard: bool = False
    holding: bool = False
    waiting: list[tuple[int, FrameType | None]] = field(default_factory=list)

    def check(self) -> None:
        """Raise the interruption that was heard, if any."""
        if self.heard:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let an interruption wait until the block ends.

        It waits in Python: a signal mask holds for one thread, and any other may take the signal.
        """
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
            if self.waiting:
                self.stop(*self.waiting.pop())

    def stop(self, number: int, frame: FrameType | None) -> None:
        """The signals' handler; an outer block hears of it too."""
        self.heard = True
        if self.holding:
            self.waiting.append((number, frame))
            return
        if callable(outer := self.before[number]):
            outer(number, frame)
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Let both signals end the block by a KeyboardInterrupt, which leaves it whatever became of it inside.

    A signal that this process was started to ignore, as in the background of a script, stays ignored.
    """
    asked = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    before: dict[int, Any] = {each: handler for each, handler in asked.items() if handler is not signal.SIG_IGN}
    interrupts = Interrupts(before)
    for number in before:
        signal.signal(number, interrupts.stop)
    try:
        yield interrupts
    except Exception as error:
        if interrupts.heard:
            raise KeyboardInterrupt from error
        raise
    else:
        interrupts.check()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
