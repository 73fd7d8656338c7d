"""Handle Ctrl-C and SIGTERM reliably, and defer them while a block must not be interrupted.

A KeyboardInterrupt can get lost: Python ignores one raised in a finalizer, and a `finally` block that fails replaces it
by another error. So the signal is remembered here, apart from the exception.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any


@dataclass
class Interrupts:
    """The signals received so far in a block of `interruptible`."""

    before: dict[int, Any]
    heard: bool = False
    holding: bool = False
    waiting: list[tuple[int, FrameType | None]] = field(default_factory=list)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal was received."""
        if self.heard:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Defer an interruption until the block ends.

        It is deferred in Python: a signal mask covers one thread, and any other thread may receive the signal.
        """
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
            if self.waiting:
                self.stop(*self.waiting.pop())

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; the handler of an outer block is called too."""
        self.heard = True
        if self.holding:
            self.waiting.append((number, frame))
            return
        if callable(outer := self.before[number]):
            outer(number, frame)
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """End the block with a KeyboardInterrupt on either signal, even if code inside the block swallowed it.

    A signal that this process was started to ignore, such as in a script's background job, stays ignored.
    Outside the main thread nothing is installed: Python delivers signals to that one only.
    """
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    asked = {each: signal.getsignal(each) for each in numbers}
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
