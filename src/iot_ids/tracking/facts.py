"""Describe a run for MLflow: its configuration as parameters, its code as a commit."""

import json
import os
import posixpath
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iot_ids.common.redact import redact_passwords

LONGEST_KEY = 250
GIT_SECONDS = 10.0
"""How long `git` may take; it can hang on a network file system or in a filter that waits for input."""


def spelled(name: object) -> str:
    """Make a name valid in an MLflow key: replace invalid characters by `_`, and slashes if they would form a path."""
    known = "".join(letter if letter.isalnum() or letter in "_-./ :" else "_" for letter in str(name))
    return known if posixpath.normpath(f"a{known}") == f"a{known}" else known.replace("/", "_")


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten a nested configuration to parameters, such as `model.hidden_size` -> `64`; lists become JSON."""
    parameters: dict[str, str] = {}
    for name, value in config.items():
        key = (prefix + spelled(name))[:LONGEST_KEY]
        if isinstance(value, Mapping):
            parameters |= flat(value, f"{key}.")
        else:
            parameters[key] = json.dumps(value) if isinstance(value, list) else redact_passwords(str(value))
    return parameters


def commit() -> str:
    """Return the git commit of this code, with `-dirty` if code or configuration have changed since.

    It is `unknown` outside a checkout or if `git` fails. A copy installed inside another project's checkout is not
    tracked there, so its commit is `unknown` too.
    """
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=GIT_SECONDS,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)
        places = [f":/{place}" for place in ("src", "conf", "pyproject.toml")]
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", *places) else "")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return "unknown"
