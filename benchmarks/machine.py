"""Describe where and when figures were measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "lightning", "polars", "scikit-learn", "mlflow", "numpy", "pandas", "keras", "tensorflow-cpu")


def now() -> str:
    """Format the current date and minute in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"


def machine() -> str:
    """Describe processor, cores, memory, system, and the load when a measurement starts."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()}; load average of the last minute "
        f"{os.getloadavg()[0]:.1f} at the start (0 on a quiet machine)"
    )


def versions() -> str:
    """List the versions of Python and of the packages that matter, and the commit."""
    installed = []
    for name in PACKAGES:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"Python {platform.python_version()}, {', '.join(installed)}; commit {commit()}"


def _processor() -> str:
    """Return the processor's name on Linux, its architecture elsewhere."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    """Return the abbreviated commit, with `-dirty` if more than docs/ has changed since; `unknown` outside a checkout.

    Benchmarks and campaign write into docs/ themselves.
    """
    git = ["git", "-C", str(Path(__file__).parents[1])]
    try:
        found, changed = (
            subprocess.run([*git, *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "-uno", "--", ":!docs"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{found}-dirty" if changed else found
