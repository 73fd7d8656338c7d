"""What a run says of itself: its configuration as parameters, its code as a commit."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iot_ids.addresses import public


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested configuration as parameters: `model.hidden_size` -> `64`; lists as JSON."""
    parameters: dict[str, str] = {}
    for name, value in config.items():
        key = prefix + "".join(letter if letter.isalnum() or letter in "_-./ :" else "_" for letter in str(name))
        if isinstance(value, Mapping):
            parameters |= flat(value, f"{key}.")
        else:
            parameters[key] = json.dumps(value) if isinstance(value, list) else public(str(value))
    return parameters


def commit() -> str:
    """The git commit of this code, with `-dirty` where code or configuration changed since; `unknown` elsewhere.

    An installed copy may lie in somebody else's checkout; only a file that git tracks says something of this code.
    """
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)
        places = [f":/{place}" for place in ("src", "conf", "pyproject.toml")]
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", *places) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
