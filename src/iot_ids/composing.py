"""What Hydra cannot put together is told in one message: for `cache=0` it would show its own insides."""

import itertools
import os
import sys
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException
from omegaconf.errors import OmegaConfBaseException

RAISE = "HYDRA_FULL_ERROR"
"""What makes Hydra raise what it would print otherwise; who sets it wants to see everything."""
HYDRA = "hydra."
COMPOSER = "hydra._internal.config_loader_impl"
OURS = ("iot_ids.", "hydra_plugins.iot_ids", "train", "compare", "__main__")


@contextmanager
def one_message(groups: Collection[str] = ()) -> Iterator[None]:
    """End the process with exit code 1 and one message where Hydra cannot use the words that were typed.

    Args:
        groups: whose choice is a name, and no number or list; where one was given, the message says so.
    """
    if os.environ.get(RAISE):
        yield
        return
    os.environ[RAISE] = "1"
    try:
        yield
    except Exception as error:
        if isinstance(error, CompactHydraException) or _before_any_work(error):
            sys.exit(_message(error, sys.argv[1:], groups))
        traceback.print_exception(error)
        sys.exit(1)
    finally:
        del os.environ[RAISE]


def _before_any_work(error: Exception) -> bool:
    """Whether Hydra raised it while it read the words, or made its folders: no work of ours had begun."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    beneath = list(itertools.dropwhile(lambda name: not name.startswith(HYDRA), modules))
    return COMPOSER in beneath or (bool(beneath) and not any(name.startswith(OURS) for name in beneath))


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
    except CompactHydraException:
        return False
