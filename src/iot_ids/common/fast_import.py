"""Libraries imported, and left when the process ends, without Python's search for garbage among them.

They are a million objects that never become garbage. To look through them again and again takes a quarter of the time
of their imports; once more afterwards, half a second; and when the process ends, two.
"""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused_import() -> Iterator[None]:
    """No search for garbage in the block, nor ever among what it imports, nor when the process ends."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    searched, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > modules:  # or a sweep would set apart what a trial leaves behind
            gc.freeze()
        if searched:
            gc.enable()
