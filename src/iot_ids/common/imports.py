"""Import only when needed, and then fast: lazy names, lazy modules, and large libraries without garbage collection."""

import atexit
import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def lazy_attributes(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`, which imports each public name when it is first used (PEP 562).

    Args:
        package: its `__name__`.
        homes: the module that defines each name, relative to the package.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return attribute


class Later:
    """A module that is imported when the first of its names is used.

    For a file whose classes are needed before numbers are: `np = Later("numpy")`. Type checkers are given the module
    itself, under `if TYPE_CHECKING`.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


@contextmanager
def gc_paused_import() -> Iterator[None]:
    """Pause garbage collection in the block; never scan what it imports, nor anything when the process ends.

    Large libraries create a million objects that never become garbage. Scanning them repeatedly takes a quarter of the
    import time, another half second afterwards, and two seconds when the process ends.
    """
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
