"""Import large libraries with the garbage collector paused, and exempt what they load from later collections.

They create a million objects that never become garbage. Scanning them repeatedly takes a quarter of the import time,
another half second afterwards, and two seconds when the process ends.
"""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused_import() -> Iterator[None]:
    """Pause garbage collection in the block; never scan what it imports, nor anything when the process ends."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    searched, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > modules:  # otherwise a sweep would also freeze what a trial leaves behind
            gc.freeze()
        if searched:
            gc.enable()
