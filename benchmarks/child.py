"""Measurements in a process of their own: what another one left in memory or in caches cannot blur them."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parent.parent
STATUS = Path("/proc/self/status")


def measured(module: str, *words: object) -> dict[str, Any]:
    """What `python -m MODULE WORDS` prints as JSON in its last line.

    Raises:
        CalledProcessError: it failed; what it said stands above.
    """
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mib() -> float:
    """The most memory that this process has held, in MiB."""
    if STATUS.exists():  # ru_maxrss would count what the parent held when it forked
        return _of_status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def held_mib() -> float:
    """The memory that this process holds now, in MiB; where the system does not say, the most it has held."""
    return _of_status("VmRSS") if STATUS.exists() else peak_mib()


def _of_status(key: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) / 1024
