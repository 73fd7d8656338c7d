"""What is imported is set apart from Python's search for garbage, and nothing else is."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from iot_ids.common.imports import gc_paused_import


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_nothing_is_searched_in_the_block_and_everything_after_it() -> None:
    with gc_paused_import():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), gc_paused_import():
        import no_such_library  # noqa: F401
    assert gc.isenabled()


def test_a_search_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with gc_paused_import():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_only_what_an_import_brings_is_set_apart() -> None:
    sys.modules.pop("this", None)
    with gc_paused_import():
        pass
    assert gc.get_freeze_count() == 0
    with gc_paused_import():
        import this  # noqa: F401
    assert gc.get_freeze_count() > 0


def test_at_the_end_of_a_process_nothing_is_searched() -> None:
    code = (
        "import atexit, gc; from iot_ids.common.imports import gc_paused_import\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "with gc_paused_import(): pass\n"
        "assert gc.get_freeze_count() == 0"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
