"""Explain system errors in one sentence: a full disk, a closed output, too little memory.

Every library reports them differently, and without this the store, the sweep or a trial would get the blame.
"""

import errno
import io
import logging
import os
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from iot_ids.common.atomic import PREFIX
from iot_ids.common.errors import UserError
from iot_ids.common.redact import redact_passwords

LEAST_ADDRESSES = 2.5 * 2**30
"""Bytes of address space that the libraries reserve before the first row is read; with less they abort or hang."""
SPARE = 2**16
"""A disk with fewer free bytes counts as full."""
REASONS = {
    errno.ENOSPC: ("the disk is full", "make room there"),
    errno.EDQUOT: ("your share of the disk is used up", "make room there"),
    errno.EFBIG: ("a file may not grow any further here", "raise the limit (ulimit -f)"),
}
WORDS = {
    errno.ENOSPC: re.compile(r"No space left on device|disk is full"),
    errno.EDQUOT: re.compile(r"Disk quota exceeded"),
    errno.EFBIG: re.compile(r"File too large"),
}
"""Messages of libraries that do not raise OSError: SQLite, Polars, safetensors."""
MEMORY = re.compile(r"(can't|cannot) allocate memory|CUDA out of memory", re.IGNORECASE)
"""Messages of PyTorch and the system, which raise no MemoryError."""
CLOSED = "standard output was closed before all output was written; results saved so far are kept"


def run_program(act: Callable[[], None]) -> None:
    """Run `act`; end a system error or a user's mistake with one message and exit code 1.

    An interruption that `act` does not handle itself ends the same way.
    """
    logging.raiseExceptions = False  # no traceback for a log line that cannot be printed
    if isinstance(sys.stdout, io.TextIOWrapper):  # nor for a name that the terminal cannot encode
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        check_address_space()
        with as_user_error():
            act()
    except UserError as mistake:
        sys.exit(str(mistake))
    except KeyboardInterrupt:
        sys.exit("interrupted")


@contextmanager
def as_user_error() -> Iterator[None]:
    """Turn a system error in the block into a UserError, and a closed standard output into a SystemExit.

    Raises:
        UserError: a disk is full, or memory runs out.
        SystemExit: nobody reads the standard output.
    """
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        raise SystemExit(CLOSED) from None
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # rich ends a program so, without a word
            raise SystemExit(CLOSED) from None
        raise
    except Exception as error:
        _discard_output()
        if (said := explain(error)) is not None:
            raise UserError(said) from error
        raise


def check_address_space() -> None:
    """Raise a UserError where `ulimit -v` is too low for the libraries to be imported."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit not in (resource.RLIM_INFINITY, -1) and limit < LEAST_ADDRESSES:
        raise UserError(
            f"ulimit -v {limit // 1024}: the libraries reserve {LEAST_ADDRESSES / 2**30:g} GiB of addresses, most of "
            "which are never used, and fail without; type ulimit -v unlimited"
        )


def explain(error: BaseException) -> str | None:
    """Explain an error that is, or was caused by, a system error; None for any other."""
    for each in (chain := list(_chain(error))):
        if isinstance(each, MemoryError) or MEMORY.search(str(each)):
            said = redact_passwords(str(each)).splitlines() or [""]
            return f"the memory is used up ({said[0]}); see ulimit -v, or use fewer rows or features".replace(" ()", "")
        if "No usable temporary directory" in str(each):
            return f"nothing can be written where temporary files go ({_temporary()}): make room, or set TMPDIR=FOLDER"
    if numbers := [number for each in chain if (number := _number(each)) is not None]:
        what, remedy = REASONS[numbers[-1]]
        return f"{what}: {_place(chain)}; {remedy}, and start again"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno in REASONS:
        return error.errno
    if "disk I/O error" in str(error) and resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return errno.EFBIG  # SQLite does not say more
    return next((number for number, words in WORDS.items() if words.search(str(error))), None)


def _place(chain: Sequence[BaseException]) -> str:
    """Say where writing failed: the file's folder, the full disks among those in use, or the error's first line."""
    refusing = [each for each in chain if _number(each) is not None]
    if files := [file for each in refusing if (file := _file(each)) is not None]:
        return str(next(each for each in files[-1].parents if PREFIX not in str(each)))
    places = [Path.cwd(), Path.home()]
    with suppress(OSError):
        places.append(Path(tempfile.gettempdir()))
    full = [str(place) for place in places if _is_full(place)]
    return ", ".join(full) or redact_passwords(str(refusing[0])).splitlines()[0]


def _file(error: BaseException) -> Path | None:
    """Return the file that was being written; for a copy, the destination."""
    if isinstance(error, shutil.Error):
        return Path(error.args[0][0][1])
    if isinstance(error, OSError) and (name := error.filename2 or error.filename) is not None:
        return Path(os.fsdecode(name))
    return None


def _is_full(place: Path) -> bool:
    with suppress(OSError):
        found = os.statvfs(place)
        return found.f_bavail * found.f_frsize < SPARE
    return False


def _temporary() -> str:
    return os.environ.get("TMPDIR") or "/tmp"


def _discard_output() -> None:
    """Discard buffered output that the standard output does not accept: Python would complain at exit."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
