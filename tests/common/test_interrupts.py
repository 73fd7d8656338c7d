"""An interruption is heard, wherever it strikes."""

import contextlib
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from iot_ids.common.interrupts import interruptible


def wait_for(number: signal.Signals) -> None:
    with interruptible():
        os.kill(os.getpid(), number)
        signal.pause()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # where the tests run in the background, SIGINT is ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_for(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


class Tidied:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100):
            pass


def tidy_and_check(reached: list[str]) -> None:
    with interruptible() as interrupts:
        interrupts.check()
        thing = Tidied()
        del thing  # Python ignores the KeyboardInterrupt in __del__
        reached.append("after it")
        interrupts.check()
        reached.append("after the check")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_python_swallows_is_raised_at_the_next_check() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        tidy_and_check(reached)
    assert reached == ["after it"]


def interrupted_and_broken() -> None:
    with interruptible():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            raise ValueError("what cannot be tidied")


def swallowing() -> None:
    with interruptible(), contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()


@pytest.mark.parametrize("block", [interrupted_and_broken, swallowing])
def test_it_leaves_the_block_whatever_became_of_it_inside(block: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt):
        block()


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="mine"), interruptible():
        raise ValueError("mine")


def hear(held: list[bool]) -> None:
    with interruptible() as outer, interruptible() as inner:
        try:
            with inner.held():
                signal.raise_signal(signal.SIGTERM)
                held += [inner.heard, outer.heard]
        finally:
            held.append(outer.heard)


def test_it_waits_where_it_is_held_and_outer_blocks_hear_of_it() -> None:
    held: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        hear(held)
    assert held == [True, False, True]


def test_another_thread_may_enter_the_block() -> None:
    def entered() -> bool:
        with interruptible() as interrupts:
            return interrupts.heard

    with ThreadPoolExecutor() as threads:
        assert threads.submit(entered).result() is False
