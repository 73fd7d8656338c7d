"""Measure in a separate process, unaffected by what earlier measurements left in memory and caches."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parent.parent
STATUS = Path("/proc/self/status")


def measured(module: str, *words: object) -> dict[str, Any]:
    """Run `python -m MODULE WORDS` and parse the JSON in the last line of its output.

    Raises:
        CalledProcessError: it failed; its error output is above.
    """
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mib() -> float:
    """Return the peak memory of this process, in MiB."""
    if STATUS.exists():  # ru_maxrss would include the parent's memory at the fork
        return _of_status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def held_mib() -> float:
    """Return the memory that this process holds now, in MiB; the peak if the system does not report it."""
    return _of_status("VmRSS") if STATUS.exists() else peak_mib()


def _of_status(key: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) / 1024
