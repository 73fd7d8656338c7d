"""Turns whatever Hydra raises while it composes a configuration into one message for the user.

Of `cache=0`, for example, Hydra would print its own internals.
"""

import os
import sys
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, QuotedString, Sweep
from hydra.errors import CompactHydraException, HydraException
from omegaconf.errors import OmegaConfBaseException

from iot_ids.common.errors import UserError
from iot_ids.common.paths import ADDED
from iot_ids.common.redact import redact_exceptions
from iot_ids.common.system_errors import explain

RAISE = "HYDRA_FULL_ERROR"
"""Makes Hydra raise errors instead of printing them; a user who sets it wants the whole traceback."""
COMPOSER = "hydra._internal.config_loader_impl"


class Mistake(CompactHydraException):
    """A user's mistake as Hydra prints it: one message, no traceback; a multirun goes on with its next job."""


@contextmanager
def one_message(groups: Collection[str] = ()) -> Iterator[None]:
    """End the process with exit code 1 and one message where Hydra cannot use the words of the command line.

    Args:
        groups: the groups that take the name of a choice; the message says so of a number or a list.
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
        if (message := _message(error, sys.argv[1:], groups)) is not None:
            sys.exit(message)
        traceback.print_exception(error)
        sys.exit(1)
    finally:
        del os.environ[RAISE]


@contextmanager
def hydra_as_user_error(words: Sequence[str], groups: Collection[str]) -> Iterator[None]:
    """Raise the message of `one_message` as a UserError; `words` are the overrides being composed."""
    try:
        with redact_exceptions():
            yield
    except Exception as error:
        if (message := _message(error, words, groups)) is not None:
            raise UserError(message) from error
        raise


def _message(error: Exception, words: Sequence[str], groups: Collection[str]) -> str | None:
    """Say what is wrong with the words; None of an error that is a fault of this program."""
    compact = isinstance(error, CompactHydraException)
    if not compact and (refusal := explain(error)) is not None:
        return refusal
    return _composing_failed(error, words, groups) if compact or _raised_by_hydra(error) else None


def _raised_by_hydra(error: Exception) -> bool:
    """Whether the error comes from Hydra: from composing, or from work around a job such as making its folder."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = [name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names][-1]
    return COMPOSER in modules or innermost.startswith("hydra.")


def _composing_failed(error: Exception, words: Sequence[str], groups: Collection[str]) -> str:
    said = [str(error)] if isinstance(error, CompactHydraException) else []
    said += [str(error.__cause__)] if isinstance(error.__cause__, OmegaConfBaseException) else []
    odd = [word for word in words if _chooses_no_name(word, groups)]
    if isinstance(error, OSError):
        said.append(
            f"{error.filename}: {error.strerror}; Hydra cannot write there: work in a folder of your own, or name one "
            "(hydra.run.dir=FOLDER, for -m hydra.sweep.dir=FOLDER)"
        )
    if odd:
        said += [f"{' '.join(odd)}: a group takes the name of one of its choices; --help lists them"]
    return "\n".join(said) or f"{' '.join(words)}: cannot be used: {type(error).__name__} {error}"


def _chooses_no_name(word: str, groups: Collection[str]) -> bool:
    """Whether a group is given no name: a number, say, or a list where it takes one choice alone."""
    group = word.lstrip("+~").partition("=")[0].partition("@")[0]
    if group not in groups or "=" not in word:
        return False
    try:
        value = OverridesParser.create().parse_override(word).value()
    except HydraException:
        return False
    several = value.list if isinstance(value, ChoiceSweep) else value if group in ADDED else None
    names = several if isinstance(several, list) else [value]
    return not all(isinstance(name, str | QuotedString | Sweep) for name in names)
