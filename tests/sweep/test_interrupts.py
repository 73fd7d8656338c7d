"""An interruption is heard, wherever it strikes."""

import os
import signal

import pytest

from iot_ids.sweep.interrupts import interruptible


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
    with interruptible() as check:
        check()
        thing = Tidied()
        del thing  # Python ignores the KeyboardInterrupt in __del__
        reached.append("after it")
        check()
        reached.append("after the check")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_python_swallows_is_raised_at_the_next_check() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        tidy_and_check(reached)
    assert reached == ["after it"]
