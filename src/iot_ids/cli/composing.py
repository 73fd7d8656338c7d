"""What Hydra cannot put together is told in one message: for `cache=0` it would show its own insides."""

import os
import sys
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException, HydraException
from omegaconf.errors import OmegaConfBaseException

from iot_ids.common.redact import redact_exceptions
from iot_ids.common.system_errors import explain

RAISE = "HYDRA_FULL_ERROR"
"""What makes Hydra raise what it would print otherwise; who sets it wants to see everything."""
COMPOSER = "hydra._internal.config_loader_impl"


@contextmanager
def one_message(groups: Collection[str] = ()) -> Iterator[None]:
    """End the process with exit code 1 and one message where Hydra cannot use the words that were typed.

    Args:
        groups: whose choice is a name, and no number or list; where one was given, the message says so.
    """
    if os.environ.get(RAISE):
        with redact_exceptions():
            yield
        return
    os.environ[RAISE] = "1"
    try:
        with redact_exceptions():
            yield
    except Exception as error:
        if (said := explain(error)) is not None and not isinstance(error, CompactHydraException):
            sys.exit(said)
        if isinstance(error, CompactHydraException) or _raised_by_hydra(error):
            sys.exit(_message(error, sys.argv[1:], groups))
        traceback.print_exception(error)
        sys.exit(1)
    finally:
        del os.environ[RAISE]


def _raised_by_hydra(error: Exception) -> bool:
    """Whether it arose while Hydra read the words, or in Hydra's own work around a job, such as making its folder."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = [name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names][-1]
    return COMPOSER in modules or innermost.startswith("hydra.")


def _message(error: Exception, words: Sequence[str], groups: Collection[str]) -> str:
    said = [str(error)] if isinstance(error, CompactHydraException) else []
    said += [str(error.__cause__)] if isinstance(error.__cause__, OmegaConfBaseException) else []
    odd = [word for word in words if _chooses_no_name(word, groups)]
    if odd:
        said += [f"{' '.join(odd)}: a group takes the name of one of its choices; --help lists them"]
    return "\n".join(said) or f"{' '.join(words)}: cannot be used: {type(error).__name__} {error}"


def _chooses_no_name(word: str, groups: Collection[str]) -> bool:
    if word.lstrip("+~").partition("=")[0].partition("@")[0] not in groups or "=" not in word:
        return False
    try:
        return not isinstance(OverridesParser.create().parse_override(word).value(), str)
    except HydraException:
        return False
